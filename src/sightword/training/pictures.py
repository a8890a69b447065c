"""Pictures decoded, encoded once and kept; what cannot be read is counted, listed and skipped under a cap."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from sightword.backbones.base import Array, Backbone
from sightword.errors import SightwordError, UsageError
from sightword.pictures.pool import DecodePool
from sightword.pictures.preprocess import normalise
from sightword.pictures.types import DecodedPicture
from sightword.training.bars import Bar
from sightword.training.readers.base import Item, file_state

__all__ = ["PictureFeatures", "Skips", "decoded", "list_pictures", "picture_features"]

_AT_ONCE = 256


@dataclass
class Skips:
    """Pictures that cannot be read.

    Attributes
    ----------
    cap : float
        Largest share that is tolerated.
    listed : list of (name, reason)
    doubles : int
        Pictures that were listed twice, and taken once.
    seen : int
    """

    cap: float = 0.05
    listed: list[tuple[str, str]] = field(default_factory=list)
    doubles: int = 0
    seen: int = 0

    def check(self, *, end: bool) -> None:
        """Stop when too many cannot be read; before the end only once a thousand were looked at.

        Raises
        ------
        SightwordError
        """
        if len(self.listed) > self.cap * self.seen and (end or self.seen >= 1000):
            name, reason = self.listed[0]
            raise SightwordError(
                f"{len(self.listed):,} of {self.seen:,} pictures cannot be read, more than {self.cap:.0%}; "
                f"the first is {name}: {reason}",
                "Mend the data, or raise --max-unreadable.",
            )

    def write(self, path: Path) -> None:
        """One line for each: name, tab, reason."""
        if self.listed:
            path.parent.mkdir(parents=True, exist_ok=True)
            lines = [f"{name}\t{' '.join(reason.split())}\n" for name, reason in self.listed]
            path.write_text("".join(lines), encoding="utf-8", errors="replace")

    def sentence(self, path: Path | None = None) -> str:
        """For the terminal; empty when nothing was skipped."""
        parts = []
        if self.listed:
            where = f" (listed in {path})" if path else ""
            parts.append(f"{len(self.listed):,} of {self.seen:,} pictures could not be read{where}")
        if self.doubles:
            parts.append(f"{self.doubles:,} were listed twice and taken once")
        return "; ".join(parts)


@dataclass(frozen=True)
class PictureFeatures:
    """Pictures that were read.

    Attributes
    ----------
    items : list of Item
        Those that were read, in the order of the source.
    features : float32 [N, D]
        Raw.
    skips : Skips
    """

    items: list[Item]
    features: Array
    skips: Skips


def list_pictures(items: Iterable[Item], skips: Skips) -> list[Item]:
    """Examples with a picture, each picture once; captions of the same picture are put together."""
    found: dict[str, Item] = {}
    for item in items:
        if item.picture is None:
            continue
        known = found.get(item.name)
        if known is None:
            found[item.name] = item
            continue
        fresh = tuple(text for text in item.captions if text not in known.captions)
        skips.doubles += not fresh
        found[item.name] = Item(known.name, known.picture, known.captions + fresh)
    return list(found.values())


def decoded(
    items: Sequence[Item], pool: DecodePool, skips: Skips
) -> Iterator[tuple[list[int], NDArray[np.uint8]]]:
    """Decode in blocks.

    Yields
    ------
    positions : list of int
        In `items`, increasing.
    pixels : uint8 [B, S, S, 3]
    """
    for start in range(0, len(items), _AT_ONCE):
        block = range(start, min(start + _AT_ONCE, len(items)))
        files, contents = [], []
        for index in block:
            picture, key = items[index].picture, str(index).encode()
            if isinstance(picture, Path):
                files.append((key, os.fsencode(picture)))
            else:
                contents.append((key, picture or b""))
        found: dict[int, NDArray[np.uint8]] = {}
        streams = ([pool.run(files)] if files else []) + ([pool.run_bytes(contents)] if contents else [])
        for result in itertools.chain(*streams):
            index = int(result.path)
            if isinstance(result, DecodedPicture):
                found[index] = result.pixels
            else:
                skips.listed.append((items[index].name, result.reason))
        skips.seen += len(block)
        skips.check(end=False)
        kept = sorted(found)
        if kept:
            yield kept, np.stack([found[index] for index in kept])
    skips.check(end=True)


def picture_features(
    items: Iterable[Item],
    backbone: Backbone,
    *,
    home: Path | None = None,
    cap: float = 0.05,
    workers: int | None = None,
    progress: bool = True,
    limit: int | None = None,
) -> PictureFeatures:
    """Features of pictures; files that an earlier run encoded are not decoded again.

    Parameters
    ----------
    items : iterable of Item
    backbone : Backbone
    home : Path, optional
        The cache's directory; None keeps nothing.
    cap : float
        Largest share of unreadable pictures.
    limit : int, optional
        Take at most so many.

    Raises
    ------
    SightwordError
        Too many pictures cannot be read.
    UsageError
        There are none.
    """
    skips = Skips(cap)
    listed = list_pictures(items, skips)[:limit]
    if not listed:
        raise UsageError(
            "There is no picture to learn from.", "See `sightword train --help` for what is read."
        )
    path = home / f"pictures-{_key(listed, backbone)}.npz" if home else None
    known = _load(path, len(listed))
    if known is not None:
        positions, features, reasons = known
        skips.listed, skips.seen = [(listed[i].name, reason) for i, reason in reasons], len(listed)
        skips.check(end=True)
        return PictureFeatures([listed[i] for i in positions], features, skips)

    kept: list[int] = []
    parts: list[Array] = []
    spec = backbone.spec.preprocess
    with (
        DecodePool(spec, "clip", workers=workers) as pool,
        Bar("pictures", "picture", len(listed), show=progress) as bar,
    ):
        for block, pixels in decoded(listed, pool, skips):
            parts.append(backbone.encode_images(normalise(pixels, spec)))
            kept += block
            bar.reach(skips.seen)
    if not parts:
        raise UsageError("No picture could be read.", skips.sentence())
    features = np.concatenate(parts)
    _keep(path, kept, features, listed, skips)
    return PictureFeatures([listed[i] for i in kept], features, skips)


def _key(items: Sequence[Item], backbone: Backbone) -> str:
    digest = hashlib.sha256(f"{backbone.spec.weights_hash}|{backbone.spec.preprocess}".encode())
    digest.update(str(getattr(backbone, "precision", "")).encode())
    for item in items:
        if isinstance(item.picture, Path):
            try:
                digest.update(file_state(item.picture).encode("utf-8", "surrogateescape"))
            except OSError:
                digest.update(item.name.encode("utf-8", "surrogateescape"))
        else:
            digest.update(hashlib.sha256(item.picture or b"").digest())
    return digest.hexdigest()[:32]


def _load(path: Path | None, count: int) -> Any:
    if path is None or not path.is_file():
        return None
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as data:
            positions, features = data["positions"], data["features"]
            reasons = json.loads(str(data["reasons"]))
        if len(positions) != len(features) or (len(positions) and positions[-1] >= count):
            return None
        return positions, features, reasons
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None  # a damaged cache is made again


def _keep(path: Path | None, kept: list[int], features: Array, items: list[Item], skips: Skips) -> None:
    if path is None:
        return
    places = {item.name: index for index, item in enumerate(items)}
    reasons = json.dumps([(places[name], reason) for name, reason in skips.listed])

    def write(stream: Any) -> None:
        np.savez(stream, positions=np.array(kept), features=features, reasons=np.array(reasons))

    _replace(path, write)


def _replace(path: Path, write: Callable[[Any], None]) -> None:
    """A cache that cannot be written (a full disk) must not stop the run."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as stream:
            write(stream)
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
