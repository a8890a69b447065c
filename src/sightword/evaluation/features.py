"""Features of a benchmark's pictures, kept in the user's cache by content and backbone.

Blocks of pictures are kept one file each, so that an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from sightword.backbones.base import Array, Backbone
from sightword.config import cache_home
from sightword.errors import SightwordError
from sightword.evaluation.composed import Picture
from sightword.pictures.decode import decode_bytes
from sightword.pictures.preprocess import normalise, resize_uint8
from sightword.update.progress import Progress

__all__ = ["picture_features"]

BLOCK = 256
BATCH = 32


def picture_features(
    backbone: Backbone,
    folder: Path,
    pictures: Sequence[Picture],
    *,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> Array:
    """Raw features, preprocessed exactly as the backbone's own transform does (preset ``clip``).

    Parameters
    ----------
    backbone : Backbone
    folder : Path
    pictures : sequence of Picture, length N
    cache : Path, optional
        Instead of ``features`` in the user's cache.
    progress : Progress, optional

    Returns
    -------
    float32 [N, D]

    Raises
    ------
    SightwordError
        A picture is missing or is not the one that the benchmark lists.
    """
    cache = cache_home() / "features" if cache is None else cache
    progress = progress or Progress()
    progress.description("reading pictures")
    progress.total(len(pictures))
    blocks = []
    for start in range(0, len(pictures), BLOCK):
        block = pictures[start : start + BLOCK]
        path = cache / f"{_key(backbone, block)}.npy"
        features = _kept(path, (len(block), backbone.spec.dim))
        if features is None:
            features = _encoded(backbone, folder, block, progress)
            _keep(path, features)
        else:
            progress.advance(len(block))
        blocks.append(features)
    return np.concatenate(blocks)


def _key(backbone: Backbone, block: Sequence[Picture]) -> str:
    spec = backbone.spec
    precision = getattr(backbone, "precisions", {}).get("image", "")
    told = [type(backbone).__name__, spec.weights_hash, repr(spec.preprocess), precision, "clip"]
    digest = hashlib.sha256("\n".join([*told, *(picture.sha256 for picture in block)]).encode())
    return digest.hexdigest()


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


def _encoded(backbone: Backbone, folder: Path, block: Sequence[Picture], progress: Progress) -> Array:
    parts = []
    for start in range(0, len(block), BATCH):
        squares = [_square(backbone, folder, picture) for picture in block[start : start + BATCH]]
        parts.append(backbone.encode_images(normalise(np.stack(squares), backbone.spec.preprocess)))
        progress.advance(len(squares))
    return np.concatenate(parts).astype(np.float32)


def _square(backbone: Backbone, folder: Path, picture: Picture) -> np.ndarray:
    path = folder / picture.file
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SightwordError(
            f"The picture {path} cannot be read ({error.strerror}).", "Build the benchmark again."
        ) from None
    if hashlib.sha256(data).hexdigest() != picture.sha256:
        raise SightwordError(
            f"{path} is not the picture that the benchmark lists.", "Build the benchmark again."
        )
    return resize_uint8(decode_bytes(data, preset="clip"), backbone.spec.preprocess, "clip")
