"""Photographs and drawings made to look painted, inked or cartooned: stand-ins for pictures nobody ships.

Each takes and gives a 224-pixel RGB square. `watercolour` is kept back: it is only measured with, so that filters
learnt by heart show.
"""

from __future__ import annotations

import random

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps


def _slopes(image: Image.Image) -> tuple[np.ndarray, np.ndarray]:
    light = np.asarray(image.convert("L").filter(ImageFilter.GaussianBlur(2)), np.float32)
    down, across = np.gradient(light)
    return down, across


def oil(image: Image.Image, dice: random.Random) -> Image.Image:
    """Brush strokes along the contours, coarse ones below fine ones."""
    down, across = _slopes(image)
    canvas = image.filter(ImageFilter.GaussianBlur(8))
    side = image.width
    for width, count in ((dice.randint(9, 14), 420), (dice.randint(5, 8), 900), (dice.randint(2, 4), 1100)):
        colours = np.asarray(image.filter(ImageFilter.GaussianBlur(width / 2)), np.int16)
        pen = ImageDraw.Draw(canvas)
        for _ in range(count):
            x, y = dice.randrange(side), dice.randrange(side)
            steep = float(np.hypot(down[y, x], across[y, x]))
            if width < 5 and steep < 1.5:
                continue
            turn = np.arctan2(down[y, x], across[y, x]) + np.pi / 2 if steep > 0.4 else dice.uniform(0, 3.1)
            turn += dice.gauss(0, 0.25)
            reach = width * dice.uniform(1.0, 2.4)
            shade = dice.randint(-14, 14)
            colour = tuple(int(min(255, max(0, c + shade))) for c in colours[y, x])
            dx, dy = reach * float(np.cos(turn)), reach * float(np.sin(turn))
            pen.line((x - dx, y - dy, x + dx, y + dy), fill=colour, width=width)
    return canvas.filter(ImageFilter.SMOOTH)


def cartoon(image: Image.Image, dice: random.Random) -> Image.Image:
    """Few flat colours and dark outlines."""
    flat = image.filter(ImageFilter.ModeFilter(7)).filter(ImageFilter.MedianFilter(5))
    flat = ImageOps.posterize(flat, dice.choice((2, 3, 3)))
    flat = ImageOps.autocontrast(flat)
    return ImageChops.multiply(flat, ink(image, dice))


def ink(image: Image.Image, dice: random.Random) -> Image.Image:
    """Black contours of even width, as with a pen."""
    grey = image.convert("L").filter(ImageFilter.GaussianBlur(dice.uniform(1.4, 2.6)))
    wide = grey.filter(ImageFilter.GaussianBlur(dice.uniform(3.5, 6.0)))
    gap = np.asarray(grey, np.float32) - np.asarray(wide, np.float32)
    lines = np.where(gap < -dice.uniform(4.0, 9.0), 0, 255).astype(np.uint8)
    drawn = Image.fromarray(lines).filter(ImageFilter.MedianFilter(3))
    if dice.random() < 0.4:
        drawn = drawn.filter(ImageFilter.MinFilter(3))
    return drawn.filter(ImageFilter.SMOOTH).convert("RGB")


def watercolour(image: Image.Image, dice: random.Random) -> Image.Image:
    """Pale washes with darker rims on rough paper."""
    wash = image.filter(ImageFilter.MedianFilter(9)).filter(ImageFilter.GaussianBlur(1.5))
    light = np.asarray(wash, np.float32)
    edge = np.asarray(wash.convert("L").filter(ImageFilter.FIND_EDGES), np.float32)[..., None]
    noise = np.random.default_rng(dice.randrange(1 << 30)).normal(0, 1, (28, 28)).astype(np.float32)
    paper = np.asarray(Image.fromarray(noise).resize(image.size, Image.Resampling.BICUBIC))[..., None]
    done = 255 - (255 - light) * 0.72 - edge * 0.5 + paper * 7
    return Image.fromarray(np.clip(done, 0, 255).astype(np.uint8))
