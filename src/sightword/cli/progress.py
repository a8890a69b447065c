"""Progress on standard error, and what Ctrl-C does while a folder is being read."""

from __future__ import annotations

import signal
import sys
import threading
import time
from types import FrameType, TracebackType
from typing import Any

import click

__all__ = ["Bar", "Interruptible"]

QUIET_SECONDS = 2.0
"""Work that is over sooner shows no bar."""


class Bar:
    """Pictures a second and time left, on a terminal, once the work has lasted two seconds.

    Call it with (done, total); usable as a context manager, which clears the bar at the end.
    """

    def __init__(self, what: str = "Reading pictures") -> None:
        self._what = what
        self._start = time.monotonic()
        self._terminal = sys.stderr.isatty()
        self._bar: Any = None

    def __call__(self, done: int, total: int) -> None:
        """Show how far it is."""
        if not self._terminal:
            return
        if self._bar is None:
            if time.monotonic() - self._start < QUIET_SECONDS:
                return
            from tqdm import tqdm

            self._bar = tqdm(
                total=total,
                desc=self._what,
                unit=" pictures",
                file=sys.stderr,
                leave=False,
                dynamic_ncols=True,
                mininterval=0.2,
            )
            # The rate counts from the real start, not from when the bar appeared.
            self._bar.start_t -= QUIET_SECONDS
        self._bar.total = total
        self._bar.update(done - self._bar.n)

    def __enter__(self) -> Bar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()


class Interruptible:
    """The first Ctrl-C asks the work to stop; the second one ends the program."""

    def __init__(self, asked: str) -> None:
        self._asked = asked
        self._event = threading.Event()
        self._before: Any = None

    @property
    def stopped(self) -> bool:
        """Whether Ctrl-C was pressed."""
        return self._event.is_set()

    def __call__(self) -> bool:
        """The same, as the callable that `update` wants."""
        return self._event.is_set()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._event.is_set():
            raise KeyboardInterrupt
        self._event.set()
        click.echo(f"\nsightword: {self._asked}", err=True)

    def __enter__(self) -> Interruptible:
        # Only the main thread may set handlers; elsewhere Ctrl-C does what it always does.
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._on_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
