"""The clip preset is the encoders' own transform; the product preset stays close to it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from made_pictures import noise, quarters
from sightword.backbones.base import PreprocessSpec
from sightword.errors import UsageError
from sightword.pictures import normalise, preprocess, resize_uint8
from sightword.pictures.resizing import resized_size, to_square

CLIP = PreprocessSpec(
    size=224, mean=(0.48145466, 0.4578275, 0.40821073), std=(0.26862954, 0.26130258, 0.27577711)
)
SIZES = [(640, 480), (333, 500), (224, 224), (100, 37), (500, 225), (225, 224), (37, 900), (1152, 864)]


def test_shape_and_values() -> None:
    white = preprocess(np.full((50, 80, 3), 255, np.uint8), CLIP)
    assert (white.dtype, white.shape) == (np.float32, (3, 224, 224))
    for channel in range(3):
        assert white[channel] == pytest.approx((1 - CLIP.mean[channel]) / CLIP.std[channel], abs=1e-5)


def test_golden() -> None:
    """What torchvision gives for the same picture; a slow test computes it again."""
    picture = np.asarray(quarters(36, 20))
    assert resize_uint8(picture, PreprocessSpec(size=8))[3:5, :, 0].tolist() == GOLDEN


GOLDEN = [
    [206, 206, 208, 194, 58, 45, 46, 46],
    [44, 44, 41, 58, 225, 238, 239, 239],
]


def test_normalise_is_the_formula() -> None:
    batch = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3), dtype=np.uint8)
    wanted = (batch.astype(np.float64) / 255 - CLIP.mean) / CLIP.std
    assert np.abs(normalise(batch, CLIP) - wanted.transpose(0, 3, 1, 2)).max() < 1e-5


@pytest.mark.parametrize("mode", ["shortest", "longest", "squash"])
@pytest.mark.parametrize("size", SIZES)
def test_product_is_close_to_clip(mode: str, size: tuple[int, int]) -> None:
    spec = PreprocessSpec(size=64, resize=mode)  # type: ignore[arg-type]
    picture = np.asarray(noise(*size))
    exact = resize_uint8(picture, spec, "clip").astype(int)
    quick = resize_uint8(picture, spec, "product").astype(int)
    assert np.abs(exact - quick).mean() < 1.0
    assert np.abs(exact - quick).max() <= 20


def test_longest_pads_with_black() -> None:
    square = resize_uint8(np.full((10, 40, 3), 200, np.uint8), PreprocessSpec(size=20, resize="longest"))
    assert (square[:7] == 0).all() and (square[8:12] == 200).all() and (square[13:] == 0).all()


def test_squash_keeps_everything() -> None:
    square = resize_uint8(np.asarray(quarters(80, 20)), PreprocessSpec(size=16, resize="squash"))
    assert np.abs(square[2, 2].astype(int) - (220, 30, 30)).max() < 3
    assert (square[14, 14] == 255).all()


@pytest.mark.parametrize("size", [(10, 20_000), (20_000, 10), (1, 1), (1, 5_000)])
@pytest.mark.parametrize("exact", [True, False])
def test_strips_do_not_explode(size: tuple[int, int], exact: bool) -> None:
    square = to_square(Image.new("RGB", size, (9, 8, 7)), CLIP, exact=exact)
    assert square.size == (224, 224)
    assert square.getpixel((112, 112)) == (9, 8, 7)


def test_rounding_of_sizes() -> None:
    assert resized_size(500, 333, CLIP) == (336, 224)
    assert resized_size(333, 500, CLIP) == (224, 336)
    longest = PreprocessSpec(size=224, resize="longest")
    assert resized_size(1000, 333, longest) == (224, 75)
    assert resized_size(100_000, 3, longest) == (224, 1)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3)),
        np.zeros((0, 4, 3), np.uint8),
    ],
    ids=["grey", "alpha", "float", "empty"],
)
def test_what_is_no_picture(image: np.ndarray) -> None:
    with pytest.raises(UsageError, match=r"A picture is uint8 \[H, W, 3\]"):
        preprocess(image, CLIP)


@pytest.mark.slow
@pytest.mark.parametrize("filter_name", ["bicubic", "bilinear"])
@pytest.mark.parametrize("size", SIZES)
def test_clip_equals_torchvision(size: tuple[int, int], filter_name: str) -> None:
    pytest.importorskip("torch", reason="the oracle is torchvision")
    transforms = pytest.importorskip("torchvision.transforms", reason="the oracle is torchvision")
    spec = PreprocessSpec(size=224, interpolation=filter_name, mean=CLIP.mean, std=CLIP.std)  # type: ignore[arg-type]
    oracle = transforms.Compose(
        [
            transforms.Resize(224, interpolation=transforms.InterpolationMode(filter_name)),
            transforms.CenterCrop(224),
            transforms.ToTensor(),
            transforms.Normalize(spec.mean, spec.std),
        ]
    )
    picture = noise(*size)
    difference = np.abs(preprocess(np.asarray(picture), spec) - oracle(picture).numpy())
    for channel in range(3):
        assert difference[channel].max() * spec.std[channel] <= 1 / 255 + 1e-6


@pytest.mark.slow
def test_the_golden_numbers_are_torchvisions() -> None:
    pytest.importorskip("torch", reason="the oracle is torchvision")
    transforms = pytest.importorskip("torchvision.transforms", reason="the oracle is torchvision")
    mode = transforms.InterpolationMode.BICUBIC
    oracle = transforms.Compose([transforms.Resize(8, interpolation=mode), transforms.CenterCrop(8)])
    assert np.asarray(oracle(quarters(36, 20)))[3:5, :, 0].tolist() == GOLDEN
