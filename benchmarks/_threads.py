"""One thread for everything: set before the libraries are loaded, so the program starts itself again."""

from __future__ import annotations

import os
import sys

__all__ = ["one_thread"]

_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def one_thread() -> None:
    """Start this program again with one thread a library, unless that is what runs already."""
    if all(os.environ.get(name) == "1" for name in _VARIABLES):
        return
    os.environ.update(dict.fromkeys(_VARIABLES, "1"))
    os.execv(sys.executable, [sys.executable, *sys.argv])
