"""Texts in a language that the model does not know are noticed; English with names is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from sightword.backbones import Backbone, load_backbone
from sightword.backbones.unknown import share_unknown

DATA = Path(__file__).parents[1] / "data" / "languages.tsv"
TEXTS = [line.split("\t") for line in DATA.read_text(encoding="utf-8").splitlines()]


def whole(text: str) -> list[tuple[str, list[str]]]:
    return [(word, [word.lower()]) for word in text.split()]


def test_there_are_enough_texts() -> None:
    languages = [language for language, _ in TEXTS]
    assert languages.count("en") >= 50
    assert {"de", "fr", "zh", "ru", "ar"} <= set(languages)


@pytest.mark.parametrize(
    ("text", "languages", "share"),
    [
        ("a red car", ("en",), 0.0),
        ("ein rotes Auto", ("en",), 1 / 3),
        ("ein rotes Auto", ("en", "de"), 0.0),
        ("красная машина", ("en",), 1.0),
        ("красная машина", ("en", "ru"), 0.0),
        ("красная машина", (), 0.0),
        ("красная машина", ("mul",), 0.0),
        ("a white van", ("en",), 0.0),
        ("Rio de la Plata", ("en",), 0.0),
        ("1 2 , .", ("en",), 0.0),
        ("", ("en",), 0.0),
        ("naïve café", ("en",), 1.0),
        ("naïve café", ("en", "fr"), 0.0),
    ],
)
def test_the_rule(text: str, languages: tuple[str, ...], share: float) -> None:
    assert share_unknown(whole(text), languages, "[UNK]") == pytest.approx(share)


def test_unknown_and_shattered_pieces() -> None:
    words = [("🐶", ["[UNK]"]), ("dog", ["dog"]), ("ttzz", ["t", "##t", "##z", "##z"]), (",", [","])]
    assert share_unknown(words, ("en",), "[UNK]") == pytest.approx((1 + 0 + 0.25) / 3)


def test_the_backbone_counts(tiny_backbone: Backbone) -> None:
    assert tiny_backbone.count_unknown("a photo of a dog") == 0
    assert tiny_backbone.count_unknown("同じ") == 1


@pytest.fixture(scope="session")
def starter() -> Backbone:
    return load_backbone("starter", threads=1)


@pytest.mark.parametrize(("language", "text"), TEXTS)
def test_the_starter_warns_about_other_languages_and_not_about_names(
    starter: Backbone, language: str, text: str
) -> None:
    assert starter.spec.languages == ("en",)
    assert (starter.count_unknown(text) > 0.3) == (language != "en")
