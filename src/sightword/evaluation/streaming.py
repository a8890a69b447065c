"""Rankings of a gallery that is larger than memory: read in chunks, twice.

The first reading keeps the best of every query and the scores of the pictures that will be asked for; the
second counts what lies before those. Both multiply blocks of the same shape, so that equal pictures have
equal scores in both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from sightword.backbones.base import Array
from sightword.evaluation.topk import best_rows
from sightword.methods.vectors import unit

__all__ = ["Streamed", "streamed_rankings"]

CHUNK = 16_384
BLOCK = 1024
KEPT = 50


class Streamed:
    """What is known of one query's ranking; the same questions as `sightword.evaluation.ranking.Ranking`.

    Attributes
    ----------
    size : int
        How many pictures are ranked.
    """

    deep: int | None = None

    def __init__(self, size: int, best: Sequence[str], places: dict[str, int]) -> None:
        self.size = size
        self._best, self._places = best, places

    def top(self, k: int) -> list[str]:
        """Ids of the first k; no more are known than were kept."""
        if k > len(self._best) and len(self._best) < self.size:
            raise ValueError(f"Only the first {len(self._best)} are known, not {k}.")
        return list(self._best[:k])

    def places(self, names: Sequence[str]) -> NDArray[np.int64]:
        """Places from 1 of pictures that were watched."""
        return np.array([self._places[name] for name in names], np.int64)

    def order(self, names: Sequence[str]) -> list[str]:
        """Watched pictures, from best to worst."""
        return sorted(names, key=lambda name: self._places[name])


def streamed_rankings(
    vectors: Array,
    features: Array,
    names: Sequence[str],
    left_out: Sequence[Sequence[str]],
    watched: Sequence[Sequence[str]],
    *,
    kept: int = KEPT,
    chunk: int = CHUNK,
) -> Iterator[Streamed]:
    """One ranking a query, in order.

    Parameters
    ----------
    vectors : float32 [Q, D], unit length
    features : float32 [N, D], raw
        For instance mapped from a file; read `chunk` rows at a time.
    names : sequence of str, length N
    left_out, watched : sequences of length Q
        Ids that have no place, and ids whose places will be asked for.
    kept : int
        How many of the best are kept.
    chunk : int

    Yields
    ------
    Streamed
    """
    row = {name: number for number, name in enumerate(names)}
    gone = [[row[name] for name in out] for out in left_out]
    wanted = [np.array(sorted({row[name] for name in watch}), np.intp) for watch in watched]
    count = len(vectors)
    best_of: list[NDArray[np.intp]] = [np.empty(0, np.intp)] * count
    best_score: list[Array] = [np.empty(0, np.float32)] * count
    own = [np.full(len(rows), np.nan, np.float32) for rows in wanted]
    for first, number, scores in _scores(vectors, features, gone, chunk):
        rows = best_rows(scores, kept)
        together = np.concatenate([best_score[number], scores[rows]])
        keep = best_rows(together, kept)  # equals: the earlier chunk comes first
        best_of[number] = np.concatenate([best_of[number], rows + first])[keep]
        best_score[number] = together[keep]
        inside = (wanted[number] >= first) & (wanted[number] < first + scores.size)
        own[number][inside] = scores[wanted[number][inside] - first]
    before = [np.ones(len(rows), np.int64) for rows in wanted]
    for first, number, scores in _scores(vectors, features, gone, chunk):
        for slot, (place, score) in enumerate(zip(wanted[number], own[number])):
            before[number][slot] += np.count_nonzero(scores > score)
            before[number][slot] += np.count_nonzero(scores[: max(place - first, 0)] == score)
    for number in range(count):
        size = len(names) - len(set(gone[number]))
        places = {names[place]: int(n) for place, n in zip(wanted[number], before[number])}
        yield Streamed(size, [names[place] for place in best_of[number][:size]], places)


def _scores(
    vectors: Array, features: Array, gone: Sequence[Sequence[int]], chunk: int
) -> Iterator[tuple[int, int, Array]]:
    """(first row of the chunk, number of the query, its scores there)."""
    for first in range(0, len(features), chunk):
        part = unit(np.asarray(features[first : first + chunk])).T
        for start in range(0, len(vectors), BLOCK):
            scores = vectors[start : start + BLOCK] @ part
            for offset, line in enumerate(scores):
                out = [place - first for place in gone[start + offset] if first <= place < first + line.size]
                line[out] = -np.inf
                yield first, start + offset, line
