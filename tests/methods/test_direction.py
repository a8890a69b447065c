"""The method `direction`: from the picture along what the words say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sightword.errors import UsageError
from sightword.methods import load_method
from sightword.methods.base import ComposeInput
from sightword.methods.direction import NEUTRAL, Direction
from sightword.prompts import Prompt


def _unit(x: Any) -> Any:
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def test_equals_the_equation(tiny_backbone: Any) -> None:
    feature = np.random.default_rng(0).standard_normal(tiny_backbone.spec.dim).astype(np.float32)
    asked = ComposeInput(images=[feature], text="red")
    (answer,) = Direction(0.7).compose(tiny_backbone, [asked])
    neutral = np.mean([_unit(tiny_backbone.encode_prompts([Prompt((w,))])[0]) for w in NEUTRAL], axis=0)
    words = _unit(tiny_backbone.encode_prompts([Prompt(("red",))])[0])
    expected = _unit(_unit(feature) + 0.7 * (words - neutral))
    np.testing.assert_allclose(answer, expected, atol=1e-5)


def test_length_zero_is_the_picture(tiny_backbone: Any) -> None:
    feature = np.arange(1, tiny_backbone.spec.dim + 1, dtype=np.float32)
    (answer,) = Direction(0).compose(tiny_backbone, [ComposeInput(images=[feature], text="red")])
    np.testing.assert_allclose(answer, _unit(feature), atol=1e-6)


@pytest.mark.parametrize("length", [-0.1, float("inf"), float("nan")])
def test_a_wrong_length_is_refused(length: float) -> None:
    with pytest.raises(UsageError, match="length"):
        Direction(length)


def test_it_is_the_default(tiny_backbone: Any) -> None:
    assert load_method(backbone=tiny_backbone).name == "direction"
