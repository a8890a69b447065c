"""``artemis:500``: the number behind a method, be it named, installed under another name, or a path."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from made_matching import write_artemis, write_maaf
from sightword.errors import UsageError
from sightword.methods.names import split_number
from sightword.search.composing import split_weight


@pytest.fixture
def place(tmp_path: Path, tiny_backbone: Any) -> str:
    return str(write_artemis(tmp_path / "my-artemis", tiny_backbone.spec))


def test_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SIGHTWORD_MODELS", str(tmp_path))
    assert split_number("weighted:0.3") == ("weighted", "0.3", "weight")
    assert split_number("artemis:20") == ("artemis", "20", "depth")
    for whole in ("average", "weighted:", "pic2word+pdv", "combiner:20", "a:b:c", ":3"):
        assert split_number(whole) == (whole, "", "")
    assert split_number("hf-hub:owner/name") == ("hf-hub:owner/name", "", "")


def test_a_path(place: str, tmp_path: Path, tiny_backbone: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert split_weight(f"{place}:20") == (place, {"depth": 20.0})
    assert split_weight(place) == (place, {})
    assert split_weight(f"{tmp_path}/nothing:20") == (f"{tmp_path}/nothing:20", {})
    monkeypatch.chdir(tmp_path)
    assert split_weight("./my-artemis:20") == ("./my-artemis", {"depth": 20.0})
    with pytest.raises(UsageError, match="'many' is not a number") as caught:
        split_weight("./my-artemis:many")
    assert caught.value.hint == "Write for instance ./my-artemis:500."
    named = str(write_artemis(tmp_path / "odd:20", tiny_backbone.spec))
    assert split_weight(named) == (named, {})
    assert split_weight(f"{named}:7") == (named, {"depth": 7.0})


def test_a_directory_that_takes_no_number_says_so(tmp_path: Path, tiny_backbone: Any) -> None:
    place = write_maaf(tmp_path / "maaf", tiny_backbone.spec)
    with pytest.raises(UsageError, match="maaf takes no number"):
        split_weight(f"{place}:20")


def test_an_installed_one_of_another_name(
    tmp_path: Path, tiny_backbone: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTWORD_MODELS", str(tmp_path))
    write_artemis(tmp_path / "methods" / "tiny" / "mine", tiny_backbone.spec)
    assert split_weight("mine:20") == ("mine", {"depth": 20.0})
    assert split_weight("other:20") == ("other:20", {})
