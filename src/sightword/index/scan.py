"""Exact search: one product over all rows, then the best few again in float64.

One thread and no matrix product of the BLAS on purpose: the scan is bound by memory, a second thread gains
little on two cores, and BLAS threads that wait for each other make a query many times slower as soon as
another process is busy. Rows are summed one by one, so a score does not depend on how the rows are blocked.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sightword.backbones.base import Array
from sightword.index.bf16 import from_bfloat16

__all__ = ["as_float32", "best", "rescore", "score_rows"]

_RESCORED = 32
"""How many more than k are looked at again."""

_BLOCK_BYTES = 1 << 19


def as_float32(rows: NDArray[np.float32] | NDArray[np.uint16]) -> Array:
    """Stored rows as float32 [n, D]."""
    if rows.dtype == np.uint16:
        return from_bfloat16(rows.astype(np.uint16, copy=False))
    return rows.astype(np.float32, copy=False)


def score_rows(rows: NDArray[np.float32] | NDArray[np.uint16], query: Array, out: Array) -> None:
    """Approximate cosines of all rows, float32.

    Parameters
    ----------
    rows : [n, D], float32 or uint16 holding bfloat16
    query : float32 [D], unit length
    out : float32 [n], filled
    """
    if rows.dtype != np.uint16:
        _dots(as_float32(rows), query, out)
        return
    dim = rows.shape[1]
    step = max(1, _BLOCK_BYTES // (4 * dim))
    if dim % 2 or not rows.flags.c_contiguous:
        for start in range(0, len(rows), step):
            block = from_bfloat16(np.asarray(rows[start : start + step], dtype=np.uint16))
            _dots(block, query, out[start : start + step])
        return
    # Two values per 32-bit word: shifting and masking whole words is twice as fast as widening each value.
    words = rows.view(np.uint32)
    low, high = (0, 1) if np.little_endian else (1, 0)
    even, odd = np.ascontiguousarray(query[low::2]), np.ascontiguousarray(query[high::2])
    buffer, second = np.empty((step, dim // 2), np.uint32), np.empty(step, np.float32)
    for start in range(0, len(rows), step):
        some = words[start : start + step]
        block, first = buffer[: len(some)], out[start : start + step]
        np.left_shift(some, np.uint32(16), out=block)
        _dots(block.view(np.float32), even, first)
        np.bitwise_and(some, np.uint32(0xFFFF0000), out=block)
        _dots(block.view(np.float32), odd, second[: len(some)])
        first += second[: len(some)]


def _dots(rows: Array, query: Array, out: Array) -> None:
    """One dot product per row, each by itself."""
    if hasattr(np, "vecdot"):
        np.vecdot(rows, query, out=out)
    else:  # numpy 1.26
        np.einsum("ij,j->i", rows, query, out=out)


def best(scores: Array, k: int, dim: int) -> NDArray[np.intp]:
    """Positions that may belong to the k best; ``-inf`` marks rows out of the question.

    At least ``k + 32`` where there are so many, and every row that float32 rounding (at most ``dim`` half
    units in the last place) cannot tell from the k-th: ties are settled later, by path.
    """
    wanted = min(len(scores), k + _RESCORED)
    if wanted == 0:
        return np.zeros(0, np.intp)
    top = np.partition(scores, len(scores) - wanted)[len(scores) - wanted :]
    top[::-1].sort()
    kth = top[min(k, wanted) - 1]
    cut = min(top[-1], kth - (1e-6 + dim * 2.0**-24))
    found = np.flatnonzero(scores >= cut)
    return found[np.isfinite(scores[found])]


def rescore(rows: NDArray[np.float32] | NDArray[np.uint16], query: Array) -> NDArray[np.float64]:
    """Cosines summed row by row in float64 and rounded to 1e-6.

    Parameters
    ----------
    rows : [n, D], stored rows
    query : float32 [D]

    Returns
    -------
    float64 [n]
    """
    wide = query.astype(np.float64)
    scores = np.empty(len(rows), np.float64)
    for start in range(0, len(rows), 4096):
        block = as_float32(rows[start : start + 4096]).astype(np.float64)
        scores[start : start + 4096] = (block * wide).sum(axis=1)
    rounded: NDArray[np.float64] = np.round(scores, 6) + 0.0
    return rounded
