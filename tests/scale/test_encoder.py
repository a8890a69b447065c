"""What comes out for a picture does not depend on its company: bulk work equals the local pipeline."""

from __future__ import annotations

import numpy as np
import pytest

from sightword.backbones import load_backbone
from sightword.backbones.base import Backbone
from sightword.backbones.towers import supported_precisions
from sightword.update.encoder import NO_FEATURE, Encoder


@pytest.fixture(scope="module", params=[kind for kind in supported_precisions() if kind != "f16"])
def precision(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def starter(precision: str) -> Backbone:
    return load_backbone("starter", threads=1, precision=precision)


@pytest.fixture(scope="module")
def squares(starter: Backbone) -> np.ndarray:
    side = starter.spec.preprocess.size
    rng = np.random.default_rng(3)
    coarse = rng.integers(0, 256, (20, side // 16, side // 16, 3))
    return coarse.repeat(16, axis=1).repeat(16, axis=2).astype(np.uint8)


def test_the_company_does_not_matter(starter: Backbone, squares: np.ndarray) -> None:
    encoder = Encoder(lambda: starter)
    whole = encoder({"pixels": squares})["feature"]
    for size in (1, 3, 17):
        parts = [encoder({"pixels": squares[at : at + size]})["feature"] for at in range(0, 20, size)]
        assert np.array_equal(np.concatenate(parts), whole), size
    order = np.random.default_rng(0).permutation(20)
    assert np.array_equal(encoder({"pixels": squares[order]})["feature"], whole[order])


def test_threads_do_not_matter(starter: Backbone, precision: str, squares: np.ndarray) -> None:
    two = Encoder(lambda: load_backbone("starter", threads=2, precision=precision))
    some = {"pixels": squares[:6]}
    assert np.array_equal(two(some)["feature"], Encoder(lambda: starter)(some)["feature"])


class Colours:
    """The mean of each channel."""

    def __init__(self, spec: object) -> None:
        self.spec = spec
        self.calls: list[int] = []

    def encode_images(self, pixels: np.ndarray) -> np.ndarray:
        self.calls.append(len(pixels))
        features = pixels.mean((2, 3))
        features[features[:, 0] > 1.9] = np.nan
        return features


def test_rows_that_have_no_pixels_are_passed_on(tiny_backbone: Backbone) -> None:
    colours = Colours(tiny_backbone.spec)
    side = tiny_backbone.spec.preprocess.size
    pixels = np.full((5, side, side, 3), 7, np.uint8)
    pixels[3] = 255
    mean, std = tiny_backbone.spec.preprocess.mean[0], tiny_backbone.spec.preprocess.std[0]
    limit = (1 - mean) / std
    reasons = np.array(["", "broken", "", "", ""], object)
    batch = {"pixels": pixels, "reason": reasons, "name": np.arange(5)}
    made = Encoder(lambda: colours, batch=32)(batch)  # type: ignore[arg-type, return-value]
    assert set(made) == {"name", "reason", "feature"} and made["name"].tolist() == [0, 1, 2, 3, 4]
    useless = NO_FEATURE if limit > 1.9 else ""
    assert made["reason"].tolist() == ["", "broken", "", useless, ""]
    assert not made["feature"][1].any() and made["feature"][[0, 2, 4]].all()
    assert np.isfinite(made["feature"]).all()
    assert reasons.tolist() == ["", "broken", "", "", ""]  # what came in stays as it was


def test_the_model_is_loaded_when_needed_and_batches_are_even(tiny_backbone: Backbone) -> None:
    colours = Colours(tiny_backbone.spec)
    loads: list[int] = []
    encoder = Encoder(lambda: (loads.append(1), colours)[1], batch=8)  # type: ignore[arg-type, return-value]
    assert not loads
    side = tiny_backbone.spec.preprocess.size
    made = encoder({"pixels": np.zeros((19, side, side, 3), np.uint8)})
    assert made["feature"].shape == (19, 3)
    assert colours.calls == [8, 8, 4] and len(loads) == 1
    nothing = encoder({"pixels": np.zeros((2, side, side, 3), np.uint8), "reason": ["a", "b"]})
    assert nothing["feature"].shape == (2, tiny_backbone.spec.dim) and colours.calls == [8, 8, 4]
