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
from sightword.errors import PictureError, SightwordError
from sightword.evaluation.composed import Picture
from sightword.evaluation.content import with_hashes
from sightword.evaluation.views import seen
from sightword.pictures.decode import decode_bytes
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

    Returns
    -------
    float32 [N, D]
        A ``numpy.memmap`` when it is large.

    Raises
    ------
    SightwordError
        A picture is missing or is not the one that the benchmark lists.
    """
    cache = cache_home() / "features" if cache is None else cache
    progress = progress or Progress()
    pictures = with_hashes(folder, pictures, cache, progress)
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
    for number, key in enumerate(keys):
        block = pictures[number * BLOCK : (number + 1) * BLOCK]
        path = cache / f"{key}.npy"
        features = _kept(path, (len(block), backbone.spec.dim))
        if features is None:
            features = _encoded(backbone, folder, block, progress, preprocess)
            _keep(path, features)
        else:
            progress.advance(len(block))
        whole[number * BLOCK : number * BLOCK + len(block)] = features
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


def _encoded(
    backbone: Backbone, folder: Path, block: Sequence[Picture], progress: Progress, preprocess: str
) -> Array:
    parts = []
    for start in range(0, len(block), BATCH):
        squares = [_square(backbone, folder, picture, preprocess) for picture in block[start : start + BATCH]]
        parts.append(backbone.encode_images(normalise(np.stack(squares), backbone.spec.preprocess)))
        progress.advance(len(squares))
    return np.concatenate(parts).astype(np.float32)


def squares(backbone: Backbone, folder: Path, pictures: Sequence[Picture], preprocess: str) -> np.ndarray:
    """Pictures as the image tower takes them, uint8 [B, S, S, 3]; those without a hash are not compared."""
    return np.stack([_square(backbone, folder, picture, preprocess) for picture in pictures])


def _square(backbone: Backbone, folder: Path, picture: Picture, preprocess: str) -> np.ndarray:
    path = folder / picture.file
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SightwordError(
            f"The picture {path} cannot be read ({error.strerror}).", "Build the benchmark again."
        ) from None
    if picture.sha256 and hashlib.sha256(data).hexdigest() != picture.sha256:
        raise SightwordError(
            f"{path} is not the picture that the benchmark lists.", "Build the benchmark again."
        )
    try:
        image = decode_bytes(data, preset="clip")
    except PictureError as error:
        raise PictureError(f"{path}: {error.message}", "Get the file again.") from None
    return seen(image, getattr(picture, "view", None), preprocess, backbone.spec.preprocess)
