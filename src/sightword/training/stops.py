"""SIGTERM and Ctrl-C: the step is finished, the state saved, and then the run ends."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

from sightword.errors import SightwordError

__all__ = ["Stops", "TrainingStopped"]


class TrainingStopped(SightwordError):
    """The run was asked to stop and has saved what it had (exit code as the signal's)."""

    def __init__(self, message: str, hint: str | None, number: int) -> None:
        super().__init__(message, hint)
        self.exit_code = 128 + number


class Stops:
    """Remembers a signal instead of dying of it; a second Ctrl-C ends at once.

    Attributes
    ----------
    number : int
        The signal that came; 0 for none.
    """

    def __init__(self) -> None:
        self.number = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Stops:
        # Only the main thread may set handlers; elsewhere signals do what they always do.
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.number and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.number = number
