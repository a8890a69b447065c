"""Read a file once: its bytes, its hash and the state they belong to."""

from __future__ import annotations

import hashlib
import os
import stat
from typing import NamedTuple

from sightword.errors import PictureError

__all__ = ["MAX_BYTES", "FileBytes", "hash_file", "read_file", "vanished"]

MAX_BYTES = 2 << 30
"""Larger files are refused unread (an uncompressed picture of 200 megapixels and 16 bits has 1.2e9 bytes)."""

_CHUNK = 1 << 20
_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


class FileBytes(NamedTuple):
    """The content of a file, and the state it had before it was read."""

    data: bytes
    size: int
    mtime_ns: int


def vanished(error: OSError) -> bool:
    """Whether this error says that the file is not there (any more)."""
    return isinstance(error, (FileNotFoundError, NotADirectoryError))


def _open_regular(path: str | bytes | os.PathLike[str]) -> tuple[int, os.stat_result]:
    # O_NONBLOCK: opening a named pipe must not wait for somebody to write into it.
    descriptor = os.open(path, _FLAGS | getattr(os, "O_NONBLOCK", 0))
    state = os.fstat(descriptor)
    if not stat.S_ISREG(state.st_mode):
        os.close(descriptor)
        raise PictureError("This is not a regular file.")
    return descriptor, state


def read_file(path: str | bytes | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> FileBytes:
    """Read a whole regular file.

    The state is taken before reading: when somebody writes meanwhile, the next scan sees another state and
    reads again.

    Raises
    ------
    OSError
        The file is not there or may not be read.
    PictureError
        It is not a regular file, or too large.
    """
    descriptor, state = _open_regular(path)
    with os.fdopen(descriptor, "rb") as file:
        if state.st_size > max_bytes:
            raise PictureError(f"The file has {state.st_size:,} bytes; the limit is {max_bytes:,}.")
        # Not more than it had: a file that grows without end must not be followed.
        return FileBytes(file.read(state.st_size), state.st_size, state.st_mtime_ns)


def hash_file(path: str | bytes | os.PathLike[str]) -> tuple[bytes, int, int]:
    """sha256 over a whole regular file without holding it in memory.

    Returns
    -------
    digest, size, mtime_ns : bytes, int, int

    Raises
    ------
    OSError, PictureError
        As `read_file`.
    """
    descriptor, state = _open_regular(path)
    digest = hashlib.sha256()
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.digest(), state.st_size, state.st_mtime_ns
