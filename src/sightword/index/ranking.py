"""The scan over a moment of an index, and what it remembers from one call to the next."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from sightword.backbones.base import Array
from sightword.index.base import Scored
from sightword.index.rows import PICTURE_COLUMNS, picture_row
from sightword.index.scan import best, rescore
from sightword.index.session import Moment
from sightword.index.view import View
from sightword.index.where import Expr
from sightword.index.where_sql import compile_where

__all__ = ["Ranking"]

_GATHERED = 5


class Ranking:
    """Scans; keeps the scores of the last query and the ids of the last filter.

    Asking for the hits and then for the background of one query passes over the vectors once. Views are
    remembered by their serial, so that nothing here keeps an old generation in memory.
    Not safe for threads by itself: call it inside `Session.current`, which holds the lock.
    """

    def __init__(self) -> None:
        self._scores: tuple[bytes, int, Array] | None = None
        self._allowed: tuple[Expr, int, int, NDArray[np.int64]] | None = None

    def forget(self) -> None:
        """Let go of vectors and scores."""
        self._scores = self._allowed = None

    def scan(
        self, moment: Moment, query: Array, k: int, where: Expr | None, exclude_hashes: Collection[bytes]
    ) -> list[Scored]:
        """See `sightword.index.base.VectorStore.scan`."""
        view = moment.view
        excluded = _ids_with(moment.connection, exclude_hashes)
        if where is None:
            scores = np.where(view.live, self._all(view, query), np.float32(-np.inf))
            at, held = view.positions(excluded)
            scores[at[held]] = -np.inf
            found = best(scores, k, len(query))
        else:
            ids = self._ids_where(moment, where)
            if len(excluded):
                ids = np.setdiff1d(ids, excluded, assume_unique=True)
            positions, held = view.positions(ids)
            positions = positions[held]
            # A row on its own costs several times what it costs in passing (measured: 4 to 6 times).
            if _GATHERED * len(positions) > len(view) or self._known(view, query) is not None:
                scores = self._all(view, query)[positions]
            else:
                scores = view.score_some(query, positions)
            found = positions[best(scores, k, len(query))]
        return _top(moment.connection, view.ids(found), rescore(view.rows(found), query), k)

    def background(self, moment: Moment, query: Array) -> tuple[float, float]:
        """See `sightword.index.base.VectorStore.background`."""
        scores = self._all(moment.view, query)
        if not moment.view.live.all():
            scores = scores[moment.view.live]
        if not len(scores):
            return 0.0, 0.0
        return float(scores.mean(dtype=np.float64)), float(scores.std(dtype=np.float64))

    def _known(self, view: View, query: Array) -> Array | None:
        """Scores of the first rows, if this query was the last."""
        if self._scores is None or self._scores[0] != query.tobytes():
            return None
        key, serial, scores = self._scores
        if serial != view.serial:
            # A new generation holds the old rows first, unless some were dropped.
            if view.continues[0] != serial or len(scores) > view.continues[1]:
                return None
            self._scores = (key, view.serial, scores)
        return scores

    def _all(self, view: View, query: Array) -> Array:
        """Scores with every row; a query that was just asked costs only the rows that are new since."""
        known = self._known(view, query)
        if known is None or len(known) < len(view):
            known = view.score(query, known)
            self._scores = (query.tobytes(), view.serial, known)
        return known

    def _ids_where(self, moment: Moment, where: Expr) -> NDArray[np.int64]:
        if self._allowed is not None and self._allowed[:3] == (where, moment.view.serial, moment.version):
            return self._allowed[3]
        condition, parameters = compile_where(where)
        rows = moment.connection.execute(
            f"SELECT id FROM pictures WHERE gone = 0 AND {condition} ORDER BY id", parameters
        )
        ids = np.fromiter((row[0] for row in rows), np.int64)
        self._allowed = (where, moment.view.serial, moment.version, ids)
        return ids


def _ids_with(connection: sqlite3.Connection, hashes: Collection[bytes]) -> NDArray[np.int64]:
    ids: set[int] = set()
    for content_hash in hashes:
        rows = connection.execute(
            "SELECT id FROM pictures WHERE substr(content_hash, 1, 6) = ? AND content_hash = ?",
            (content_hash[:6], content_hash),
        )
        ids.update(row[0] for row in rows)
    return np.array(sorted(ids), dtype=np.int64)


def _top(
    connection: sqlite3.Connection, ids: NDArray[np.int64], scores: NDArray[np.float64], k: int
) -> list[Scored]:
    order = np.argsort(-scores, kind="stable")
    if len(order) > k:  # rows tied with the k-th stay in until their paths are known
        order = order[scores[order] >= scores[order[k - 1]]]
    hits = []
    for at in order:
        query = f"SELECT {PICTURE_COLUMNS} FROM pictures WHERE id = ?"
        row = connection.execute(query, (int(ids[at]),)).fetchone()
        if row is not None:
            hits.append(Scored(picture_row(row), float(scores[at])))
    hits.sort(key=lambda hit: (-hit.score, hit.picture.path))
    return hits[:k]
