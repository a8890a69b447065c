"""The best k of many scores without sorting them all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sightword.backbones.base import Array

__all__ = ["best_rows"]

GROUPS = 16
"""At least so many groups per wanted row, so that the bound lies close to the k-th best score."""


def best_rows(scores: Array, k: int) -> NDArray[np.intp]:
    """Rows of the k largest scores, best first; of equals, the earlier row.

    The scores are laid out in columns; each column's maximum is the score of some row, so at least k rows
    reach the k-th largest maximum. Only those that do are sorted.

    Parameters
    ----------
    scores : float32 [N]
        Without NaN.
    k : int
        At least 1.

    Returns
    -------
    int [min(k, N)]

    Examples
    --------
    >>> best_rows(np.array([0.1, 0.9, 0.9, 0.5], np.float32), 3).tolist()
    [1, 2, 3]
    """
    size = scores.size
    columns = max(GROUPS * k, int(size**0.5))
    if columns * 4 > size:
        return np.argsort(-scores, kind="stable")[:k]
    whole = size - size % columns
    maxima = scores[:whole].reshape(-1, columns).max(axis=0)
    bound = np.partition(maxima, columns - k)[columns - k]
    reach = np.flatnonzero(scores >= bound)
    return reach[np.argsort(-scores[reach], kind="stable")[:k]]
