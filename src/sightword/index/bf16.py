"""bfloat16 held as uint16: the upper half of a float32."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sightword.backbones.base import Array

__all__ = ["from_bfloat16", "to_bfloat16"]


def to_bfloat16(values: Array) -> NDArray[np.uint16]:
    """Round finite float32 values to bfloat16, ties to even; same shape, uint16."""
    bits = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    half = np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
    rounded: NDArray[np.uint16] = ((bits + half) >> np.uint32(16)).astype(np.uint16)
    return rounded


def from_bfloat16(halves: NDArray[np.uint16]) -> Array:
    """The float32 values that bfloat16 bits stand for, exactly; same shape."""
    values: Array = (halves.astype(np.uint32) << np.uint32(16)).view(np.float32)
    return values
