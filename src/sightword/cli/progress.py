"""Progress on standard error, and what Ctrl-C does while a folder is being read."""

from __future__ import annotations

import signal
import sys
import threading
import time
from types import FrameType
from typing import Any

import click

from sightword.update.progress import Progress

__all__ = ["Bar", "Interruptible"]

QUIET_SECONDS = 2.0
"""Work that is over sooner shows no bar."""


class Bar(Progress):
    """Pictures a second and time left; only on a terminal, and only once the work has lasted two seconds."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._start = time.monotonic()
        self._what = ""
        self._count = self._done = 0
        self._bar: Any = None

    def description(self, text: str) -> None:
        """What is being done now."""
        self._what = text
        if self._bar is not None:
            self._bar.set_description(text)

    def total(self, count: int) -> None:
        """How many files there are to look at."""
        self._count = count

    def advance(self, count: int = 1) -> None:
        """So many more are done."""
        self._done += count
        if not self._terminal or time.monotonic() - self._start < QUIET_SECONDS:
            return
        if self._bar is None:
            from tqdm import tqdm

            self._bar = tqdm(
                total=self._count,
                desc=self._what,
                unit=" pictures",
                file=sys.stderr,
                leave=False,
                dynamic_ncols=True,
                mininterval=0.2,
            )
            # The rate counts from the real start, not from when the bar appeared.
            self._bar.start_t -= time.monotonic() - self._start
        self._bar.update(self._done - self._bar.n)

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()


class Interruptible:
    """The first Ctrl-C sets `event`, so that the work can stop; the second one ends the program."""

    def __init__(self, said: str) -> None:
        self.event = threading.Event()
        self._said = said
        self._before: Any = None

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.event.is_set():
            raise KeyboardInterrupt
        self.event.set()
        click.echo(f"\nsightword: {self._said}", err=True)

    def __enter__(self) -> Interruptible:
        # Only the main thread may set handlers; elsewhere Ctrl-C does what it always does.
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
