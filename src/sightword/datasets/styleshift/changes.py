"""Pictures made from one emoji, with public seeds: recoloured, upside down, several, in a scene."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = [
    "HUES",
    "NUMBERS",
    "free_colours",
    "hues",
    "looks_turned",
    "recoloured",
    "repeated",
    "scene",
    "turned",
]

HUES = {"red": 0, "yellow": 52, "green": 120, "blue": 222, "purple": 280}
"""Degrees."""
NUMBERS = {"two": 2, "three": 3, "four": 4, "five": 5}
SIDE = 256
_SATURATED = 60
_GRIDS: dict[int, tuple[tuple[float, float], ...]] = {
    2: ((0.27, 0.5), (0.73, 0.5)),
    3: ((0.27, 0.3), (0.73, 0.3), (0.5, 0.73)),
    4: ((0.27, 0.27), (0.73, 0.27), (0.27, 0.73), (0.73, 0.73)),
    5: ((0.24, 0.24), (0.76, 0.24), (0.5, 0.5), (0.24, 0.76), (0.76, 0.76)),
}
_SIZES = {2: 0.42, 3: 0.4, 4: 0.4, 5: 0.3}


def hues(picture: Image.Image) -> NDArray[np.float64]:
    """Share of each of the `HUES` among the coloured pixels; all zero for a picture without colours."""
    hue, saturation, value = (np.asarray(band) for band in picture.convert("HSV").split())
    seen = hue[(saturation >= _SATURATED) & (value > 40)] * (360 / 256)
    if seen.size < 0.08 * hue.size:
        return np.zeros(len(HUES))
    away = np.abs((seen[:, None] - np.array(list(HUES.values())) + 180) % 360 - 180)
    shares: NDArray[np.float64] = (away < 32).mean(axis=0)
    return shares


def free_colours(pictures: Sequence[Image.Image]) -> list[str]:
    """Colours that hardly occur in any of these pictures; none when one of them has no colours."""
    shares = np.array([hues(picture) for picture in pictures])
    if not len(shares) or not shares.any(axis=1).all():
        return []
    return [name for name, share in zip(HUES, shares.max(axis=0)) if share < 0.1]


def recoloured(picture: Image.Image, colour: str) -> Image.Image:
    """All colours turned to one hue; black, white and grey stay, light and shade too."""
    hue, saturation, value = (np.asarray(band) for band in picture.convert("HSV").split())
    coloured = saturation >= 30
    bands = (
        np.where(coloured, round(HUES[colour] * 256 / 360) % 256, hue).astype(np.uint8),
        np.where(coloured, np.maximum(saturation, 150), saturation).astype(np.uint8),
        np.where(coloured & (colour == "yellow"), np.maximum(value, 190), value).astype(np.uint8),
    )
    return Image.merge("HSV", [Image.fromarray(band) for band in bands]).convert("RGB")


def turned(picture: Image.Image) -> Image.Image:
    """Upside down."""
    return picture.transpose(Image.Transpose.ROTATE_180)


def looks_turned(picture: Image.Image) -> bool:
    """Whether one sees that it is upside down: a sweet in its wrapper looks the same."""
    page, other = (np.asarray(item.convert("L"), np.float64) for item in (picture, turned(picture)))
    ink = (255 - np.minimum(page, other)).sum()
    return bool(np.abs(page - other).sum() > 0.25 * max(ink, 1.0))


def repeated(picture: Image.Image, number: str, dice: random.Random) -> Image.Image:
    """Several of it on a page, none touching another."""
    count = NUMBERS[number]
    page = Image.new("RGB", (SIDE, SIDE), "white")
    for x, y in _GRIDS[count]:
        side = round(SIDE * _SIZES[count] * dice.uniform(0.88, 1.0))
        _put(page, picture, x + dice.uniform(-0.015, 0.015), y + dice.uniform(-0.015, 0.015), side)
    return page


def scene(one: Image.Image, other: Image.Image, dice: random.Random) -> Image.Image:
    """Two things side by side, in either order, of slightly different sizes."""
    page = Image.new("RGB", (SIDE, SIDE), "white")
    left, right = (one, other) if dice.random() < 0.5 else (other, one)
    for picture, x in ((left, 0.26), (right, 0.74)):
        side = round(SIDE * dice.uniform(0.38, 0.48))
        _put(page, picture, x, dice.uniform(0.38, 0.62), side)
    return page


def _put(page: Image.Image, picture: Image.Image, x: float, y: float, side: int) -> None:
    scale = side / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    small = picture.resize(size, Image.Resampling.LANCZOS)
    page.paste(small, (round(x * SIDE - size[0] / 2), round(y * SIDE - size[1] / 2)))
