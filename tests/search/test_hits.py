"""Folding near-duplicates."""

from __future__ import annotations

import math

import numpy as np

from sightword.backbones.base import Array
from sightword.search.hits import SAME_PICTURE, fold


def at(*degrees: float) -> Array:
    """Unit vectors in the plane."""
    return np.array([[math.cos(math.radians(d)), math.sin(math.radians(d))] for d in degrees], np.float32)


LIMIT = math.degrees(math.acos(SAME_PICTURE))
"""About 9.9 degrees."""


def test_distinct_pictures_stay_apart_in_order() -> None:
    assert fold("abc", [b"1", b"2", b"3"], at(0, 45, 90)) == [["a"], ["b"], ["c"]]


def test_equal_content_folds_whatever_the_vectors_say() -> None:
    assert fold("abc", [b"1", b"2", b"1"], at(0, 45, 90)) == [["a", "c"], ["b"]]


def test_the_limit_is_the_stated_cosine() -> None:
    assert fold("ab", [b"1", b"2"], at(0, LIMIT - 0.1)) == [["a", "b"]]
    assert fold("ab", [b"1", b"2"], at(0, LIMIT + 0.1)) == [["a"], ["b"]]


def test_a_chain_does_not_swallow_a_series() -> None:
    steps = at(*(i * (LIMIT - 0.5) for i in range(6)))
    assert fold("abcdef", [bytes([i]) for i in range(6)], steps) == [["a", "b"], ["c", "d"], ["e", "f"]]


def test_the_better_ranked_leader_takes_it() -> None:
    assert fold("abc", [b"1", b"2", b"3"], at(0, 15, 7.5)) == [["a", "c"], ["b"]]


def test_nothing_to_fold() -> None:
    assert fold("", [], at()) == []


def naive(items: list[int], hashes: list[bytes], vectors: Array) -> list[list[int]]:
    """The rule of the docstring, word by word."""
    groups: list[list[int]] = []
    for item in items:
        for group in groups:
            leader = group[0]
            if hashes[leader] == hashes[item] or vectors[leader] @ vectors[item] >= SAME_PICTURE:
                group.append(item)
                break
        else:
            groups.append([item])
    return groups


def test_many_pictures_fold_as_the_rule_says() -> None:
    rng = np.random.default_rng(3)
    centres = rng.normal(size=(60, 8))
    vectors = centres[rng.integers(0, 60, 900)] + rng.normal(size=(900, 8)) * 0.12
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    hashes = [bytes([value]) for value in rng.integers(0, 250, 900)]
    expected = naive(list(range(900)), hashes, vectors)
    assert fold(range(900), hashes, vectors) == expected
    assert 100 < len(expected) < 800
