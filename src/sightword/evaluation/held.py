"""A benchmark's gallery in an index: refused where that cannot be right, filled once, asked, described.

The index holds the gallery and nothing else, every picture under its path relative to the benchmark's folder
and with the hash of its content, as in every index (`sightword.index.base`).
"""

from __future__ import annotations

import os
import re
import shlex
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sightword.backbones.base import Array, BackboneSpec
from sightword.errors import IndexForAnotherBackbone, IndexMissing, IndexProblem, UsageError
from sightword.evaluation.benchmark import Benchmark, Loaded
from sightword.evaluation.content import with_hashes
from sightword.evaluation.held_ranking import Held, HeldGalleries
from sightword.evaluation.held_rows import fill, missing_rows, path_of, ranked_numbers, refuse_strangers
from sightword.evaluation.judging import KEPT
from sightword.index.base import Manifest, VectorStore
from sightword.index.connection import DATABASE
from sightword.index.milvus.address import Address
from sightword.index.opening import Place, as_place, most_at_once, open_index
from sightword.index.store import require
from sightword.update.progress import Progress

__all__ = ["Holding"]

SUPPORTED = "styleshift, fashioniq, cirr, circo, imagenet-r and coco-compose"


@dataclass(frozen=True)
class Holding:
    """Where a gallery is held, and what it is.

    Attributes
    ----------
    benchmark : str
    deepest : int, optional
        The last place that its metrics tell apart; None for the whole ranking.
    spec : BackboneSpec
    place : Path or Address
    """

    benchmark: str
    deepest: int | None
    spec: BackboneSpec
    place: Place

    @classmethod
    def of(cls, benchmark: Benchmark, spec: BackboneSpec, index: str | os.PathLike[str] | Address) -> Holding:
        """For a benchmark.

        Raises
        ------
        UsageError
            `index` begins like an address and is none.
        """
        return cls(benchmark.name, getattr(benchmark, "deepest", None), spec, as_place(index))

    @property
    def name(self) -> str:
        """The index in sentences and results: never with a user's name."""
        if isinstance(self.place, Path):
            return str(self.place)
        return replace(self.place, user="").plain

    def check(self, loaded: Loaded, preprocess: str) -> None:
        """Refuse, before any picture is read, what cannot be held or asked there. Nothing is made.

        Raises
        ------
        UsageError
            The benchmark's galleries, its preprocessing or its metrics cannot be had from an index.
        IndexProblem
            What is there is another backbone's, holds other files, or cannot be opened.
        """
        listed = [loaded.pictures[number] for number in ranked_numbers(loaded)]
        if any(getattr(query, "candidates", ()) for query in loaded.queries):
            self._refuse("ranks each query among candidates of its own, which no index holds apart")
        if any(getattr(picture, "view", None) for picture in listed):
            self._refuse("ranks parts of pictures, and an index holds whole ones")
        if len({picture.file for picture in listed}) < len(listed):
            self._refuse("lists a file more than once, and an index holds it once")
        if preprocess != "clip":
            raise UsageError(
                f"An index has no pictures prepared by {preprocess!r}.", "Leave --preprocess or --index out."
            )
        most = most_at_once(self.place)
        if self.deepest is None and most is not None and len(listed) > most:
            raise UsageError(
                f"{self.benchmark} has a metric of the whole ranking, here of {len(listed):,} pictures, and "
                f"{self.name} answers at most {most:,} at once.",
                "Choose a smaller --split, or keep the gallery on this machine: --index DIRECTORY",
            )
        try:
            store = open_index(loaded.folder, index=self.place, readonly=True)
        except IndexMissing:  # it is made once the pictures have been read
            if isinstance(self.place, Path):
                _check_room(self.place)
            return
        with closing(store):
            self._compare(store, loaded)
            refuse_strangers(store.known(), set(map(path_of, listed)), self.name, self._another(loaded))

    def hold(
        self, loaded: Loaded, features: Array, cache: Path, progress: Progress
    ) -> tuple[HeldGalleries, dict[str, Any]]:
        """Fill the index with what it lacks, and rank by it.

        Parameters
        ----------
        loaded : Loaded
        features : float32 [N, D], raw
            Of its pictures.
        cache : Path
            Where contents of files are remembered.
        progress : Progress

        Returns
        -------
        HeldGalleries
            To be closed.
        dict
            What ranks, for the results.

        Raises
        ------
        IndexProblem
            It holds anything else, other vectors, or another process is writing to it.
        """
        numbers = ranked_numbers(loaded)
        listed = with_hashes(loaded.folder, [loaded.pictures[n] for n in numbers], cache, progress)
        rows = {path_of(picture): (number, picture) for number, picture in zip(numbers, listed)}
        manifest = Manifest(self.spec.name, self.spec.weights_hash, "clip", self.spec.dim)
        store = open_index(loaded.folder, index=self.place, create=manifest, expected=len(rows))
        try:
            self._compare(store, loaded)
            missing = missing_rows(store, self.name, rows, features, self._another(loaded))
            fill(store, loaded.folder, missing, features, progress)
            store.settle(written=bool(missing))
            facts = _facts(store, self.name, len(missing))
        except BaseException:
            store.close()
            raise
        ids = {path: picture.id for path, (_, picture) in rows.items()}
        held = Held(store, ids, self.name, most_at_once(self.place))
        return HeldGalleries(loaded, features, held, self.deepest, progress), facts

    def protocol(self) -> dict[str, str]:
        """How it ranks, in sentences, for the results."""
        first = max(KEPT, self.deepest or 0)
        behind = "what lies behind them comes from questions for more, down to all"
        if self.deepest is not None:
            behind = "no metric looks behind them, and places there are not told"
        return {
            "ranking": f"by the index; the first {first} places (as many as are ranked anew, where a method "
            f"does that) are its answer to a question for so many; {behind}",
            "ties": "scores are rounded to a millionth; equal ones go by the gallery's order, and "
            "where an answer ends between equal ones, the index chooses which belong to it (by path)",
        }

    def _refuse(self, why: str) -> None:
        raise UsageError(f"{self.benchmark} {why}.", f"--index is for {SUPPORTED}.")

    def _compare(self, store: VectorStore, loaded: Loaded) -> None:
        """The manifest with ours."""
        try:
            require(store.manifest, self.spec)
        except IndexForAnotherBackbone as error:
            raise IndexForAnotherBackbone(error.message, self._another(loaded)) from None
        if store.manifest.preprocess != "clip":
            raise IndexProblem(
                f"The index {self.name} holds pictures prepared by {store.manifest.preprocess!r}, and "
                "benchmarks are measured with 'clip'.",
                self._another(loaded),
            )
        if isinstance(self.place, Address) and self.place.layout.index != "auto":
            kind = str(store.info()["vector_index"])
            if kind.lower() != self.place.layout.index:
                wanted = self.place.layout.index.upper()
                raise IndexProblem(
                    f"The index {self.name} is {kind}, and not {wanted} as its address says.",
                    f"Have it built anew: sightword compact {shlex.quote(str(self.place))}",
                )

    def _another(self, loaded: Loaded) -> str:
        """The option that makes an index for this gallery alone."""
        own = re.sub(r"\W", "_", f"{self.benchmark}_{loaded.split}_{self.spec.name}")
        if isinstance(self.place, Path):
            return f"Have one made for it: --index {self.place.with_name(own)}"
        return f"Have one made for it: --index {self.place.plain.rpartition('/')[0]}/{own}"


def _check_room(directory: Path) -> None:
    """Refuse to make an index among other files, or inside another index: both would be taken for neither."""
    hint = "Name a directory that is not there yet."
    if directory.is_dir() and any(directory.iterdir()):
        raise UsageError(f"{directory} holds other files, and the index of a gallery is kept apart.", hint)
    for parent in directory.absolute().parents:
        if (parent / DATABASE).is_file():
            raise UsageError(f"{directory} lies inside the index {parent}.", hint)


def _facts(store: VectorStore, name: str, added: int) -> dict[str, Any]:
    info = store.info()
    return {
        "location": name,
        "engine": info.get("server", "this machine"),
        "vector index": info.get("vector_index", "every picture compared"),
        "built with": info.get("built_with", {}),
        "searched with": info.get("searched_with", {}),
        "precision": info["dtype"],
        "pictures": info["pictures"],
        "added by this run": added,
    }
