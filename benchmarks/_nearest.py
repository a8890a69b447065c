"""The exact answer to many queries at once, and how much of it an approximate one found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sightword.backbones.base import Array
from sightword.index.scan import best, rescore, score_rows

__all__ = ["TIE", "Truth", "check_against_scan", "exact", "recalls", "settle", "slices", "top_products"]

TIE = 1e-6
"""Scores this near to each other are one score, as in the index."""

_ROWS = 8192
_SPARE = 32

Positions = NDArray[np.int64]


def slices(count: int, step: int = _ROWS) -> Iterable[slice]:
    """Consecutive parts of ``range(count)``."""
    return (slice(start, min(start + step, count)) for start in range(0, count, step))


def top_products(blocks: Iterable[tuple[int, Array]], queries: Array, count: int) -> Positions:
    """Positions of the largest products of every query with rows that come in blocks.

    Parameters
    ----------
    blocks : iterable of (position of the first row, float32 [n, D])
    queries : float32 [Q, D]
    count : int

    Returns
    -------
    int64 [Q, count]
        Best first; -1 where there are fewer rows.
    """
    scores = np.full((len(queries), count), -np.inf, np.float32)
    found = np.full((len(queries), count), -1, np.int64)
    for start, rows in blocks:
        products = queries @ rows.T
        # Only what beats the worst that is kept: after a few blocks hardly anything.
        who, where = np.nonzero(products > scores[:, -1:])
        if not len(who):
            continue
        held = np.bincount(who, minlength=len(queries))
        firsts = np.concatenate([[0], np.cumsum(held)[:-1]])
        column = np.arange(len(who)) - firsts[who]
        new = np.full((len(queries), held.max()), -np.inf, np.float32)
        new_at = np.full(new.shape, -1, np.int64)
        new[who, column], new_at[who, column] = products[who, where], start + where
        both, both_at = np.concatenate([scores, new], axis=1), np.concatenate([found, new_at], axis=1)
        kept = np.argpartition(-both, count - 1, axis=1)[:, :count]
        kept = np.take_along_axis(kept, np.argsort(-np.take_along_axis(both, kept, 1), axis=1), 1)
        scores, found = np.take_along_axis(both, kept, 1), np.take_along_axis(both_at, kept, 1)
    return found


def scores_of(gallery: Array, queries: Array, positions: Positions) -> NDArray[np.float64]:
    """Cosines in float64, [Q, m]; minus infinity for position -1."""
    found = np.empty(positions.shape, np.float64)
    for number, (query, some) in enumerate(zip(queries.astype(np.float64), positions)):
        found[number] = np.where(some >= 0, gallery[some].astype(np.float64) @ query, -np.inf)
    return found


def settle(
    gallery: Array,
    queries: Array,
    positions: Positions,
    references: Sequence[Sequence[int]],
    k: int,
    again: int | None = None,
) -> tuple[Positions, NDArray[np.float64]]:
    """The first k of each query's candidates without its own references, and their exact cosines.

    Parameters
    ----------
    gallery : float32 [N, D], unit length
    queries : float32 [Q, D], unit length
    positions : int64 [Q, m]
        Candidates in the engine's order; -1 for none.
    references : sequence, length Q
        Positions that are left out.
    k : int
    again : int, optional
        Rescore the first ``k + again`` (after the references are gone) and sort them anew.
    """
    most = k if again is None else k + again
    kept = np.full((len(queries), most), -1, np.int64)
    for number, (some, out) in enumerate(zip(positions, references)):
        left = some[~np.isin(some, np.asarray(out, np.int64))][:most]
        kept[number, : len(left)] = left
    scores = scores_of(gallery, queries, kept)
    if again is not None:
        order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        kept, scores = np.take_along_axis(kept, order, 1), np.take_along_axis(scores, order, 1)
    return kept, scores


@dataclass(frozen=True)
class Truth:
    """The exact answer.

    Attributes
    ----------
    positions : int64 [Q, k + 32]
        Best first, references left out.
    scores : float64 [Q, k + 32]
    """

    positions: Positions
    scores: NDArray[np.float64]


def exact(gallery: Array, queries: Array, references: Sequence[Sequence[int]], k: int) -> Truth:
    """The k best and the 32 after them, by float64 cosines of what float32 finds."""
    most = max(len(out) for out in references)
    blocks = ((part.start, gallery[part]) for part in slices(len(gallery)))
    found = top_products(blocks, queries, k + 2 * _SPARE + most)
    return Truth(*settle(gallery, queries, found, references, k + _SPARE, _SPARE))


def check_against_scan(
    gallery: Array, queries: Array, references: Sequence[Sequence[int]], truth: Truth, k: int
) -> None:
    """Raise AssertionError unless the scan of the index gives the same scores for these queries."""
    for query, out, wanted in zip(queries, references, truth.scores):
        scores = np.empty(len(gallery), np.float32)
        score_rows(gallery, query, scores)
        scores[list(out)] = -np.inf
        top = np.sort(rescore(gallery[best(scores, k, len(query))], query))[::-1][:k]
        if not np.allclose(top, wanted[:k], rtol=0, atol=TIE):
            raise AssertionError(f"the scan of the index finds {top}, this benchmark {wanted[:k]}")


def recalls(scores: NDArray[np.float64], truth: Truth, k: int) -> NDArray[np.float64]:
    """Share of the k best that were found, for every query; another picture of an equal score counts.

    Parameters
    ----------
    scores : float64 [Q, k]
        Exact cosines of what was found.
    """
    right = (scores[:, :k] >= truth.scores[:, k - 1 : k] - TIE).sum(axis=1)
    return np.asarray(right / k, np.float64)
