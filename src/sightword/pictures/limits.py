"""What a decoding worker may use."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from sightword.pictures.opening import MAX_PIXELS

__all__ = ["Limits", "arm", "confine", "disarm", "process_count"]


@dataclass(frozen=True)
class Limits:
    """Bounds on one picture.

    Attributes
    ----------
    max_pixels : int
        Checked before decoding.
    memory : int, optional
        Bytes that a worker may allocate beyond what the interpreter holds at its start. By default
        12 bytes per pixel of `max_pixels` (a progressive JPEG's coefficients, its pixels, a turned copy) and
        256 MiB. Enforced on Linux; elsewhere the pixel cap has to do.
    seconds : float
        Time for one picture, reading included.
    """

    max_pixels: int = MAX_PIXELS
    memory: int | None = None
    seconds: float = 60.0

    @property
    def bytes(self) -> int:
        """The memory limit in bytes."""
        return (256 << 20) + 12 * self.max_pixels if self.memory is None else self.memory


def confine(memory: int) -> None:
    """Limit this process's memory from now on, and make it the first to go when the machine runs out."""
    if not sys.platform.startswith("linux"):
        return
    import resource

    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    with contextlib.suppress(OSError, ValueError):
        # Not the address space: libraries map far more than they touch. Data counts what is ours alone.
        limit = _data_bytes() + memory
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        if hard != resource.RLIM_INFINITY:
            limit = min(limit, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _data_bytes() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) * 1024
    return 0


def arm(seconds: float) -> None:
    """End this process if it is still busy after this time, even inside a decoder's C code.

    The program that started the worker ends it earlier; this is for a worker whose program has died.
    """
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)


def disarm() -> None:
    """The picture is done."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, 0)


def process_count() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
