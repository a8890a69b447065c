"""Rank a gallery for many queries, and ask where certain pictures are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sightword.backbones.base import Array
from sightword.evaluation.topk import best_rows

__all__ = ["BEYOND", "Ranked", "Ranking", "rankings"]

BLOCK = 256

BEYOND = int(np.iinfo(np.int64).max)
"""The place of a picture behind all those that were asked for."""


class Ranked(Protocol):
    """What can be asked of a ranking, whether its scores are in memory or not."""

    size: int
    deep: int | None
    """Only the first so many places are told apart; what lies behind them is at `BEYOND`. None: all are."""

    def top(self, k: int) -> list[str]:
        """Ids of the first k."""
        ...

    def places(self, names: Sequence[str]) -> NDArray[np.int64]:
        """Places from 1 of some pictures."""
        ...

    def order(self, names: Sequence[str]) -> list[str]:
        """Some pictures, from best to worst."""
        ...


class Ranking:
    """A gallery from best to worst for one query.

    Equal scores go by the gallery's order. What is left out has no place. Only the first few
    are ever sorted.

    Parameters
    ----------
    scores : float32 [N]
    rows : mapping of str to int
        Row of every id of the gallery.
    names : sequence of str, length N
    left_out : sequence of str
        References, and pictures that are not judged.
    """

    deep: int | None = None

    def __init__(
        self, scores: Array, rows: Mapping[str, int], names: Sequence[str], left_out: Sequence[str] = ()
    ) -> None:
        self._rows, self._names = rows, names
        self._scores = scores.copy()
        if gone := [rows[name] for name in left_out]:
            self._scores[gone] = -np.inf
        self.size = len(names) - len(set(left_out))
        """How many pictures are ranked."""

        self._best = np.empty(0, np.intp)

    def top(self, k: int) -> list[str]:
        """Ids of the first k."""
        k = min(k, self.size)
        if k > self._best.size:
            self._best = best_rows(self._scores, k)
        return [self._names[row] for row in self._best[:k]]

    def order(self, names: Sequence[str]) -> list[str]:
        """Some pictures, from best to worst."""
        wanted = np.sort(np.array([self._rows[name] for name in names], dtype=np.intp))
        best = np.argsort(-self._scores[wanted], kind="stable")
        return [self._names[row] for row in wanted[best]]

    def places(self, names: Sequence[str]) -> NDArray[np.int64]:
        """Places from 1 of some pictures."""
        wanted = np.array([self._rows[name] for name in names], dtype=np.int64)
        own = self._scores[wanted][:, None]
        before = self._scores[None, :] > own
        # Of equals, those that come earlier in the gallery.
        tied = (self._scores[None, :] == own) & (np.arange(self._scores.size)[None, :] < wanted[:, None])
        return np.asarray(1 + before.sum(axis=1) + tied.sum(axis=1), np.int64)


def rankings(
    vectors: Array, gallery: Array, names: Sequence[str], left_out: Sequence[Sequence[str]]
) -> Iterator[Ranking]:
    """One ranking a query, in order.

    Parameters
    ----------
    vectors : float32 [Q, D], unit length
    gallery : float32 [N, D], unit length
    names : sequence of str, length N
    left_out : sequence of length Q
    """
    rows = {name: row for row, name in enumerate(names)}
    for start in range(0, len(vectors), BLOCK):
        scores = vectors[start : start + BLOCK] @ gallery.T
        for offset, row in enumerate(scores):
            yield Ranking(row, rows, names, left_out[start + offset])
