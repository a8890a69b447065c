"""LinCIR's noise outside of CLIP: one default, told wherever it is told."""

from __future__ import annotations

import inspect
import json

import pytest

from sightword.cli.train import train_command
from sightword.methods.catalog import SHIPPED
from sightword.training.card import recipe_text
from sightword.training.lincir import SHARE, learn_lincir, noise_scale


def test_command_and_library_have_one_default() -> None:
    (option,) = (item for item in train_command.commands["lincir"].params if item.name == "noise_share")
    assert option.default == SHARE == 0.15
    for function in (learn_lincir, noise_scale):
        assert inspect.signature(function).parameters["share"].default == SHARE


def test_the_card_names_the_noise() -> None:
    told = {"sigma": 0.0605, "noise_share": 0.15, "noise_rule": "ours"}
    assert "Noise: sigma 0.0605, 0.15 of the captions' mean norm (ours)." in recipe_text(told)
    assert "(the paper's)." in recipe_text({**told, "sigma": 1.0, "noise_rule": "paper"})


def test_the_shipped_card_says_what_it_was_trained_with() -> None:
    home = SHIPPED / "starter" / "lincir"
    training = json.loads((home / "training.json").read_text(encoding="utf-8"))
    assert training["noise_share"] == pytest.approx(0.15)
    noise = next(line for line in recipe_text(training).splitlines() if line.startswith("Noise:"))
    assert noise in (home / "README.md").read_text(encoding="utf-8")
