"""Features of a benchmark's pictures, kept in the user's cache by content, view, preprocessing and backbone.

Blocks of pictures are kept one file each, so that an interrupted run goes on where it stopped. All features
together are one array, in memory or, when that would be large, mapped from a file of the cache.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import weakref
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from sightword.backbones.base import Array, Backbone
from sightword.config import cache_home
from sightword.errors import PictureError
from sightword.evaluation.composed import Picture
from sightword.evaluation.content import with_hashes
from sightword.evaluation.decoding import Decoding
from sightword.pictures.preprocess import normalise
from sightword.update.progress import Progress

__all__ = ["picture_features", "squares"]

BLOCK = 256
BATCH = 32
LARGE = 1 << 30
"""Bytes; CIRCO's gallery takes 379 MB at 768 dimensions."""


def picture_features(
    backbone: Backbone,
    folder: Path,
    pictures: Sequence[Picture],
    *,
    cache: Path | None = None,
    progress: Progress | None = None,
    preprocess: str = "clip",
    large: int = LARGE,
    unreadable: dict[int, str] | None = None,
) -> Array:
    """Raw features of pictures.

    Parameters
    ----------
    backbone : Backbone
    folder : Path
    pictures : sequence of Picture, length N
    cache : Path, optional
        Instead of ``features`` in the user's cache.
    progress : Progress, optional
    preprocess : {"clip", "targetpad"}
        ``clip`` is exactly the backbone's own transform; see `sightword.evaluation.views`.
    large : int
        From so many bytes on, the features are mapped from a file.
    unreadable : dict, optional
        Takes the numbers of the pictures that cannot be read, with the reasons; their features are NaN.
        Without it the first one is an error.

    Returns
    -------
    float32 [N, D]
        A ``numpy.memmap`` when it is large.

    Raises
    ------
    SightwordError
        A picture is not the one that the benchmark lists, or cannot be read.
    """
    cache = cache_home() / "features" if cache is None else cache
    progress = progress or Progress()
    pictures = with_hashes(folder, pictures, cache, progress, unreadable is not None)
    progress.description("reading pictures")
    progress.total(len(pictures))
    shape = (len(pictures), backbone.spec.dim)
    keys = [
        _key(backbone, pictures[start : start + BLOCK], preprocess)
        for start in range(0, len(pictures), BLOCK)
    ]
    whole: Array = (
        _room(cache, keys, shape) if 4 * shape[0] * shape[1] >= large else np.empty(shape, np.float32)
    )
    with Decoding(folder, backbone.spec.preprocess, preprocess, len(pictures)) as decoding:
        for number, key in enumerate(keys):
            first = number * BLOCK
            block, path = pictures[first : first + BLOCK], cache / f"{key}.npy"
            features = _kept(path, (len(block), backbone.spec.dim))
            before = len(block)
            if features is None:
                features = np.full((len(block), backbone.spec.dim), np.nan, np.float32)
            else:
                before = len(_missing(features))
            reasons = _fill(features, backbone, decoding, block, progress)
            if len(reasons) < before:
                _keep(path, features)
            for row, reason in reasons.items():
                if unreadable is None:
                    raise _unreadable(folder, block[row], reason)
                unreadable[first + row] = reason
            whole[first : first + len(block)] = features
    return whole


def _room(cache: Path, keys: Sequence[str], shape: tuple[int, int]) -> Array:
    """A file as large as all features, mapped; filled anew from the blocks by every run."""
    cache.mkdir(parents=True, exist_ok=True)
    path = cache / f"all-{hashlib.sha256(''.join(keys).encode()).hexdigest()[:32]}-{os.getpid()}.npy"
    mapped = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
    weakref.finalize(mapped, _remove, path)
    return mapped


def _remove(path: Path) -> None:
    with suppress(OSError):  # some systems keep a file that is still mapped
        path.unlink()


def _key(backbone: Backbone, block: Sequence[Picture], preprocess: str) -> str:
    spec = backbone.spec
    precision = getattr(backbone, "precisions", {}).get("image", "")
    told = [type(backbone).__name__, spec.weights_hash, repr(spec.preprocess), precision, preprocess]
    seen_as = [f"{picture.sha256}{getattr(picture, 'view', None) or ''}" for picture in block]
    return hashlib.sha256("\n".join([*told, *seen_as]).encode()).hexdigest()


def _kept(path: Path, shape: tuple[int, int]) -> Array | None:
    try:
        features = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):  # not there, or cut off: made again
        return None
    return features if features.shape == shape and features.dtype == np.float32 else None


def _keep(path: Path, features: Array) -> None:
    """Under a temporary name first; a cache that cannot be written is no reason to stop."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
        with os.fdopen(descriptor, "wb") as file:
            np.save(file, features)
        Path(name).replace(path)


def _missing(features: Array) -> list[int]:
    """Rows that hold no feature: of pictures that were not read yet, or could not be."""
    return [int(row) for row in np.flatnonzero(np.isnan(features).any(axis=1))]


def _fill(
    features: Array, backbone: Backbone, decoding: Decoding, block: Sequence[Picture], progress: Progress
) -> dict[int, str]:
    """Encode the rows that are missing, in place; returns why others still are."""
    rows = _missing(features)
    read = dict(zip(rows, decoding.read([block[row] for row in rows])))
    reasons = {row: found for row, found in read.items() if isinstance(found, str)}
    progress.advance(len(block) - len(rows) + len(reasons))
    good = [row for row in rows if row not in reasons]
    for start in range(0, len(good), BATCH):
        batch = good[start : start + BATCH]
        pixels = np.stack([np.asarray(read[row]) for row in batch])
        features[batch] = backbone.encode_images(normalise(pixels, backbone.spec.preprocess))
        progress.advance(len(batch))
    return reasons


def squares(backbone: Backbone, folder: Path, pictures: Sequence[Picture], preprocess: str) -> np.ndarray:
    """Pictures as the image tower takes them, uint8 [B, S, S, 3]; those without a hash are not compared.

    Raises
    ------
    PictureError
        One cannot be read.
    """
    with Decoding(folder, backbone.spec.preprocess, preprocess, len(pictures)) as decoding:
        found = decoding.read(pictures)
    for picture, item in zip(pictures, found):
        if isinstance(item, str):
            raise _unreadable(folder, picture, item)
    return np.stack([np.asarray(item) for item in found])


def _unreadable(folder: Path, picture: Picture, reason: str) -> PictureError:
    return PictureError(f"{folder / picture.file}: {reason}", "Get the file again.")
