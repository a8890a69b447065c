"""The only door to the disk for files this package writes itself.

A thin layer, so that tests can record the order of calls (write, flush, rename, flush the directory: what a
power cut demands) and stop the process at named points.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import sys
import time
from pathlib import Path
from typing import IO

__all__ = ["DISK", "Disk", "failpoint"]


class Disk:
    """Plain file operations; replaced by a recording double in tests."""

    def create(self, path: Path) -> IO[bytes]:
        """A new file for writing; an old one of that name is dropped, a link is never followed."""
        path.unlink(missing_ok=True)
        return path.open("xb")

    def write(self, file: IO[bytes], data: bytes | memoryview) -> None:
        """Append bytes."""
        file.write(data)

    def sync(self, file: IO[bytes]) -> None:
        """Bring the file's bytes to the medium."""
        file.flush()
        full = None
        if sys.platform == "darwin":
            import fcntl

            # A plain fsync on macOS leaves the bytes in the drive's own cache.
            full = fcntl.F_FULLFSYNC
            with contextlib.suppress(OSError):
                fcntl.fcntl(file.fileno(), full)
                return
        os.fsync(file.fileno())

    def rename(self, source: Path, target: Path) -> None:
        """Put a finished file in its place, atomically."""
        source.replace(target)

    def sync_dir(self, directory: Path) -> None:
        """Make a rename last; directories cannot be flushed on Windows."""
        if os.name == "nt":
            return
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def remove(self, path: Path) -> None:
        """Delete a file if it is there; Windows keeps a mapped one, the next writer tries again."""
        with contextlib.suppress(FileNotFoundError, PermissionError):
            path.unlink()

    def commit(self, connection: sqlite3.Connection) -> None:
        """End a database transaction durably (``synchronous=FULL``)."""
        connection.execute("COMMIT")


DISK = Disk()

_passes: dict[str, int] = {}


def failpoint(name: str) -> None:
    """Stop, die or wait here when ``SIGHTWORD_FAILPOINT`` names this point.

    The variable reads ``name[:nth][=action]``; the action is ``kill`` (SIGKILL, the default), ``exit``,
    ``pause`` (until killed) or ``sleep:SECONDS`` (at every pass from the nth on).
    """
    wanted = os.environ.get("SIGHTWORD_FAILPOINT")
    if not wanted:
        return
    point, _, action = wanted.partition("=")
    point, _, nth = point.partition(":")
    if point != name:
        return
    _passes[name] = _passes.get(name, 0) + 1
    if _passes[name] < int(nth or 1):
        return
    kind, _, seconds = action.partition(":")
    if kind == "sleep":
        time.sleep(float(seconds))
    elif kind == "pause":
        time.sleep(3600)
    elif kind == "exit" or not hasattr(signal, "SIGKILL"):
        os._exit(70)
    else:
        os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(60)  # never get past this point while the signal is on its way
