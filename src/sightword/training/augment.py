"""Pic2Word's augmentation: a random crop of at least nine tenths of the picture, encoded anew in every step.

It needs the image tower in the loop, which is most of the time; without it features are computed once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sightword.backbones.base import Array, Backbone
from sightword.errors import PictureError, SightwordError
from sightword.pictures import decode, decode_bytes, normalise
from sightword.training.loop import seed_of
from sightword.training.readers import Item

__all__ = ["augmented", "random_crop"]


def augmented(items: Sequence[Item], backbone: Backbone, seed: int) -> Callable[[NDArray[Any], int], Array]:
    """A function from row numbers and the step to fresh features; the same for the same seed."""
    spec = backbone.spec.preprocess

    def recompute(rows: NDArray[Any], step: int) -> Array:
        pixels = []
        for row in rows.tolist():
            picture = items[row].picture
            try:
                whole = decode(picture, preset="clip") if isinstance(picture, Path) else None
                whole = decode_bytes(picture or b"", preset="clip") if whole is None else whole
            except PictureError as error:  # it could be read when the run began
                raise SightwordError(f"{items[row].name} cannot be read any more: {error.message}") from None
            rng = np.random.default_rng(seed_of(seed, step, row))
            pixels.append(random_crop(whole, spec.size, rng))
        return backbone.encode_images(normalise(np.stack(pixels), spec))

    return recompute


def random_crop(
    picture: NDArray[np.uint8], size: int, rng: np.random.Generator, least: float = 0.9
) -> NDArray[np.uint8]:
    """A crop of `least` to all of the area, sides between 3:4 and 4:3, resized bicubically.

    Parameters
    ----------
    picture : uint8 [H, W, 3]
    size : int

    Returns
    -------
    uint8 [size, size, 3]
    """
    height, width = picture.shape[:2]
    for _ in range(10):
        area = height * width * rng.uniform(least, 1.0)
        ratio = math.exp(rng.uniform(math.log(3 / 4), math.log(4 / 3)))
        w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < w <= width and 0 < h <= height:
            break
    else:  # no such crop fits: the largest one whose sides are allowed
        w = min(width, round(height * 4 / 3))
        h = min(height, round(width * 4 / 3))
    left, top = int(rng.integers(0, width - w + 1)), int(rng.integers(0, height - h + 1))
    box = (left, top, left + w, top + h)
    square = Image.fromarray(picture).resize((size, size), Image.Resampling.BICUBIC, box=box)
    return np.asarray(square, dtype=np.uint8)
