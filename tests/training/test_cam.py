"""Where a word is in a picture; what is kept of it."""

from __future__ import annotations

import numpy as np
import pytest

from sightword.backbones.openvino_runtime import OpenVINOBackbone
from sightword.errors import ModelUnavailable
from tiny import COLOURS, image_reference, pictures_of_colours

torch = pytest.importorskip("torch", reason="training needs the extra torch")
pytestmark = pytest.mark.slow

from tiny_torch import TinyImageTower  # noqa: E402

from sightword.training.cam import _ViT, cam, keep_area, watched_tower  # noqa: E402


def corner(colour: str) -> torch.Tensor:
    """Black, with one quarter in a colour."""
    pixels = torch.full((1, 3, 32, 32), -1.0)
    pixels[0, :, :16, :16] = torch.tensor(COLOURS[colour])[:, None, None]
    return pixels


def test_the_tiny_tower_is_the_tiny_tower() -> None:
    pixels = pictures_of_colours(5)
    np.testing.assert_allclose(TinyImageTower()(torch.from_numpy(pixels)), image_reference(pixels), atol=1e-5)


def test_the_map_equals_the_equation() -> None:
    pixels, words = torch.from_numpy(pictures_of_colours(3, seed=2)), torch.randn(3, 16)
    tower = TinyImageTower()
    for i in range(3):
        quarters = torch.nn.functional.adaptive_avg_pool2d(pixels[i : i + 1], 2).requires_grad_()
        feature = tower(pixels[i : i + 1], lambda _, own=quarters: own)
        score = (feature[0] @ words[i]) / feature[0].norm() / words[i].norm()
        score.backward()
        weight = quarters.grad[0].mean(dim=(1, 2))
        found = sum(weight[c] * quarters[0, c].detach() for c in range(3)).clamp_min(0)
        scaled = (found - found.min()) / (found.max() - found.min()).clamp_min(1e-12)
        large = torch.nn.functional.interpolate(scaled[None, None], (32, 32), mode="bilinear")[0, 0]
        torch.testing.assert_close(cam(tower, pixels[i : i + 1], words[i : i + 1])[0], large)
    assert torch.equal(cam(tower, pixels, 0 * words), torch.zeros(3, 32, 32))  # nothing speaks for it


@pytest.mark.parametrize("colour", ["red", "green"])
def test_a_word_is_found_where_it_is(tiny_backbone: OpenVINOBackbone, colour: str) -> None:
    from sightword.prompts import parse_prompt

    words = torch.from_numpy(tiny_backbone.encode_prompts([parse_prompt(f"a photo of a {colour}")]))
    pixels = corner(colour)
    found = cam(TinyImageTower(), pixels, words)
    assert float(found[0, :10, :10].min()) > 0.8 and float(found[0, 24:, 24:].max()) < 0.1
    left, area = keep_area(pixels, found, 0.3)
    assert 0.2 < float(area) < 0.6
    assert torch.equal(left[0, :, :10, :10], pixels[0, :, :10, :10])
    assert float(left[0, :, 28:, 28:].abs().max()) == 0
    everything = keep_area(pixels, found, 0.0)
    assert torch.equal(everything[0], pixels) and float(everything[1]) == 1


class Block(torch.nn.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.ln_1 = torch.nn.LayerNorm(8)
        self.mix = torch.nn.Linear(8, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        normed = self.ln_1(x)
        return x + self.mix(normed.mean(dim=1, keepdim=True) + normed)


class Visual(torch.nn.Module):  # type: ignore[misc]
    """The parts of open_clip's vision transformer that are looked at."""

    def __init__(self, class_token: bool) -> None:
        super().__init__()
        self.patches = torch.nn.Conv2d(3, 8, 8, 8)
        self.token = torch.nn.Parameter(torch.randn(1, int(class_token), 8))
        self.transformer = torch.nn.Module()
        self.transformer.resblocks = torch.nn.ModuleList([Block(), Block()])
        self.transformer.batch_first = True
        self.out = torch.nn.Linear(8, 5)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        x = self.patches(pixels).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), -1, -1), x], dim=1)
        for block in self.transformer.resblocks:
            x = block(x)
        return self.out(x[:, 0])


@pytest.mark.parametrize("class_token", [True, False])
def test_a_vision_transformer_is_looked_into(class_token: bool) -> None:
    torch.manual_seed(0)
    visual = Visual(class_token)
    watched = _ViT(visual)
    pixels = torch.randn(2, 3, 32, 32)
    seen = []
    with torch.no_grad():
        features = watched(pixels, lambda grid: seen.append(grid) or grid)
        assert torch.equal(features, visual(pixels)) and torch.equal(watched(pixels), features)
    assert seen[0].shape == (2, 8, 4, 4)
    tokens = visual.transformer.resblocks[0](
        torch.cat([visual.token.expand(2, -1, -1), visual.patches(pixels).flatten(2).transpose(1, 2)], dim=1)
    )
    grid = visual.transformer.resblocks[1].ln_1(tokens)[:, int(class_token) :]
    torch.testing.assert_close(seen[0], grid.transpose(1, 2).unflatten(2, (4, 4)))
    found = cam(watched, pixels, torch.randn(2, 5))
    assert found.shape == (2, 32, 32) and float(found.min()) >= 0 and float(found.max()) <= 1
    assert not visual.transformer.resblocks[1].ln_1._forward_hooks


def test_a_tower_that_cannot_be_looked_into_is_a_sentence(tiny_backbone: OpenVINOBackbone) -> None:
    with pytest.raises(ModelUnavailable, match="'tiny' cannot be looked into"):
        watched_tower(tiny_backbone)
