"""The quick preset moves features little: the shipped starter hardly sees a difference."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from made_pictures import encoded
from sightword.backbones import load_backbone
from sightword.pictures import normalise
from sightword.pictures.opening import open_picture
from sightword.pictures.resizing import resized_size, to_square

EXAMPLES = Path(__file__).parents[2] / "examples" / "pictures"


def photo_mosaic(paths: list[Path], height: int) -> bytes:
    """Twelve photographs side by side: a large JPEG with the detail of real pictures."""
    page, side = Image.new("RGB", (height * 4 // 3, height)), height // 3
    for number, path in enumerate(paths):
        tile = Image.open(path).convert("RGB").resize((side, side), Image.Resampling.LANCZOS)
        page.paste(tile, (number // 3 * side, number % 3 * side))
    return encoded(page, "JPEG", quality=88)


@pytest.mark.slow
@pytest.mark.parametrize("height, wanted", [(600, 0.999), (864, 0.999), (1080, 0.999), (1600, 0.998)])
def test_cosine_to_clip(height: int, wanted: float) -> None:
    """The largest mosaic is harsher than any photograph: every tile's edge is one pixel sharp."""
    photos = sorted(EXAMPLES.rglob("*.jpg"))
    if len(photos) < 24:
        pytest.skip("needs the example pictures of a checkout")
    backbone = load_backbone("starter", precision="f32", threads=1)
    spec = backbone.spec.preprocess
    exact, quick = [], []
    for start in range(0, len(photos) - 11, 12):
        data = photo_mosaic(photos[start : start + 12], height)
        drafted = open_picture(data, draft_for=lambda w, h: resized_size(w, h, spec))
        exact.append(np.asarray(to_square(open_picture(data).image, spec, exact=True)))
        quick.append(np.asarray(to_square(drafted.image, spec, exact=False)))
    one, other = (backbone.encode_images(normalise(np.stack(squares), spec)) for squares in (exact, quick))
    cosine = (one * other).sum(1) / (np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1))
    assert cosine.mean() >= wanted
    assert cosine.min() >= 0.997


def test_small_pictures_are_the_same_in_both() -> None:
    """Nothing is averaged up to three times the target, nothing drafted up to 1.9 times twice that."""
    image = Image.effect_noise((420, 420), 80).convert("RGB")
    spec = load_backbone("starter").spec.preprocess
    opened = open_picture(encoded(image, "JPEG"), draft_for=lambda w, h: resized_size(w, h, spec))
    assert opened.image.size == (420, 420)
    exact, quick = (np.asarray(to_square(opened.image, spec, exact=e), dtype=int) for e in (True, False))
    assert np.abs(exact - quick).max() <= 1
