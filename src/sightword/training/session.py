"""From the words of a command to a `Job`: backbone, data that is held out, checkpoints, cache."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np

from sightword.backbones.base import Array
from sightword.config import cache_home
from sightword.errors import UsageError
from sightword.training.directory import check_free, check_new
from sightword.training.job import Job
from sightword.training.loop import Run
from sightword.training.need import need_torch
from sightword.training.pictures import PictureFeatures, Skips, picture_features
from sightword.training.readers import Columns, Item, Source, open_source
from sightword.training.recipes import RECIPES
from sightword.training.world import World, join

__all__ = ["Session", "Wishes"]


@dataclass(frozen=True)
class Wishes:
    """The options that all methods share; None leaves a value to the recipe.

    Attributes
    ----------
    method : str
    out : Path
    settings : dict
        steps, epochs, batch, lr, warmup, weight_decay, clip, ema, seed.
    network : dict
        tokens, hidden, dropout.
    held_out : str, optional
        A number of pictures, a ``.npy`` of features, or pictures as `open_source` reads them.
    """

    method: str
    out: Path
    backbone: str = "starter"
    settings: dict[str, Any] = field(default_factory=dict)
    network: dict[str, Any] = field(default_factory=dict)
    device: str = "cpu"
    precision: str = "f32"
    threads: int | None = None
    workers: int | None = None
    held_out: str | None = None
    limit: int | None = None
    columns: Columns = field(default_factory=Columns)
    max_unreadable: float = 0.05
    half: bool = False
    description: str = ""
    licence: str = "unknown"
    resume: bool = False
    fresh: bool = False
    overwrite: bool = False
    checkpoint_every: int = 1000
    tensorboard: bool = False
    cache: bool = True
    progress: bool = True


class Session:
    """One call of ``sightword train``.

    Parameters
    ----------
    wishes : Wishes
    say : callable
        Takes one sentence for the terminal.
    """

    def __init__(self, wishes: Wishes, say: Callable[[str], None]) -> None:
        torch = need_torch()
        self.wishes, self.say = wishes, say
        self.sources: list[str] = []
        self._identities: list[str] = []
        self.kept = wishes.out.with_name(f"{wishes.out.name}.run")
        unfinished = any(self.kept.glob("*.safetensors"))
        if unfinished and not (wishes.resume or wishes.fresh):
            raise UsageError(
                f"An unfinished run is kept in {self.kept}.",
                "Go on with --resume, or start anew with --fresh.",
            )
        if wishes.overwrite or (unfinished and wishes.resume):  # the run was allowed to when it began
            check_free(wishes.out)
        else:
            check_new(wishes.out, "Choose another --out, or replace it with --overwrite.")
        if wishes.fresh:
            shutil.rmtree(self.kept, ignore_errors=True)
        if wishes.threads:
            torch.set_num_threads(wishes.threads)
        self.world: World = join(wishes.device)

    @cached_property
    def backbone(self) -> Any:
        """The loaded backbone: its own runtime on the CPU, torch elsewhere."""
        from sightword.backbones import load_backbone

        wishes = self.wishes
        if wishes.device == "cpu":
            found = load_backbone(wishes.backbone, threads=wishes.threads, device="cpu")
            if getattr(found, "runtime", "") != "torch" or wishes.precision == "f32":
                return found
            return load_backbone(wishes.backbone, device="cpu", precision=wishes.precision)
        return load_backbone(
            wishes.backbone, runtime="torch", device=wishes.device, precision=wishes.precision
        )

    @cached_property
    def tower(self) -> Any:
        """Its text tower in torch."""
        from sightword.methods import torch_words

        return torch_words.text_tower(self.backbone, device=self.wishes.device, dtype=self.wishes.precision)

    @property
    def home(self) -> Path | None:
        """Where what can be made again is kept."""
        return cache_home() / "training" if self.wishes.cache else None

    @property
    def progress(self) -> bool:
        """Whether this process shows bars."""
        return self.wishes.progress and not self.world.rank

    def open(self, names: Sequence[str]) -> list[Source[Item]]:
        """Open sources, and remember them for the card."""
        opened = [open_source(name, self.wishes.columns) for name in names]
        self.sources += [source.name for source in opened]
        self._identities += [source.identity() for source in opened]
        return opened

    def identity(self) -> str:
        """Changes when the data does."""
        return "|".join([*self._identities, str(self.wishes.limit)])

    def captions(self, names: Sequence[str]) -> Iterator[str]:
        """All captions of some sources."""
        texts = (text for source in self.open(names) for item in source for text in item.captions)
        return islice(texts, self.wishes.limit)

    def pictures(self, images: Sequence[str], features: Path | None) -> PictureFeatures:
        """Features of pictures, or those of a ``.npy`` file."""
        if bool(images) == (features is not None):
            raise UsageError("Give --images or --features.")
        if features is not None:
            values = self.array(features)[: self.wishes.limit]
            self.sources.append(str(features))
            items = [Item(f"{features.name}:{row}") for row in range(len(values))]
            return PictureFeatures(items, values, Skips())
        wishes = self.wishes
        found = picture_features(
            chain.from_iterable(self.open(images)), self.backbone, home=self.home, cap=wishes.max_unreadable,
            workers=wishes.workers, progress=self.progress, limit=wishes.limit,
        )  # fmt: skip
        self.note(found.skips)
        return found

    def note(self, skips: Skips) -> None:
        """Say and list what was skipped."""
        path = self.kept / "skipped.tsv"
        if not self.world.rank:
            skips.write(path)
            if skips.sentence():
                self.say(skips.sentence(path if skips.listed else None) + ".")

    def array(self, path: Path) -> Array:
        """Features of a ``.npy`` file, float32 [N, D]."""
        try:
            values = np.load(path, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise UsageError(f"{path} cannot be read as features: {error}.") from None
        dim = self.backbone.spec.dim
        if values.ndim != 2 or values.shape[1] != dim or values.dtype.kind != "f":
            raise UsageError(f"{path} holds {values.dtype} {list(values.shape)}, not features [N, {dim}].")
        return np.asarray(values, np.float32)

    def hold_out(self, features: Array | None) -> tuple[Array | None, np.ndarray[Any, Any] | None]:
        """What is measured and never trained on.

        Returns
        -------
        held_out : float32 [M, D] or None
        training : int64 or None
            Rows of `features` that are trained on; None means all.
        """
        wish = self.wishes.held_out
        if wish is not None and not wish.isdigit():
            path = Path(wish)
            if path.suffix == ".npy":
                return self.array(path), None
            items = chain.from_iterable([open_source(wish, self.wishes.columns)])
            found = picture_features(
                items, self.backbone, home=self.home, cap=self.wishes.max_unreadable, progress=self.progress
            )
            return found.features, None
        rows = 0 if features is None else len(features)
        count = int(wish) if wish is not None else (min(500, rows // 20) if rows >= 200 else 0)
        if features is None or not count:
            return None, None
        if count > rows - 2:
            raise UsageError(f"{count} of {rows} pictures cannot be held out: at least 2 must be left.")
        order = np.random.default_rng(self.wishes.settings.get("seed") or 0).permutation(rows)
        return features[np.sort(order[:count])], np.sort(order[count:])

    def job(self, rows: int, held_out: Array | None, facts: dict[str, Any]) -> Job:
        """The job for `rows` rows of data."""
        wishes = self.wishes
        settings = RECIPES[wishes.method].settings(rows, **wishes.settings)
        data = ", ".join(self.sources)
        run = Run(
            checkpoint=self.kept / "checkpoint.safetensors", every=wishes.checkpoint_every,
            resume=wishes.resume, settings={"data": self.identity(), "rows": rows},
            tensorboard=self.kept / "tensorboard" if wishes.tensorboard else None,
            progress=self.progress, world=self.world,
        )  # fmt: skip
        return Job(
            self.backbone, self.tower, wishes.out, settings, **wishes.network, device=wishes.device,
            dtype=wishes.precision, run=run, held_out=held_out, half=wishes.half, licence=wishes.licence,
            description=wishes.description or f"Trained on {data} ({rows:,} rows).",
            facts={"data": self.sources, "recipe": RECIPES[wishes.method].source, **facts},
        )  # fmt: skip

    def done(self) -> None:
        """The result stands: what was only kept to go on is removed."""
        self.world.leave()
        if self.world.rank:
            return
        for path in (*self.kept.glob("*.safetensors"),):
            path.unlink(missing_ok=True)
        if self.kept.is_dir() and not any(self.kept.iterdir()):
            self.kept.rmdir()
