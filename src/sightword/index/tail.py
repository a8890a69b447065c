"""Rows behind the matrix file, held in memory in blocks that never move.

One growing array would be copied whenever it is full: 150 MB inside the query that happens to meet it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightword.backbones.base import Array
from sightword.index.scan import score_rows

__all__ = ["Tail"]

_FIRST_ROWS = 1024
_BLOCK_BYTES = 48 << 20
"""Largest block. Above 32 MB the C library gives memory back to the system as soon as it is free."""


class Tail:
    """Rows in ascending order of id.

    Parameters
    ----------
    dim : int
    dtype : numpy dtype
        float32, or uint16 holding bfloat16.
    """

    def __init__(self, dim: int, dtype: np.dtype[Any]) -> None:
        self._dim, self._dtype = dim, dtype
        self._blocks: list[NDArray[Any]] = []
        self._starts: list[int] = []
        self._ids = np.zeros(0, np.int64)
        self._count = 0
        self._room = 0

    def __len__(self) -> int:
        return self._count

    @property
    def ids(self) -> NDArray[np.int64]:
        """int64 [n], ascending."""
        return self._ids[: self._count]

    @property
    def blocks(self) -> list[NDArray[Any]]:
        """The arrays that hold the rows; a new list of them."""
        return list(self._blocks)

    def append(self, ids: NDArray[np.int64], rows: NDArray[Any]) -> None:
        """Take in rows [m, D] whose ids are higher than all before."""
        done, stop = 0, self._count + len(ids)
        if stop > len(self._ids):
            self._ids = np.concatenate([self.ids, np.zeros(max(_FIRST_ROWS, stop), np.int64)])
        self._ids[self._count : stop] = ids
        while done < len(rows):
            if self._count == self._room:
                self._make_room()
            block, at = self._blocks[-1], self._count - self._starts[-1]
            some = rows[done : done + len(block) - at]
            block[at : at + len(some)] = some
            self._count += len(some)
            done += len(some)

    def rows(self, at: NDArray[np.intp]) -> NDArray[Any]:
        """Stored rows [m, D] at some positions of the tail."""
        found = np.empty((len(at), self._dim), self._dtype)
        where = np.searchsorted(self._starts, at, side="right") - 1
        for number, block in enumerate(self._blocks):
            here = np.flatnonzero(where == number)
            found[here] = block[at[here] - self._starts[number]]
        return found

    def score(self, query: Array, first: int, out: Array) -> None:
        """Approximate cosines of the rows from position `first` on, float32 [n - first], into `out`."""
        for start, rows in self._filled():
            if start + len(rows) > first:
                rows = rows[max(0, first - start) :]
                begin = max(0, start - first)
                score_rows(rows, query, out[begin : begin + len(rows)])

    def _filled(self) -> Iterator[tuple[int, NDArray[Any]]]:
        for start, block in zip(self._starts, self._blocks):
            yield start, block[: self._count - start]

    def _make_room(self) -> None:
        most = max(1, _BLOCK_BYTES // (self._dim * self._dtype.itemsize))
        length = min(most, max(_FIRST_ROWS, self._room))
        self._blocks.append(np.empty((length, self._dim), self._dtype))
        self._starts.append(self._room)
        self._room += length
