"""Patch features of reference pictures, computed once and kept (methods that ask for ``patches``)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightword.pictures.pool import DecodePool
from sightword.pictures.preprocess import normalise
from sightword.training.bars import Bar
from sightword.training.pictures import Skips, _key, _replace, decoded
from sightword.training.readers.base import Item

__all__ = ["patch_features"]


def patch_features(
    items: Sequence[Item],
    rows: NDArray[np.int64],
    backbone: Any,
    *,
    home: Path | None = None,
    workers: int | None = None,
    progress: bool = True,
) -> NDArray[np.float16]:
    """Patch features of some pictures.

    Parameters
    ----------
    items : sequence of Item, length P
    rows : int64 [R]
        Which of them are wanted.
    backbone : Backbone with ``encode_patches``
    home : Path, optional
        The cache's directory.

    Returns
    -------
    float16 [P, n, Dp]
        Zero for pictures that were not asked for; float16 because there are n times as many as features.
    """
    wanted = [items[row] for row in rows]
    key = hashlib.sha256(_key(wanted, backbone).encode()).hexdigest()[:32]
    path = home / f"patches-{key}.npy" if home else None
    known = _load(path, len(rows))
    if known is None:
        known = _encoded(wanted, backbone, workers, progress)
        if path is not None:
            made = known
            _replace(path, lambda stream: np.save(stream, made))
    whole = np.zeros((len(items), *known.shape[1:]), np.float16)
    whole[rows] = known
    return whole


def _load(path: Path | None, count: int) -> NDArray[np.float16] | None:
    try:
        known = np.load(path, allow_pickle=False) if path is not None else None
    except (OSError, ValueError, EOFError):
        return None
    return known if known is not None and len(known) == count and known.dtype == np.float16 else None


def _encoded(
    items: Sequence[Item], backbone: Any, workers: int | None, progress: bool
) -> NDArray[np.float16]:
    spec, skips = backbone.spec.preprocess, Skips(cap=1.0)
    out: NDArray[np.float16] | None = None
    with (
        DecodePool(spec, "clip", workers=workers) as pool,
        Bar("patches", "picture", len(items), show=progress) as bar,
    ):
        for block, pixels in decoded(items, pool, skips):
            found = np.asarray(backbone.encode_patches(normalise(pixels, spec)), np.float16)
            if out is None:
                out = np.zeros((len(items), *found.shape[1:]), np.float16)
            out[block] = found
            bar.reach(skips.seen)
    assert out is not None  # the same files were read a moment ago
    return out
