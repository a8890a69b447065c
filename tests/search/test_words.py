"""Nearest words of a pseudo-word."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sightword.search.words import nearest_words, whole_words
from tiny import COLOURS, VOCABULARY, table


def test_a_words_own_row_is_nearest_to_itself(tiny_backbone: Any) -> None:
    tokens = np.stack([table()[VOCABULARY.index(word)] for word in COLOURS])
    for word, row in zip(COLOURS, nearest_words(tiny_backbone, tokens, 3)):
        assert row[0][0] == word
        assert row[0][1] == pytest.approx(1, abs=1e-5)
        assert len(row) == 3
        assert [cosine for _, cosine in row] == sorted((cosine for _, cosine in row), reverse=True)


def test_between_two_words_both_are_near(tiny_backbone: Any) -> None:
    token = (table()[VOCABULARY.index("red")] + table()[VOCABULARY.index("yellow")])[None]
    assert {word for word, _ in nearest_words(tiny_backbone, token, 2)[0]} == {"red", "yellow"}


@pytest.mark.parametrize(
    ("vocabulary", "expected"),
    [
        (["[CLS]", "cat", "##s", ",", "a", "don't", "42"], ["cat"]),
        (["cat</w>", "ca", "dog</w>", "!</w>", "<|endoftext|>"], ["cat", "dog"]),
        (["▁cat", "s", "▁a", "</s>", "▁"], ["cat"]),
    ],
)
def test_only_whole_words(vocabulary: list[str], expected: list[str]) -> None:
    rows, words = whole_words(vocabulary)
    assert words == expected
    assert all(word in vocabulary[row] for row, word in zip(rows, words))
