"""Ask again when it may help: exponential back-off with jitter, until a deadline."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

__all__ = ["Transient", "retrying"]

T = TypeVar("T")

_FIRST, _MOST = 0.1, 5.0


class Transient(Exception):
    """It went wrong in a way that may be over in a moment; the cause is the error itself."""


def retrying(
    work: Callable[[], T],
    patience: float,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    uniform: Callable[[float, float], float] = random.uniform,
) -> T:
    """The result of `work`, asked for again while it raises Transient and patience lasts.

    The pauses double from 0.1 s to 5 s, each drawn between half of it and all: many clients of a server that
    comes back do not all knock at once.

    Parameters
    ----------
    work : callable
        One attempt; what it does twice must be as good as once.
    patience : float
        Seconds. No attempt begins later.

    Raises
    ------
    Transient
        The last one, when patience is over. Other errors at once.
    """
    deadline = clock() + patience
    pause = _FIRST
    while True:
        try:
            return work()
        except Transient:
            wait = uniform(pause / 2, pause)
            if clock() + wait > deadline:
                raise
        sleep(wait)
        pause = min(2 * pause, _MOST)
