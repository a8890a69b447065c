"""Files in the operating system's page cache: how much of one is there, and asking for it to be dropped."""

from __future__ import annotations

import ctypes
import mmap
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

__all__ = ["drop", "resident"]


def drop(paths: Iterable[Path]) -> None:
    """Write the files out and ask the system to forget their pages; others' files are left alone.

    A host below a virtual machine may still hold them; that is out of reach from here.
    """
    for path in paths:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(handle)


def resident(paths: Iterable[Path]) -> float:
    """Share of the files' pages that are in memory."""
    libc = ctypes.CDLL(None, use_errno=True)
    held = pages = 0
    for path in paths:
        size = path.stat().st_size
        if not size:
            continue
        with path.open("rb") as file, mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) as mapped:
            view = np.frombuffer(mapped, np.uint8)
            flags = np.zeros(-(-size // mmap.PAGESIZE), np.uint8)
            address, length = ctypes.c_void_p(view.ctypes.data), ctypes.c_size_t(size)
            failed = libc.mincore(address, length, flags.ctypes.data_as(ctypes.c_void_p))
            del view
            if failed:
                raise OSError(ctypes.get_errno(), "mincore failed", str(path))
            held, pages = held + int((flags & 1).sum()), pages + len(flags)
    return held / pages if pages else 0.0
