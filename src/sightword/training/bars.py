"""How far a long stage is: a bar on a terminal, and a plain line now and then where there is none.

Carriage returns make a log file unreadable, so a pipe or a file gets whole lines, one every
`LINE_SECONDS` and one at the end of a stage that spoke before. Work that is over within `QUIET_SECONDS`
shows nothing.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

__all__ = ["LINE_SECONDS", "Bar"]

LINE_SECONDS = 30.0
QUIET_SECONDS = 2.0

T = TypeVar("T")


class Bar:
    """Progress on standard error.

    Parameters
    ----------
    what : str
        What is being done, such as ``train``.
    unit : str
        What is counted, in the singular, such as ``step``.
    total : int, optional
        How many there will be.
    done : int
        How many were done by an earlier run.
    show : bool
    """

    def __init__(
        self, what: str, unit: str, total: int | None = None, *, done: int = 0, show: bool = True
    ) -> None:
        self.done = done
        self._what, self._unit, self._total, self._show = what, unit, total, show
        self._first, self._began = done, time.monotonic()
        self._spoke, self._noted = self._began, ""
        self._said = -1
        self._bar: Any = None
        if show and sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(
                total=total, initial=done, desc=what, unit=unit, delay=QUIET_SECONDS, dynamic_ncols=True
            )

    @property
    def rate(self) -> float | None:
        """Units a second since the start of this run; None at the very beginning."""
        seconds = time.monotonic() - self._began
        return (self.done - self._first) / seconds if self.done > self._first and seconds > 0 else None

    def note(self, words: str) -> None:
        """What stands behind the figures from now on, such as ``loss 0.1234``."""
        self._noted = words
        if self._bar is not None:
            self._bar.set_postfix_str(words, refresh=False)

    def advance(self, count: int = 1) -> None:
        """So many more are done."""
        self.done += count
        if self._bar is not None:
            self._bar.update(count)
        elif self._show and time.monotonic() - self._spoke >= LINE_SECONDS:
            self._speak()

    def reach(self, done: int) -> None:
        """So many are done in all."""
        self.advance(done - self.done)

    def over(self, items: Iterable[T]) -> Iterator[T]:
        """The items, each counted when the next one is asked for."""
        with self:
            for item in items:
                yield item
                self.advance()

    def close(self) -> None:
        """The bar stays as it is; a stage that spoke says how far it came."""
        if self._bar is not None:
            self._bar.close()
        elif self._said not in (-1, self.done):
            self._speak()

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _speak(self) -> None:
        self._spoke, self._said = time.monotonic(), self.done
        total = f" of {self._total:,}" if self._total is not None else ""
        parts = [f"{self._what}: {self.done:,}{total} {self._unit}s", self._noted, self._left()]
        sys.stderr.write(f"sightword: {', '.join(part for part in parts if part)}\n")
        sys.stderr.flush()

    def _left(self) -> str:
        rate = self.rate
        if self._total is None or rate is None or self.done >= self._total:
            return ""
        minutes = (self._total - self.done) / rate / 60
        return f"about {minutes:,.0f} min left" if minutes >= 1 else "less than a minute left"
