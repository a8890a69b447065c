"""The vocabulary's words that lie nearest to a pseudo-word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sightword.backbones.base import Array, Backbone

__all__ = ["NEAREST", "nearest_words", "whole_words"]

NEAREST = 20
"""How many words are listed."""


def nearest_words(
    backbone: Backbone, tokens: Array, count: int = NEAREST
) -> tuple[tuple[tuple[str, float], ...], ...]:
    """Nearest whole words of each pseudo-token, by cosine in token space.

    The mean of all words is subtracted first: in most tables every row shares one large direction, and
    cosines would tell words apart only by what little is left.

    Parameters
    ----------
    backbone : Backbone
    tokens : float32 [k, W]
    count : int

    Returns
    -------
    tuple of tuple of (str, float)
        For each of the k tokens, best first.
    """
    table = backbone.token_embedding()
    rows, words = whole_words(backbone.vocabulary())
    known = table[rows]
    mean = known.mean(axis=0)
    known = _unit(known - mean)
    cosines = _unit(np.asarray(tokens, np.float32) - mean) @ known.T
    order = np.argsort(-cosines, axis=1, kind="stable")[:, :count]
    return tuple(
        tuple((words[i], round(float(line[i]), 6)) for i in best) for line, best in zip(cosines, order)
    )


def whole_words(vocabulary: Sequence[str]) -> tuple[list[int], list[str]]:
    """Rows of the table that are whole words, and the words; pieces, marks and special tokens are left out.

    Three ways of marking a whole word are in use: ``cat</w>`` (CLIP), ``▁cat`` (SentencePiece), and
    ``cat`` beside ``##cat`` (WordPiece).

    Examples
    --------
    >>> whole_words(["[CLS]", "cat", "##s", ",", "a"])
    ([1], ['cat'])
    """
    ends = any(piece.endswith("</w>") for piece in vocabulary)
    starts = any(piece.startswith("▁") for piece in vocabulary)
    rows, words = [], []
    for row, piece in enumerate(vocabulary):
        if ends:
            word = piece.removesuffix("</w>") if piece.endswith("</w>") else ""
        elif starts:
            word = piece[1:] if piece.startswith("▁") else ""
        else:
            word = piece
        if len(word) > 1 and word.isalpha():
            rows.append(row)
            words.append(word)
    return rows, words


def _unit(vectors: Array) -> Array:
    result: Array = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
    return result
