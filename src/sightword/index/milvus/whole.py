"""Notice when a server answers from a part of its rows, and wait until it has all of them again.

A cluster that lost a query node and has no second replica loads its rows elsewhere. Milvus 2.3 answers again
before all of them are there, without saying so (measured: benchmarks/cluster). The number of rows tells: it
is looked at now and then while all is calm, and before every question once something was repeated or slow.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

__all__ = ["SLOW", "Whole"]

SLOW = 2.0
"""Seconds; a question that takes longer may have been repeated inside the server."""

_CALM = 30.0
"""Seconds between two looks while nothing happens."""

_DOUBT = 30.0
"""Seconds for which fewer rows are doubted; then they are believed: somebody may have compacted the index."""

_PAUSE = 0.25

_FEW = 100
"""So many rows, or one in a hundred, may go unsuspected: files become unreadable, locks are given back."""


class Whole:
    """The number of rows of a collection, remembered.

    Parameters
    ----------
    count : callable
        Asks the server.
    """

    def __init__(
        self,
        count: Callable[[], int],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._count, self._clock, self._sleep = count, clock, sleep
        self._rows: int | None = None
        self._looked = self._doubted = float("-inf")
        self._lock = threading.Lock()

    def doubt(self) -> None:
        """Something was repeated or slow: a node may be gone."""
        with self._lock:
            self._doubted = self._clock()

    def forget(self) -> None:
        """Rows were removed by ourselves."""
        with self._lock:
            self._rows = None
            self._looked = float("-inf")

    def wait(self) -> bool:
        """Return once the server has the rows that it had, or has had fewer for long enough to believe it.

        Returns
        -------
        bool
            Whether that took any waiting.
        """
        waited = False
        while not self._is_whole():
            self._sleep(_PAUSE)
            waited = True
        return waited

    def _is_whole(self) -> bool:
        now = self._clock()
        with self._lock:
            known, calm = self._rows, now - self._doubted > _DOUBT
            if known is not None and calm and now - self._looked < _CALM:
                return True
        rows = self._count()
        with self._lock:
            fewer = known is not None and known - rows > max(_FEW, known // 100)
            if fewer and calm and self._doubted < self._looked:
                self._doubted = now  # the first that is seen of it
                return False
            if fewer and not calm:
                return False
            self._rows, self._looked = rows, now
        return True
