"""Prompts, slots, and the preset chosen for a phrasing."""

from __future__ import annotations

from pathlib import Path

import pytest

from sightword.errors import UsageError
from sightword.phrasing import read_phrase
from sightword.prompts import PRESETS, choose_prompt, parse_prompt, plain_words

PHRASINGS = [
    line.split("\t")
    for line in (Path(__file__).parent / "data" / "phrasings.tsv").read_text(encoding="utf-8").splitlines()
]


def test_pieces_surround_slots() -> None:
    prompt = parse_prompt("a photo of {*} and {*}, {text}", "so-called {*} {x}")
    assert prompt.pieces == ("a photo of ", " and ", ", so-called {*} {x}")
    assert prompt.slots == 2
    assert str(prompt).count("{*}") == 3  # two slots, one literal


@pytest.mark.parametrize("template", ["a {colour} {*}", "{*} {", "{*} {0}", "{*} {text.x.y}"])
def test_a_field_nothing_fills_is_a_usage_error(template: str) -> None:
    with pytest.raises(UsageError, match="field"):
        parse_prompt(template, "red")


def test_the_rules_read_the_committed_phrasings() -> None:
    assert len(PHRASINGS) >= 200
    assert {kind for _, kind in PHRASINGS} == set(PRESETS)
    wrong = [
        (text, kind, read_phrase(text).kind) for text, kind in PHRASINGS if read_phrase(text).kind != kind
    ]
    assert len(wrong) <= 0.05 * len(PHRASINGS), wrong


@pytest.mark.parametrize(("text", "kind"), PHRASINGS)
def test_every_phrasing_fills_its_template(text: str, kind: str) -> None:
    template, fields = choose_prompt(text)
    assert parse_prompt(template, **fields).slots == 1
    assert plain_words(text)


@pytest.mark.parametrize(
    ("text", "filled", "plain"),
    [
        ("as a line drawing", "a line drawing of X", "a line drawing"),
        ("As an Oil Painting.", "an Oil Painting of X", "an Oil Painting"),
        ("in watercolour", "a watercolour of X", "a watercolour"),
        ("in pencil", "a pencil drawing of X", "a pencil drawing"),
        ("in black and white", "a black and white photo of X", "a black and white photo"),
        ("as a cartoon with a hat", "a cartoon of X with a hat", "a cartoon with a hat"),
        ("in the style of Van Gogh", "a picture of X in the style of Van Gogh", None),
        ("with a dog", "a photo of X and a dog", "a dog"),
        ("is red with long sleeves", "a photo of X that is red with long sleeves", "red with long sleeves"),
        ("it has wings", "a photo of X that has wings", "has wings"),
        ("the same but red", "a photo of X , the same but red", "red"),
        ("but blue", "a photo of X , but blue", "blue"),
        ("without a hat", "a photo of X , without a hat", "without a hat"),
        ("mit einem Hund", "a photo of X , mit einem Hund", "mit einem Hund"),
        ("with a tree in the background", "a photo of X and a tree in the background", None),
        ("with a longer skirt", "a photo of X , with a longer skirt", None),
    ],
)
def test_wording(text: str, filled: str, plain: str | None) -> None:
    template, fields = choose_prompt(text)
    assert "X".join(parse_prompt(template, **fields).pieces) == filled
    if plain is not None:
        assert plain_words(text) == plain


def test_words_that_look_like_fields_stay_words() -> None:
    template, fields = choose_prompt("is {red} {*}")
    assert parse_prompt(template, **fields).pieces == ("a photo of ", " that is {red} {*}")


@pytest.mark.parametrize(
    "text", ["", "   ", "!", "İ" * 30, "as", "with", "in", "a", "same", "the same", "but"]
)
def test_scraps_do_not_trip_the_rules(text: str) -> None:
    template, fields = choose_prompt(text)
    assert parse_prompt(template, **fields).slots == 1


def test_long_texts_are_read_quickly() -> None:
    # A regular expression that backtracks would hang here, not fail.
    assert read_phrase("a " * 3000 + "drawing").kind in PRESETS
    assert read_phrase("with a " + "long " * 3000).kind in PRESETS
