"""Patches: what an image tower sees at each place of a picture, just before it is pooled into one feature.

A tower of places (a vision transformer) has rows [B, T, Dp], of which the first few stand for no place (a
class token, registers); a tower of maps (a convolutional one) has maps [B, Dp, h, w]. Both become patches
float32 [B, N, Dp], row by row from the upper left. They live in the tower's own space, not in the joint one.
"""

from __future__ import annotations

from typing import Any

from sightword.backbones.base import Array
from sightword.errors import MethodNeeds

__all__ = ["TENSOR", "as_patches", "check_patches", "has_patches"]

TENSOR = "patches"
"""What the tensor is called inside ``image.onnx`` of an exported backbone."""


def has_patches(backbone: Any) -> bool:
    """Whether a loaded backbone has ``encode_patches``; nothing is loaded to find out."""
    return bool(getattr(backbone, "has_patches", False)) and hasattr(backbone, "encode_patches")


def check_patches(backbone: Any, what: str) -> None:
    """Refuse a backbone without patches.

    Parameters
    ----------
    what : str
        What wants them, such as ``The method maaf``.

    Raises
    ------
    MethodNeeds
    """
    if not has_patches(backbone):
        raise MethodNeeds(
            f"{what} needs patches, which the backbone {backbone.spec.name!r} does not give.",
            "The starter and open_clip's backbones do; export again what an older version exported.",
        )


def as_patches(raw: Array, skip: int) -> Array:
    """Rows [B, T, Dp] without the first `skip`, or maps [B, Dp, h, w], as patches [B, N, Dp]."""
    if raw.ndim == 4:
        rows: Array = raw.reshape(*raw.shape[:2], raw.shape[2] * raw.shape[3]).swapaxes(1, 2)
        return rows
    return raw[:, skip:]
