"""How an update tells what it is doing."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Progress", "reporter"]


class Progress:
    """Override what you want to show; the methods here do nothing.

    All are called from the thread that called `update`, in this order: `description`, `found` while the
    folder is walked, `already` and `total` when the number of files to look at is known (not at all when
    there is nothing to do), `advance` many times.
    """

    def description(self, text: str) -> None:
        """What is being done now, such as ``reading pictures``."""

    def found(self, count: int) -> None:
        """So many files have been seen by now."""

    def already(self, count: int) -> None:
        """So many files are known from earlier runs and need nothing."""

    def total(self, count: int) -> None:
        """How many files there are to look at."""

    def advance(self, count: int = 1) -> None:
        """So many more are done."""


def reporter(progress: Progress, what: str) -> Callable[[int, int], None]:
    """Let work that tells (done so far, in all) move a progress.

    Parameters
    ----------
    progress : Progress
    what : str
        What is being done.
    """
    before = 0

    def report(done: int, total: int) -> None:
        nonlocal before
        if not done:
            progress.description(what)
            progress.total(total)
        progress.advance(done - before)
        before = done

    return report
