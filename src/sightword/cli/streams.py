"""Standard output and standard error for ourselves, while libraries write to both whatever they are told."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

__all__ = ["own_streams"]


@contextmanager
def own_streams() -> Iterator[None]:
    """Let nobody else write to standard output or standard error.

    Descriptors 1 and 2 lead nowhere from here on, also in processes that are started meanwhile, and also
    afterwards: threads and processes of a library may outlive their work. Inside, `sys.stderr` is ours;
    whatever is printed is lost, so that we print our results afterwards, when `sys.stdout` is ours, too.

    Streams that were replaced (as by tests) are left alone. With SIGHTWORD_DEBUG everything goes to
    standard error.
    """
    debug = bool(os.environ.get("SIGHTWORD_DEBUG"))
    out = _taken(1, sys.stdout, sys.__stdout__, elsewhere=2 if debug else None)
    if not debug:
        sys.stderr = _taken(2, sys.stderr, sys.__stderr__) or sys.stderr
    try:
        yield
    finally:
        sys.stdout = out or sys.stdout


def _taken(number: int, now: TextIO, standard: TextIO | None, elsewhere: int | None = None) -> TextIO | None:
    """A stream to where a descriptor led, which now leads elsewhere."""
    if standard is None or now is not standard:
        return None
    standard.flush()
    own = os.fdopen(os.dup(number), "w", buffering=1, encoding=standard.encoding, errors=standard.errors)
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing if elsewhere is None else elsewhere, number)
    os.close(nothing)
    return own
