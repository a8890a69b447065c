"""What the image tower is shown of a picture: crops of the benchmarks, and the padding of ``targetpad``.

All functions take and give uint8 [H, W, 3]. Boxes are in pixels.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from sightword.errors import UsageError
from sightword.pictures.preprocess import resize_uint8

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sightword.backbones.base import PreprocessSpec
    from sightword.evaluation.field import View
    from sightword.pictures.types import RGB

__all__ = ["PREPROCESS", "genecis_crop", "seen", "squash_crop", "target_pad"]

PREPROCESS = ("clip", "targetpad")
"""``clip``: the backbone's own transform. ``targetpad``: before it, long pictures are padded with black until
they are at most 1.25 times as long as wide (SEARLE, CLIP4Cir)."""

TARGET_RATIO = 1.25
DILATE = 0.7


def seen(image: RGB, view: View | None, preprocess: str, spec: PreprocessSpec) -> NDArray[np.uint8]:
    """Cut, pad and resize as a benchmark does.

    Parameters
    ----------
    image : uint8 [H, W, 3]
    view : View, optional
        ``("genecis", (x, y, w, h))`` or ``("squash", (x1, y1, x2, y2))``.
    preprocess : {"clip", "targetpad"}
    spec : PreprocessSpec
        The backbone's.

    Returns
    -------
    uint8 [S, S, 3]

    Raises
    ------
    UsageError
        There is no such preset.
    """
    if preprocess not in PREPROCESS:
        raise UsageError(
            f"There is no preprocessing preset {preprocess!r}.", f"Choose {' or '.join(PREPROCESS)}."
        )
    if view is not None and view[0] == "squash":
        return resize_uint8(squash_crop(image, view[1]), replace(spec, resize="squash"), "clip")
    if view is not None:
        image = genecis_crop(image, view[1])
    if preprocess == "targetpad":
        image = target_pad(image)
    return resize_uint8(image, spec, "clip")


def target_pad(image: RGB, ratio: float = TARGET_RATIO) -> RGB:
    """Black at both sides, when one side is at least `ratio` times the other (methods.md 0.3)."""
    height, width = image.shape[:2]
    if max(width, height) / min(width, height) < ratio:
        return image
    scaled = max(width, height) / ratio
    across, down = max(int((scaled - width) / 2), 0), max(int((scaled - height) / 2), 0)
    return np.pad(image, ((down, down), (across, across), (0, 0)))


def genecis_crop(image: RGB, box: tuple[float, ...]) -> RGB:
    """GeneCIS' crop: the box grows by 0.7 of itself to the left and to the top only, then a black square.

    Examples
    --------
    >>> genecis_crop(np.ones((100, 100, 3), np.uint8), (50, 50, 20, 10)).shape
    (34, 34, 3)
    """
    x, y, w, h = box
    height, width = image.shape[:2]
    left, top = max(0.0, x - DILATE * w), max(0.0, y - DILATE * h)
    right = min(float(width), left + (1 + DILATE) * w)
    bottom = min(float(height), top + (1 + DILATE) * h)
    # Pillow's crop, which the reference uses, rounds the corners.
    part = image[
        round(top) : max(round(bottom), round(top) + 1), round(left) : max(round(right), round(left) + 1)
    ]
    tall, wide = part.shape[:2]
    side = max(tall, wide)
    down, across = (side - tall) // 2, (side - wide) // 2
    return np.pad(part, ((down, side - tall - down), (across, side - wide - across), (0, 0)))


def squash_crop(image: RGB, box: tuple[float, ...]) -> RGB:
    """The box with its corners cut to whole pixels, at least one pixel large (COCO object composition)."""
    x1, y1, x2, y2 = (int(value) for value in box)
    return image[y1 : max(y2, y1 + 1), x1 : max(x2, x1 + 1)]
