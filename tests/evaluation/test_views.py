"""Crops and paddings by hand, and pixels against a step-by-step rendering with Pillow."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from sightword.backbones.base import PreprocessSpec
from sightword.errors import UsageError
from sightword.evaluation.views import genecis_crop, seen, squash_crop, target_pad

PICTURE = np.random.default_rng(0).integers(1, 256, (80, 120, 3), dtype=np.uint8)
SPEC = PreprocessSpec(size=32)


@pytest.mark.parametrize(
    ("box", "corners"),
    [
        ((50, 40, 20, 10), (36, 33, 70, 50)),  # inside: grows to the left and the top only
        ((5, 2, 20, 10), (0, 0, 34, 17)),  # cut at 0: the rest grows to the right
        ((110, 70, 20, 20), (96, 56, 120, 80)),  # cut at the right and the bottom
        ((0, 0, 120, 80), (0, 0, 120, 80)),
        ((30.4, 20.6, 10.5, 30.5), (23, 0, 41, 52)),  # corners are rounded
    ],
)
def test_genecis_crop_by_hand(box: tuple[float, ...], corners: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = corners
    part = PICTURE[top:bottom, left:right]
    side = max(part.shape[:2])
    found = genecis_crop(PICTURE, box)
    assert found.shape == (side, side, 3)
    down, across = (side - part.shape[0]) // 2, (side - part.shape[1]) // 2
    assert (found[down : down + part.shape[0], across : across + part.shape[1]] == part).all()
    assert found.astype(int).sum() == part.astype(int).sum()  # the rest is black


def test_genecis_crop_outside_the_picture_is_not_empty() -> None:
    assert genecis_crop(PICTURE, (119, 79, 1, 1)).size
    assert genecis_crop(PICTURE, (50, 50, 0, 0)).shape == (1, 1, 3)


@pytest.mark.parametrize(
    ("size", "padded"),
    [((100, 100), (100, 100)), ((124, 100), (124, 100)), ((125, 100), (125, 100)), ((200, 100), (200, 160)),
     ((100, 250), (200, 250)), ((101, 203), (161, 203))],
)  # fmt: skip
def test_target_pad_by_hand(size: tuple[int, int], padded: tuple[int, int]) -> None:
    """Width and height; pads on both sides are int((long / 1.25 - short) / 2)."""
    page = np.full((size[1], size[0], 3), 255, np.uint8)
    found = target_pad(page)
    assert (found.shape[1], found.shape[0]) == padded
    assert (found == 255).sum() == page.size


def test_squash_crop_cuts_to_whole_pixels() -> None:
    assert squash_crop(PICTURE, (2.9, 3.9, 10.9, 7.2)).shape == (4, 8, 3)
    assert (squash_crop(PICTURE, (2.9, 3.9, 10.9, 7.2)) == PICTURE[3:7, 2:10]).all()
    assert squash_crop(PICTURE, (5.2, 5.2, 5.9, 5.9)).shape == (1, 1, 3)


def test_seen_follows_the_steps() -> None:
    tall = PICTURE[:, :40]
    by_hand = Image.fromarray(np.pad(tall, ((0, 0), (12, 12), (0, 0)))).resize(
        (32, 40), Image.Resampling.BICUBIC
    )
    assert (seen(tall, None, "targetpad", SPEC) == np.array(by_hand.crop((0, 4, 32, 36)))).all()
    squashed = Image.fromarray(PICTURE[3:7, 2:10]).resize((32, 32), Image.Resampling.BICUBIC)
    assert (seen(PICTURE, ("squash", (2.9, 3.9, 10.9, 7.2)), "clip", SPEC) == np.array(squashed)).all()
    plain = seen(PICTURE, None, "clip", SPEC)
    assert plain.shape == (32, 32, 3)
    assert (seen(PICTURE, None, "targetpad", SPEC) != plain).any()
    with pytest.raises(UsageError, match="product"):
        seen(PICTURE, None, "product", SPEC)
