"""Masking by both rules, on the worked examples of the rule (no tagger, no torch)."""

from __future__ import annotations

import pytest
from words import words

from sightword.training.keywords import (
    clean_caption,
    legacy_clean,
    legacy_keywords,
    legacy_mask,
    mask_spans,
)

MAT = "a/DET cat/NOUN sits/VERB on/ADP the/DET mat/NOUN"
POSSESSIVE = "the/DET man/NOUN +'s/PART big/ADJ dog/NOUN runs/VERB"
INSIDE = "a/DET cat/NOUN sees/VERB cat/NOUN +alogues/X"


def spans(tagged: str) -> str:
    return str(mask_spans(*words(tagged)))


def legacy(tagged: str) -> str:
    text, tags = words(tagged)
    return str(legacy_mask(text, legacy_keywords(text, tags)))


@pytest.mark.parametrize(
    ("tagged", "expected"),
    [
        (MAT, "{*} sits on {*}"),
        (POSSESSIVE, "{*}'s {*} runs"),
        (INSIDE, "{*} sees {*}alogues"),
        ("give/VERB me/PRON a/DET", None),  # a determiner alone is no keyword
        ("Paris/PROPN at/ADP night/NOUN", "{*} at {*}"),
        ("red/ADJ", "{*}"),
    ],
)
def test_spans_are_cut_out_where_they_stand(tagged: str, expected: str | None) -> None:
    if expected is not None:
        assert spans(tagged) == expected
        return
    text, _ = words(tagged)
    assert spans(tagged) in {text.replace(word, "{*}", 1) for word in text.split()}
    assert spans(tagged) == spans(tagged)


@pytest.mark.parametrize(
    ("tagged", "expected"),
    [
        (MAT, "{*} sits on {*}"),
        ("here/ADV is/AUX a/DET", "here is {*}"),
        ("that/PRON was/AUX a/DET", "th{*}t w{*}s {*}"),  # a lone determiner replaces the letter everywhere
        ("cat/NOUN sees/VERB cat/NOUN +alogues/X", "{*} sees {*}alogues"),  # hits inside a word
    ],
)
def test_the_references_rule(tagged: str, expected: str) -> None:
    assert legacy(tagged) == expected


def test_a_keyword_that_is_no_substring_hits_one_random_word_and_ends() -> None:
    # "big - eyed cat" is no substring of "big-eyed cat"; the dog after it is never reached.
    text, tags = words("big/ADJ +-/NOUN +eyed/ADJ cat/NOUN and/CCONJ dog/NOUN")
    assert legacy_keywords(text, tags) == ["big - eyed cat", "dog"]
    masked = str(legacy_mask(text, legacy_keywords(text, tags)))
    assert masked in {text.replace(word, "{*}") for word in text.split()}


def test_nothing_to_mask() -> None:
    assert legacy_mask("", []).slots == 0  # the caller takes "a photo of {*}"
    assert legacy_mask("run", []).slots == 1


def test_every_occurrence_and_each_keyword_in_order() -> None:
    assert str(legacy_mask("dog and dog by a dog", ["dog", "a dog"])) == "{*} and {*} by a {*}"


def test_cleaning() -> None:
    assert clean_caption("  <PERSON>  with a\n $5 Dog ") == "person with a $5 Dog"
    assert legacy_clean(" <PERSON> with a $5 Dog ") == "person with a 5 dog"
    assert clean_caption(None) == legacy_clean(None) == ""
