"""What answers when nobody names a method: the shipped head on top of the shipped Pic2Word."""

from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors.numpy import load_file

from sightword.backbones import Backbone, load_backbone
from sightword.methods import ComposeInput, load_method
from sightword.methods.base import Method
from sightword.methods.catalog import SHIPPED, default_name
from sightword.methods.tuned import BASE

STARTER = SHIPPED / "starter"
RNG = np.random.default_rng(0)
ONE, OTHER = (vector / np.linalg.norm(vector) for vector in RNG.normal(size=(2, 384)).astype(np.float32))
CASES = {
    "words": ComposeInput([ONE], "as a line drawing"),
    "free words": ComposeInput([ONE], "the same dog, but asleep on a red sofa"),
    "two references": ComposeInput([ONE, OTHER], "in 3D"),
    "without words": ComposeInput([ONE]),
    "words alone": ComposeInput([], "a fox"),
    "without a thing": ComposeInput([ONE], "as a cartoon", without=["people"]),
    "a prompt of its own": ComposeInput([ONE], prompts=["a cartoon of {*}"]),
}


@pytest.fixture(scope="module")
def starter() -> Backbone:
    return load_backbone("starter", threads=1)


@pytest.fixture(scope="module")
def methods(starter: Backbone) -> tuple[Method, Method]:
    """The default, and what it starts from."""
    return load_method(backbone=starter), load_method("pic2word+pdv", backbone=starter)


def test_the_default_is_the_shipped_head(starter: Backbone, methods: tuple[Method, Method]) -> None:
    assert default_name(starter) == methods[0].name == "tuned"


@pytest.mark.parametrize("case", CASES)
def test_every_question_is_answered_near_the_start(
    case: str, starter: Backbone, methods: tuple[Method, Method]
) -> None:
    mine, start = (method.compose(starter, [CASES[case]])[0] for method in methods)
    assert mine.dtype == np.float32 and np.isclose(np.linalg.norm(mine), 1, atol=1e-5)
    same = case in ("without words", "words alone", "a prompt of its own")
    assert float(mine @ start) > (0.9999 if same else 0.8)
    assert same or float(mine @ start) < 0.9999


def test_its_phi_is_the_shipped_one() -> None:
    """Whoever trains one of the two again has to train both."""
    head = load_file(str(STARTER / "tuned" / "model.safetensors"))
    phi = load_file(str(STARTER / "pic2word" / "model.safetensors"))
    carried = {name.removeprefix(BASE): value for name, value in head.items() if name.startswith(BASE)}
    assert carried.keys() == phi.keys()
    assert all(np.array_equal(carried[name], phi[name]) for name in phi)
    told = [json.loads((STARTER / name / "config.json").read_text()) for name in ("tuned", "pic2word")]
    assert told[0]["backbone"] == told[1]["backbone"]
