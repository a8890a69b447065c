"""Dynamic batching: what several threads want encoded at the same time is encoded at once.

Nobody waits for a batch to fill. A thread that finds the encoder free uses it at once; the others gather
behind it, and the first of them takes everything that has gathered. One client alone pays for two lock
operations and nothing else: its items are handed on as they came, not taken apart and put together again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence, Sized
from typing import Generic, TypeVar

__all__ = ["Coalescer"]

Items = TypeVar("Items", bound=Sized)
Results = TypeVar("Results")


class _Call(Generic[Items, Results]):
    """One thread's items, and what becomes of them."""

    def __init__(self, items: Items) -> None:
        self.items = items
        self.results: Results | None = None
        self.error: BaseException | None = None
        self.turn = threading.Event()  # set when answered, or when this thread is to take the next batch

    @property
    def done(self) -> bool:
        return self.results is not None or self.error is not None


class Coalescer(Generic[Items, Results]):
    """Runs a function of many items for several threads together.

    Parameters
    ----------
    run : callable
        Takes the items of several calls, a list of what each brought; returns the results of each.
    most : int
        Items taken at once; a single call with more is run by itself.
    observe : callable, optional
        Told the size of every batch.
    """

    def __init__(
        self,
        run: Callable[[list[Items]], Sequence[Results]],
        most: int,
        observe: Callable[[int], None] | None = None,
    ) -> None:
        self._run = run
        self._most = most
        self._observe = observe or (lambda size: None)
        self._lock = threading.Lock()
        self._waiting: list[_Call[Items, Results]] = []
        self._busy = False

    def __call__(self, items: Items) -> Results:
        """Results for these items; an error that they cause is raised here and nowhere else."""
        call: _Call[Items, Results] = _Call(items)
        with self._lock:
            self._waiting.append(call)
            leads, self._busy = not self._busy, True
        while not call.done:
            if not leads:
                call.turn.wait()
                call.turn.clear()
                leads = not call.done
                continue
            self._serve(self._take())
        if leads:
            self._hand_over()
        if call.error is not None:
            raise call.error
        assert call.results is not None
        return call.results

    def _take(self) -> list[_Call[Items, Results]]:
        with self._lock:
            count = size = 0
            for call in self._waiting:
                size += len(call.items)
                if count and size > self._most:
                    break
                count += 1
            batch, self._waiting = self._waiting[:count], self._waiting[count:]
            return batch

    def _hand_over(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting[0].turn.set()
            else:
                self._busy = False

    def _serve(self, batch: list[_Call[Items, Results]]) -> None:
        try:
            self._observe(sum(len(call.items) for call in batch))
            for call, results in zip(batch, self._run([call.items for call in batch])):
                call.results = results
        except BaseException as error:
            if len(batch) > 1 and isinstance(error, Exception):
                # Somebody's items are at fault; the others must not suffer.
                for call in batch:
                    self._serve([call])
                return
            for call in batch:
                call.error = error
        for call in batch:
            call.turn.set()
