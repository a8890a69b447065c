"""Warnings of a search, collected for the answer of its own request."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from sightword.search import LanguageWarning, MethodWarning

__all__ = ["collected"]

_NOTES: ContextVar[list[str] | None] = ContextVar("sightword_notes", default=None)
_LOCK = threading.Lock()
_before: Callable[..., Any] = warnings.showwarning


def _show(message: Warning | str, category: type[Warning], *args: Any, **named: Any) -> None:
    notes = _NOTES.get()
    if notes is None or not issubclass(category, (LanguageWarning, MethodWarning)):
        _before(message, category, *args, **named)
    elif str(message) not in notes:
        notes.append(str(message))


def _listen() -> None:
    """Have our warnings shown by `_show`, every time; looked at again as anybody may reset the filters.

    ``warnings.catch_warnings`` around every search would not do: it is one for all threads.
    """
    global _before
    with _LOCK:
        if warnings.showwarning is not _show:
            _before, warnings.showwarning = warnings.showwarning, _show
        for category in (LanguageWarning, MethodWarning):
            if ("always", None, category, None, 0) not in warnings.filters[:2]:
                warnings.simplefilter("always", category)


@contextmanager
def collected() -> Iterator[list[str]]:
    """Around one search, in the thread that does it: the sentences that it said."""
    _listen()
    notes: list[str] = []
    token = _NOTES.set(notes)
    try:
        yield notes
    finally:
        _NOTES.reset(token)
