"""Unit vectors and their means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightword.backbones.base import Array

__all__ = ["mean_unit", "unit"]


def unit(vectors: NDArray[np.floating[Any]]) -> Array:
    """Scale to length 1 along the last axis; a zero vector stays zero."""
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: Array = (vectors / np.maximum(norms, 1e-12)).astype(np.float32)
    return scaled


def mean_unit(vectors: Sequence[Array] | Array) -> Array:
    """Mean of several vectors, each of them and the result brought to length 1.

    Parameters
    ----------
    vectors : sequence of float32 [D], or float32 [n, D]; at least one

    Returns
    -------
    float32 [D]
    """
    return unit(np.mean(unit(np.stack(list(vectors))), axis=0))
