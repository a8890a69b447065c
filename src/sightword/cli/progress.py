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

SPEAK_SECONDS = 1.0
"""From then on a line says what is being done."""

QUIET_SECONDS = 2.0
"""Work that is over sooner shows no bar."""

_LINE_SECONDS = 0.5


class Bar(Progress):
    """What is being done, then pictures a second and time left; only on a terminal.

    The line comes after one second, from a thread of its own: walking a slow drive or loading a model must
    not look like hanging. The bar comes once the work has lasted two seconds and there is something to count.

    Parameters
    ----------
    unit : str
        What is counted.
    """

    def __init__(self, unit: str = "pictures") -> None:
        self._terminal = sys.stderr.isatty()
        self._start = self._begun = time.monotonic()
        self._unit = unit
        self._what = ""
        self._count = self._done = self._before = self._known = self._found = 0
        self._bar: Any = None
        self._width = 0
        self._lock = threading.Lock()  # between the line and the bar
        self._over = threading.Event()
        self._speaker: threading.Thread | None = None

    def description(self, text: str) -> None:
        """What is being done now."""
        self._what, self._found = text, 0
        if self._bar is not None:
            self._bar.set_description(text)

    def found(self, count: int) -> None:
        """So many files have been seen by now."""
        self._found = count

    def already(self, count: int) -> None:
        """So many are known from earlier runs; the bar of the `total` that follows goes on from there."""
        self._known = count

    def total(self, count: int) -> None:
        """How many files there are to look at; what was counted before was another piece of work."""
        self._count, self._done, self._begun = count, 0, time.monotonic()
        self._before, self._known = self._known, 0
        if self._bar is not None:
            with self._lock:
                self._bar.initial = self._before
                self._bar.reset(total=self._before + count)

    def advance(self, count: int = 1) -> None:
        """So many more are done."""
        self._done += count
        if not self._terminal or time.monotonic() - self._start < QUIET_SECONDS:
            return
        with self._lock:
            if self._bar is None:
                self._bar = self._made()
            self._bar.update(self._before + self._done - self._bar.n)

    def note(self, text: str) -> None:
        """A fact, on a line of its own that stays; only on a terminal."""
        if not self._terminal:
            return
        with self._lock:
            self._wipe()
            if self._bar is not None:
                self._bar.clear()
            click.echo(f"sightword: {text}", err=True)

    def _made(self) -> Any:
        from tqdm import tqdm

        self._wipe()
        bar = tqdm(
            total=self._before + self._count,
            initial=self._before,
            desc=self._what,
            unit=f" {self._unit}",
            file=sys.stderr,
            leave=False,
            dynamic_ncols=True,
            mininterval=0.2,
        )
        # The rate counts from the real start, not from when the bar appeared.
        bar.start_t -= time.monotonic() - self._begun
        return bar

    def _speak(self) -> None:
        """Say what is being done until the bar takes over or all is done."""
        wait = SPEAK_SECONDS
        while not self._over.wait(wait):
            wait = _LINE_SECONDS
            with self._lock:
                if self._bar is not None:
                    return
                so_far = f", {self._found:,} so far" if self._found else ""
                line = f"{self._what or 'starting'}{so_far} ..."
                sys.stderr.write(f"\r{line.ljust(self._width)}")
                sys.stderr.flush()
                self._width = len(line)

    def _wipe(self) -> None:
        if self._width:
            sys.stderr.write(f"\r{' ' * self._width}\r")
            sys.stderr.flush()
            self._width = 0

    def __enter__(self) -> Bar:
        if self._terminal:
            self._speaker = threading.Thread(target=self._speak, daemon=True)
            self._speaker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._speaker is not None:
            self._speaker.join()
        self._wipe()
        if self._bar is not None:
            self._bar.close()


class Interruptible:
    """The first Ctrl-C (or SIGTERM, as supervisors do) sets `event`, so that the work can stop; the second
    ends the program."""

    def __init__(self, said: str) -> None:
        self.event = threading.Event()
        self._said = said
        self._before: dict[int, Any] = {}

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.event.is_set():
            raise KeyboardInterrupt
        self.event.set()
        click.echo(f"\nsightword: {self._said}", err=True)

    def __enter__(self) -> Interruptible:
        # Only the main thread may set handlers; elsewhere Ctrl-C does what it always does.
        if threading.current_thread() is threading.main_thread():
            self._before[signal.SIGINT] = signal.signal(signal.SIGINT, self._on_signal)
            if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
                self._before[signal.SIGTERM] = signal.signal(signal.SIGTERM, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)
