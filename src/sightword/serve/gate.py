"""How much is taken on: a bounded queue, a time limit, and a rate for each address."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sightword.serve.metrics import Metrics
from sightword.serve.problems import Refused

__all__ = ["Bucket", "Gate"]

Result = TypeVar("Result")

_MOST_ADDRESSES = 4096


class Gate:
    """Runs the work of requests in threads, outside the event loop.

    Parameters
    ----------
    workers : int
        Threads.
    waiting : int
        Requests that may wait for one.
    timeout : float
        Seconds for waiting and working together.
    metrics : Metrics
    name : str
        Of the threads.
    """

    def __init__(self, workers: int, waiting: int, timeout: float, metrics: Metrics, name: str) -> None:
        self._threads = ThreadPoolExecutor(workers, f"sightword-{name}")
        self._room = workers + waiting
        self._timeout = timeout
        self._metrics = metrics
        self._taken = 0
        self._name = name

    async def run(self, work: Callable[[], Result], timeout: float | None = None) -> Result:
        """The result of `work`; `timeout` replaces the usual one.

        Raises
        ------
        Refused
            429 when too many wait already, 503 when it takes too long.
        """
        if self._taken >= self._room:
            self._metrics.rejected.labels("queue").inc()
            raise Refused(429, "The server is busy.", "Ask again in a moment.", {"Retry-After": "1"})
        self._taken += 1
        self._metrics.in_flight.inc()
        loop, timeout = asyncio.get_running_loop(), timeout or self._timeout
        submitted = self._threads.submit(work)
        # The place is given back when the thread is done, not when the client stops waiting for it.
        submitted.add_done_callback(lambda _: loop.call_soon_threadsafe(self._leave))
        try:
            return await asyncio.wait_for(asyncio.wrap_future(submitted), timeout)
        except asyncio.TimeoutError:
            self._metrics.rejected.labels("timeout").inc()
            raise Refused(
                503,
                f"The answer was not ready within {timeout:g} seconds.",
                "Ask again in a moment.",
                {"Retry-After": "5"},
            ) from None

    def _leave(self) -> None:
        self._taken -= 1
        self._metrics.in_flight.dec()

    def close(self) -> None:
        """Finish what was accepted."""
        self._threads.shutdown(wait=True)


class Bucket:
    """A token bucket for each address; the longest unseen addresses are forgotten.

    Parameters
    ----------
    rate : float
        Tokens per second.
    burst : float
        Tokens that an address starts with, and the most it can save.
    clock : callable, optional
    """

    def __init__(self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, address: str) -> float:
        """Take a token; 0, or the seconds until there is one again."""
        with self._lock:
            left = self._now(address)
            if left >= 1:
                self._left[address] = (left - 1, self._clock())
                return 0.0
            return (1 - left) / self._rate

    def _now(self, address: str) -> float:
        now = self._clock()
        left, since = self._left.pop(address, (self._burst, now))
        left = min(self._burst, left + (now - since) * self._rate)
        self._left[address] = (left, now)
        while len(self._left) > _MOST_ADDRESSES:
            self._left.popitem(last=False)
        return left
