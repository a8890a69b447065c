"""From any size to the encoder's square, with Pillow's antialiased filters."""

from __future__ import annotations

from typing import Protocol

from PIL import Image

__all__ = ["Square", "resized_size", "to_square"]

_FILTERS = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}

# How much larger than the target the box-averaged copy stays, in preset `product`. At 3 Pillow's manual
# calls the difference indistinguishable; below 2 features moved too far (mean cosine under 0.999).
_REDUCING_GAP = 3.0

# A strip of 10 x 1,000,000 pixels would grow to five gigapixels before it is cropped: never compute that.
_MOST_CROPPED = 64


class Square(Protocol):
    """The part of `PreprocessSpec` that concerns pixels on a grid."""

    @property
    def size(self) -> int:
        """Side in pixels."""

    @property
    def resize(self) -> str:
        """``shortest``, ``longest`` or ``squash``."""

    @property
    def interpolation(self) -> str:
        """``bicubic`` or ``bilinear``."""


def resized_size(width: int, height: int, square: Square) -> tuple[int, int]:
    """Size after resizing, before cropping or padding; rounded as torchvision and open_clip do."""
    side = square.size
    if square.resize == "squash":
        return side, side
    if square.resize == "longest":
        ratio = max(width, height) / side
        return max(1, round(width / ratio)), max(1, round(height / ratio))
    if width <= height:
        return side, int(side * height / width)
    return int(side * width / height), side


def to_square(image: Image.Image, square: Square, *, exact: bool) -> Image.Image:
    """Resize an RGB picture, then crop (shortest), pad with black (longest) or squash.

    Parameters
    ----------
    image : PIL.Image.Image, mode RGB
    square : PreprocessSpec or alike
    exact : bool
        True: the encoder's own transform, step by step. False: large pictures are averaged in boxes down
        to 3x the target before the filter, and only what the crop keeps is computed.

    Returns
    -------
    PIL.Image.Image
        RGB, ``square.size`` on both sides.
    """
    width, height = image.size
    new_width, new_height = resized_size(width, height, square)
    side = square.size
    resample = _FILTERS[square.interpolation]
    if exact and new_width * new_height <= _MOST_CROPPED * side * side:
        return _crop_or_pad(image.resize((new_width, new_height), resample), side)
    # The part of the picture that survives the crop, in its own coordinates: Pillow resamples just that.
    keep_width, keep_height = min(new_width, side), min(new_height, side)
    left, top = _start(new_width, keep_width), _start(new_height, keep_height)
    across, down = width / new_width, height / new_height
    box = (left * across, top * down, (left + keep_width) * across, (top + keep_height) * down)
    box = (box[0], box[1], min(box[2], width), min(box[3], height))
    gap = None if exact else _REDUCING_GAP
    part = image.resize((keep_width, keep_height), resample, box=box, reducing_gap=gap)
    return _crop_or_pad(part, side)


def _start(length: int, keep: int) -> int:
    return round((length - keep) / 2.0)


def _crop_or_pad(image: Image.Image, side: int) -> Image.Image:
    width, height = image.size
    if width > side or height > side:
        left, top = _start(width, min(width, side)), _start(height, min(height, side))
        image = image.crop((left, top, left + min(width, side), top + min(height, side)))
        width, height = image.size
    if (width, height) == (side, side):
        return image
    page = Image.new("RGB", (side, side))
    page.paste(image, ((side - width) // 2, (side - height) // 2))
    return page
