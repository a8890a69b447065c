"""A new generation made ready beside the queries, and the old one let go of.

Mapping, checking and first touching 1.5 GB, reading the rows behind it, and unmapping the generation before
take several times as long as a query. A thread does it while the old generation, with its tail and the log
of changes, goes on giving exact answers. The thread holds no lock that a query waits for, and it is a daemon:
a process that ends does not wait for it.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path

from sightword.index.base import Manifest
from sightword.index.connection import DATABASE, connect_reader
from sightword.index.files import failpoint
from sightword.index.matrix import Matrix, open_matrix, unmap, warm
from sightword.index.view import View

__all__ = ["Takeover", "let_go"]

_SLICE = 8 << 20
"""Bytes looked after at a time: about a millisecond, so that cancelling is quick."""

_SLICE_ROWS = 4096

_SMALL = 16 << 20
"""Up to this many bytes an old generation is let go of at once."""


class Takeover:
    """One generation on its way.

    Parameters
    ----------
    directory : Path
        Of the index.
    identity : int
        Inode of the database that named the generation.
    manifest : Manifest
    generation : int
    token : str
    """

    def __init__(
        self, directory: Path, identity: int, manifest: Manifest, generation: int, token: str
    ) -> None:
        self.key = (generation, token)
        self._directory, self._identity, self._manifest = directory, identity, manifest
        self._cancelled, self._done = threading.Event(), threading.Event()
        self._view: View | None = None
        self._thread = threading.Thread(target=self._run, name="sightword-takeover", daemon=True)

    def start(self) -> bool:
        """Begin; False when this process can have no thread more."""
        try:
            self._thread.start()
        except RuntimeError:
            return False
        return True

    @property
    def done(self) -> bool:
        """Whether it came to its end, with a view or without."""
        return self._done.is_set()

    def view(self) -> View | None:
        """The generation with its tail, as of a state that was committed before; None while not done.

        None for good when it could not be had: the file is gone, or the log does not reach back.
        """
        return self._view if self.done else None

    def cancel(self, *, wait: bool) -> None:
        """Give up soon, and if asked wait until files are released."""
        self._cancelled.set()
        if wait and self._thread.is_alive():
            self._thread.join()
        self._view = None

    def _run(self) -> None:
        try:
            self._view = self._prepared()
        except Exception:
            # Nobody waits here for an error: a query that meets the same damage tells it.
            self._view = None
        finally:
            self._done.set()

    def _prepared(self) -> View | None:
        matrix = open_matrix(self._directory, self._manifest, *self.key)
        if matrix is None or not self._warmed(matrix):
            return None
        reader = connect_reader(self._directory, writable=True)
        try:
            if (self._directory / DATABASE).stat().st_ino != self._identity:
                return None
            view = View(self._manifest, self.key[0], matrix, matrix.seq)
            complete = False
            while not complete:
                if self._cancelled.is_set():
                    return None
                # In short transactions, for a long one would keep the writer from starting its log afresh.
                reader.connection.execute("BEGIN")
                floor = reader.connection.execute("SELECT value FROM meta WHERE key = 'log_floor'")
                if view.seq < floor.fetchone()[0]:
                    return None
                complete = view.refresh(reader.connection, _SLICE_ROWS)
                reader.connection.execute("ROLLBACK")
            return view
        finally:
            reader.close()

    def _warmed(self, matrix: Matrix) -> bool:
        at = 0
        while at < matrix.rows.nbytes:
            start = time.perf_counter()
            at = warm(matrix, at, _SLICE)
            failpoint("takeover.warming")
            # Half of the time: queries and the writer want the memory as well.
            if self._cancelled.wait(time.perf_counter() - start):
                return False
        return not self._cancelled.is_set()


def let_go(holder: list[View]) -> None:
    """Drop the only reference to an old view, off the caller's path when it is a large one.

    Parameters
    ----------
    holder : list of View
        One view, which nobody else refers to; emptied.
    """
    matrix = holder[0].matrix
    size = sum(block.nbytes for block in holder[0].blocks) + (len(matrix.mapped) if matrix else 0)
    if size > _SMALL:
        try:
            threading.Thread(target=_drop, args=(holder,), name="sightword-drop", daemon=True).start()
            return
        except RuntimeError:
            pass
    holder.clear()


def _drop(holder: list[View]) -> None:
    view = holder.pop()
    matrix, parts = view.matrix, view.blocks
    del view
    while parts:
        parts.pop()
        time.sleep(0)  # Python's lock is free in between
    at = 0
    while matrix is not None and at < len(matrix.mapped):
        at = unmap(matrix, at, _SLICE)
        time.sleep(0)
