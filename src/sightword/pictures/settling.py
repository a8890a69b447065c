"""Files that somebody is still writing: leave them alone until they are complete."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from sightword.pictures.scan import FoundFile

__all__ = ["FRESH_SECONDS", "being_written", "wait_until_settled"]

FRESH_SECONDS = 2.0
"""A file changed less than this ago may be half a file."""

_LOOK_EVERY = 0.25
_PATIENCE = 10.0  # seconds; a longer copy is left to the next update


class _Read(Protocol):
    @property
    def path(self) -> bytes: ...
    @property
    def size(self) -> int: ...
    @property
    def mtime_ns(self) -> int: ...


def being_written(root: bytes, read: _Read) -> bool:
    """Whether a file that could not be decoded is changing, or changed a moment ago."""
    now = _look(root, read.path)
    if now is None:
        return True
    return (now.size, now.mtime_ns) != (read.size, read.mtime_ns) or _fresh(now, FRESH_SECONDS)


def wait_until_settled(
    root: bytes, files: Iterable[FoundFile], quiet: float, stop: threading.Event
) -> list[FoundFile]:
    """Wait until files stop changing.

    Parameters
    ----------
    root : bytes
        Folder that the paths are relative to.
    files : iterable of FoundFile
    quiet : float
        Seconds without a change.
    stop : threading.Event
        Ends the waiting.

    Returns
    -------
    list of FoundFile
        The files that came to rest; others are still being written after `quiet` + 10 seconds, or gone.
    """
    watched = {file.path: (file, time.monotonic()) for file in files}
    settled: list[FoundFile] = []
    patience = time.monotonic() + quiet + _PATIENCE
    while watched and time.monotonic() < patience and not stop.wait(_LOOK_EVERY):
        for path, (before, since) in list(watched.items()):
            now = _look(root, path)
            if now is None:
                del watched[path]
            elif now != before:
                watched[path] = (now, time.monotonic())
            elif time.monotonic() - since >= quiet and not _fresh(now, quiet):
                settled.append(now)
                del watched[path]
    return settled


def _look(root: bytes, path: bytes) -> FoundFile | None:
    try:
        state = Path(os.fsdecode(root), os.fsdecode(path)).stat()
    except OSError:
        return None
    return FoundFile(path, state.st_size, state.st_mtime_ns)


def _fresh(file: FoundFile, seconds: float) -> bool:
    # Both signs: the clock of a file server may run ahead.
    return abs(time.time_ns() - file.mtime_ns) < seconds * 1e9
