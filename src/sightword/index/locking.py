"""One writer among all processes.

The lock is the operating system's, on a file that stays; it goes with its process, so there is nothing stale
to clear. The file's text only says who holds it.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import stat
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType

from sightword.errors import IndexBusy, IndexCorrupt

__all__ = ["WriterLock"]

_FAR = 1 << 30
"""Windows locks a byte range against reading too; one far behind the text keeps the text readable."""

_held: set[int] = set()


def _forget_in_child() -> None:
    # A forked worker shares the open file, and with it the lock: it must not keep it when the writer dies.
    for handle in _held:
        with contextlib.suppress(OSError):
            os.close(handle)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_child)


def _try_lock(handle: int) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            os.lseek(handle, _FAR, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


class WriterLock:
    """Exclusive right to write an index; use as a context manager.

    Parameters
    ----------
    directory : Path
        The index directory, which must exist and be writable.

    Raises
    ------
    IndexBusy
        On entering, when another process (or another store of this one) holds it; the sentence names it.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / "lock"
        self._handle: int | None = None

    def __enter__(self) -> WriterLock:
        with contextlib.suppress(FileNotFoundError):
            # A stranger's folder may carry a link or a pipe of this name; neither is opened.
            if not stat.S_ISREG(self.path.lstat().st_mode):
                raise IndexCorrupt(f"{self.path} is not a plain file.", "Remove it and try again.")
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        handle = os.open(self.path, flags, 0o644)
        if not _try_lock(handle):
            os.close(handle)
            holder = self._holder()
            raise IndexBusy(
                f"The index {self.path.parent} is being written by {holder}.",
                "Searching works meanwhile; to write, wait until it is done or end it.",
                holder,
            )
        self._handle = handle
        _held.add(handle)
        since = datetime.now(timezone.utc).isoformat(timespec="seconds")
        text = json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": since})
        with contextlib.suppress(OSError):  # a full disk must not stop somebody who wants to compact
            os.ftruncate(handle, 0)
            os.lseek(handle, 0, os.SEEK_SET)
            os.write(handle, text.encode())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        handle, self._handle = self._handle, None
        if handle is None or handle not in _held:
            return
        _held.discard(handle)
        with contextlib.suppress(OSError):
            os.ftruncate(handle, 0)
        if os.name == "nt":
            import msvcrt

            os.lseek(handle, _FAR, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        os.close(handle)

    def _holder(self) -> str:
        try:
            who = json.loads(self.path.read_text(encoding="utf-8")[:1000])
            return f"process {int(who['pid'])} on {who['host']} since {who['since']}"
        except (OSError, ValueError, KeyError, TypeError):
            return "another process"
