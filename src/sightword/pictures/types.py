"""What reading a picture yields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["RGB", "DecodedPicture", "Preset", "UnreadablePicture"]

RGB = NDArray[np.uint8]
"""uint8 [H, W, 3]."""

Preset = Literal["clip", "product"]


@dataclass(frozen=True)
class DecodedPicture:
    """One read of a file: its hash and its pixels come from the same bytes."""

    path: bytes
    size: int
    mtime_ns: int
    content_hash: bytes
    width: int
    height: int
    format: str
    taken: float | None
    pixels: RGB
    """Resized and cropped to the backbone's input, uint8 [S, S, 3]; normalising happens per batch."""


@dataclass(frozen=True)
class UnreadablePicture:
    """A file that yielded no picture, and why."""

    path: bytes
    size: int
    mtime_ns: int
    reason: str
    """One sentence."""
    vanished: bool = False
    """True when the file was no longer there; nothing is wrong with it then."""
