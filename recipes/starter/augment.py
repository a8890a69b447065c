"""Pictures as the trunk sees them: plain, or cheaply changed (size, place, background, colour, sharpness)."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageChops, ImageEnhance, ImageOps

SIZE = 224
NO_MIRROR = re.compile(r"\b(left|right|flag|arrow|letter|button|keycap|clock|o.clock|sign|note)\b")


def prepare(image: Image.Image) -> np.ndarray[Any, Any]:
    """The shipped preprocess: the whole picture squashed to 224 x 224, bicubic, scaled to [-1, 1]."""
    if image.size != (SIZE, SIZE):
        image = image.resize((SIZE, SIZE), Image.Resampling.BICUBIC)
    pixels = np.asarray(image, dtype=np.float32).transpose(2, 0, 1)
    return pixels * np.float32(1 / 127.5) - np.float32(1.0)


def _placed(image: Image.Image, dice: random.Random) -> Image.Image:
    """Smaller, shifted and a little stretched on a white square."""
    scale = dice.uniform(0.45, 1.0)
    stretch = dice.uniform(0.85, 1.18)
    longest = max(image.size)
    width = max(8, min(SIZE, round(SIZE * scale * image.width / longest * stretch**0.5)))
    height = max(8, min(SIZE, round(SIZE * scale * image.height / longest / stretch**0.5)))
    canvas = Image.new("RGB", (SIZE, SIZE), "white")
    small = image.resize((width, height), Image.Resampling.BICUBIC)
    canvas.paste(small, (dice.randint(0, SIZE - width), dice.randint(0, SIZE - height)))
    return canvas


def changed(image: Image.Image, name: str, dice: random.Random) -> Image.Image:
    """One cheap random change; the name must stay true."""
    if dice.random() < 0.5 and not NO_MIRROR.search(name):
        image = ImageOps.mirror(image)
    if dice.random() < 0.3:  # as small pictures look when enlarged
        side = dice.choice((48, 64, 96))
        image = image.resize((side, side), Image.Resampling.BICUBIC)
    if dice.random() < 0.75:
        image = _placed(image, dice)
    else:
        edge = dice.uniform(0.0, 0.08)
        box = (image.width * edge, image.height * edge, image.width * (1 - edge), image.height * (1 - edge))
        image = image.resize((SIZE, SIZE), Image.Resampling.BICUBIC, box=box)
    if dice.random() < 0.4:  # another background: white becomes this colour
        colour = tuple(dice.randint(150, 255) for _ in range(3))
        image = ImageChops.multiply(image, Image.new("RGB", image.size, colour))
    image = ImageEnhance.Brightness(image).enhance(dice.uniform(0.85, 1.1))
    image = ImageEnhance.Contrast(image).enhance(dice.uniform(0.8, 1.15))
    return ImageEnhance.Color(image).enhance(dice.uniform(0.8, 1.2))


def load(task: tuple[str, str, int]) -> np.ndarray[Any, Any]:
    """Read and prepare one picture.

    Parameters
    ----------
    task : (path, name, passing)
        Pass 0 is plain; every other pass changes the picture, always in the same way for the same file;
        pass -1 is the plain picture in grey.
    """
    path, name, passing = task
    with Image.open(path) as file:
        image = file.convert("RGB")
    if passing == -1:
        image = image.convert("L").convert("RGB")
    elif passing > 0:
        image = changed(image, name, random.Random(f"{Path(path).name} {passing}"))
    return prepare(image)
