"""No base concept crosses splits, whatever the source, style, skin tone, gender or spelling."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightword.evaluation.concepts import base_concept, split_of

RELATIVES: dict[str, list[str]] = {
    "technologist": [
        "technologist",
        "man technologist",
        "woman technologist: medium skin tone",
        "man technologist: medium-light skin tone",
    ],
    "running": ["person running", "man running facing right", "women running: dark skin tone", "Running man"],
    "dog": ["dog", "dogs", "Dog face", "dog_02", "Dog03", "dog.n.01", "cartoon dog", "A dog.", "dog icon"],
    "wolf": ["wolf", "wolves", "Wolf Face"],
    "child": ["boy", "girls", "child: light skin tone", "kids"],
    "person": ["man", "women", "person: beard", "man: blond hair", "woman: medium skin tone, red hair"],
    "kiss": ["kiss", "kiss: woman, man, light skin tone, dark skin tone", "kiss: man, man"],
    "arrow": ["left arrow", "up-down arrow", "arrows", "north-east arrow"],
    "clock time": ["three o'clock", "ten-thirty", "twelve o’clock"],
    "flag norway": ["flag: Norway", "Flag of Norway", "norway_flag", "Norway flag"],
    "polar bear": ["polar bear", "polar bears", "Polar_Bear"],
    "shoe": ["man's shoe", "woman’s shoe", "shoes"],
    "skin tone": ["light skin tone", "medium-dark skin tone"],
    "merperson": ["mermaid", "merman", "merperson: dark skin tone"],
    "cafe": ["café", "cafe", "Cafés"],
}
KNOWN = {
    "dog": "train",
    "apple": "train",
    "bicycle": "train",
    "flag norway": "train",
    "kiss": "train",
    "technologist": "train",
}
DIFFERENT = [
    ("flag: Norway", "flag: Sweden"),
    ("polar bear", "bear"),
    ("red heart", "blue heart"),
    ("keycap: 1", "keycap: 2"),
    ("snowman", "snow"),
]


@pytest.mark.parametrize("key", RELATIVES)
def test_relatives_share_one_key_and_so_one_split(key: str) -> None:
    assert {base_concept(title) for title in RELATIVES[key]} == {key}


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_concepts_that_the_rules_keep_apart(one: str, other: str) -> None:
    assert base_concept(one) != base_concept(other)


def test_split_is_the_hash_modulo_ten() -> None:
    for key in RELATIVES:
        bucket = int(hashlib.sha256(key.encode()).hexdigest(), 16) % 10
        assert split_of(key) == {0: "test", 1: "validation"}.get(bucket, "train")


def test_known_splits_never_move() -> None:
    known = {key: split_of(key) for key in ("dog", "apple", "bicycle", "flag norway", "kiss", "technologist")}
    assert known == KNOWN


def test_shares_are_about_a_tenth() -> None:
    splits = [split_of(f"concept {number}") for number in range(5000)]
    assert 0.08 < splits.count("test") / 5000 < 0.12
    assert 0.08 < splits.count("validation") / 5000 < 0.12


@given(st.text())
def test_any_title_has_a_stable_key(title: str) -> None:
    key = base_concept(title)
    assert key
    assert base_concept(key) == key


TITLE = "dog dogs fox cherries bus running queen face flag red left 12 the icon man leaves"
WORDS = st.sampled_from(TITLE.split())


@given(st.lists(WORDS, min_size=1, max_size=4), st.sampled_from(["light", "medium-dark", "dark"]))
def test_skin_tone_case_and_underscores_never_change_the_key(words: list[str], tone: str) -> None:
    title = " ".join(words)
    assert base_concept(f"{title}: {tone} skin tone") == base_concept(title)
    assert base_concept("_".join(words).upper()) == base_concept(title)
