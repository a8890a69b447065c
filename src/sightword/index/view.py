"""What a reader holds: the mapped matrix, the rows that came after it, and which of them are live.

A view follows the database in small steps: new rows are read once, and the log of changes flips the live
flags. Nothing is written.
"""

from __future__ import annotations

import itertools
import sqlite3
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightword.backbones.base import Array
from sightword.index.base import Manifest
from sightword.index.matrix import Matrix, last_change, row_dtype
from sightword.index.rows import joined
from sightword.index.scan import score_rows
from sightword.index.tail import Tail

__all__ = ["View", "load_view"]

_GATHERED_BYTES = 4 << 20
_ROWS_AT_ONCE = 256
"""Read from the database at a time: few enough for the same warm memory to serve again and again."""

_serials = itertools.count(1)


class View:
    """Rows in order of id: first those of the matrix file, then the tail held in memory.

    Attributes
    ----------
    generation : int
        Of the database when the view was made.
    serial : int
        Names this view among all of the process: what is remembered about a view keeps no rows alive.
    continues : (int, int)
        Serial of the view before it, and how many first rows are that one's, in the same order; (0, 0) for
        none.
    """

    def __init__(self, manifest: Manifest, generation: int, matrix: Matrix | None, seq: int) -> None:
        self.manifest = manifest
        self.generation = generation
        self.matrix = matrix
        self.seq = seq
        self.serial = next(_serials)
        self.continues = (0, 0)
        self._dtype = row_dtype(manifest.dtype)
        if matrix is None:
            self._rows: NDArray[Any] = np.zeros((0, manifest.dim), self._dtype)
            self._ids = np.zeros(0, np.int64)
            self._live = np.zeros(0, bool)
        else:
            self._rows, self._ids = matrix.rows, matrix.ids
            self._live = matrix.live.astype(bool)
        self._base = len(self._ids)
        self._tail = Tail(manifest.dim, self._dtype)
        self.max_id = matrix.max_id if matrix is not None else 0

    def __len__(self) -> int:
        return self._base + len(self._tail)

    @property
    def tail(self) -> int:
        """Rows not covered by the matrix file."""
        return len(self._tail)

    @property
    def blocks(self) -> list[NDArray[Any]]:
        """The arrays that hold the tail; a new list of them."""
        return self._tail.blocks

    @property
    def live(self) -> NDArray[np.bool_]:
        """Which rows may be found, bool [n]."""
        return self._live[: len(self)]

    def refresh(self, connection: sqlite3.Connection, most: int = -1) -> bool:
        """Take over what was committed since the last time; within a read transaction of the caller.

        Parameters
        ----------
        most : int
            Read about this many new rows at the most; below zero all of them.

        Returns
        -------
        bool
            False when rows were left, so that the view is not yet that of any state.
        """
        log = connection.execute(
            "SELECT CAST(id AS INTEGER), live, seq FROM changes WHERE seq > ? ORDER BY seq", (self.seq,)
        ).fetchall()
        rows = connection.execute(
            "SELECT v.id, p.gone, v.unit FROM vectors v JOIN pictures p ON p.id = v.id"
            " WHERE v.id > ? ORDER BY v.id LIMIT ?",
            (self.max_id, most),
        )
        count = 0
        while chunk := rows.fetchmany(_ROWS_AT_ONCE):
            self._append(chunk)
            count += len(chunk)
        if log:
            final = {picture: flag for picture, flag, _ in log}
            positions, known = self.positions(np.fromiter(final, np.int64, len(final)))
            flags = np.fromiter((bool(flag) for flag in final.values()), bool, len(final))
            self._live[positions[known]] = flags[known]
            self.seq = log[-1][2]
        return not 0 <= most <= count

    def _append(self, chunk: list[tuple[int, int, bytes]]) -> None:
        ids, gone, units = zip(*chunk)
        width = self.manifest.dim * self._dtype.itemsize
        rows = np.frombuffer(joined(units, width), self._dtype).reshape(len(ids), -1)
        start, stop = len(self), len(self) + len(ids)
        if stop > len(self._live):
            self._live = np.concatenate([self.live, np.zeros(len(ids) + stop // 8, bool)])
        self._live[start:stop] = np.array(gone) == 0
        self._tail.append(np.array(ids, np.int64), rows)
        self.max_id = int(ids[-1])

    def positions(self, ids: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Positions of ids, and which of them are held at all."""
        tail_ids = self._tail.ids
        in_base = np.searchsorted(self._ids, ids)
        in_tail = np.searchsorted(tail_ids, ids)
        known_base = _hits(self._ids, in_base, ids)
        known_tail = _hits(tail_ids, in_tail, ids)
        return np.where(known_base, in_base, self._base + in_tail), known_base | known_tail

    def ids(self, positions: NDArray[np.intp]) -> NDArray[np.int64]:
        """Ids of rows, int64 [m]."""
        found = np.empty(len(positions), np.int64)
        late = positions >= self._base
        found[~late] = self._ids[positions[~late]]
        found[late] = self._tail.ids[positions[late] - self._base]
        return found

    def follow(self, other: View) -> None:
        """Note that this view takes the place of another; what is known of its rows may hold on."""
        self.continues = (other.serial, len(other)) if self._starts_like(other) else (0, 0)

    def _starts_like(self, other: View) -> bool:
        """Whether the first rows are those of another view, in the same order; vectors go with their ids."""
        count, base = len(other), other._base
        if count > len(self) or base > self._base:
            return False
        return bool(
            np.array_equal(self._ids[:base], other._ids)
            and np.array_equal(self.ids(np.arange(base, count)), other._tail.ids)
        )

    def rows(self, positions: NDArray[np.intp]) -> NDArray[Any]:
        """Stored rows [m, D], float32 or uint16 holding bfloat16."""
        if not len(positions) or positions.max() < self._base:
            return np.take(self._rows, positions, axis=0)
        found = np.empty((len(positions), self.manifest.dim), self._dtype)
        late = positions >= self._base
        found[~late] = self._rows[positions[~late]]
        found[late] = self._tail.rows(positions[late] - self._base)
        return found

    def score(self, query: Array, known: Array | None = None) -> Array:
        """Approximate cosines with every row, live or not, float32 [n].

        Parameters
        ----------
        query : float32 [D]
        known : float32 [m], optional
            Scores of the first m rows for the same query, from before the tail grew.
        """
        scores = np.empty(len(self), np.float32)
        done = 0
        if known is not None:
            done = len(known)
            scores[:done] = known
        if done < self._base:
            score_rows(self._rows[done:], query, scores[done : self._base])
            done = self._base
        self._tail.score(query, done - self._base, scores[done:])
        return _finite(scores)

    def score_some(self, query: Array, positions: NDArray[np.intp]) -> Array:
        """Approximate cosines with some rows, float32 [m]; rows are gathered in blocks."""
        scores = np.empty(len(positions), np.float32)
        step = max(1, _GATHERED_BYTES // (self.manifest.dim * self._dtype.itemsize))
        for start in range(0, len(positions), step):
            some = positions[start : start + step]
            score_rows(self.rows(some), query, scores[start : start + step])
        return _finite(scores)


def _finite(scores: Array) -> Array:
    # Only a damaged row gives NaN or infinity; it must neither be found nor spoil the order of the others.
    if len(scores) and not np.isfinite(scores.sum(dtype=np.float64)):
        scores[~np.isfinite(scores)] = -np.inf
    return scores


def _hits(ids: NDArray[np.int64], at: NDArray[np.intp], wanted: NDArray[np.int64]) -> NDArray[np.bool_]:
    if not len(ids):
        return np.zeros(len(wanted), bool)
    hits: NDArray[np.bool_] = ids[np.minimum(at, len(ids) - 1)] == wanted
    return hits


def load_view(
    connection: sqlite3.Connection, manifest: Manifest, generation: int, matrix: Matrix | None
) -> View:
    """The current state as a view; within a read transaction of the caller.

    Without a matrix every vector is read into memory.
    """
    seq = matrix.seq if matrix is not None else last_change(connection)
    view = View(manifest, generation, matrix, seq)
    view.refresh(connection)
    return view
