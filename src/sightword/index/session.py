"""A reader's connection to an index, and the view that follows it."""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sightword.errors import IndexCorrupt, IndexMissing
from sightword.index.connection import DATABASE, Reader, connect_reader, refuse_links, told
from sightword.index.location import Location
from sightword.index.matrix import matrix_bytes, open_matrix, row_dtype
from sightword.index.schema import read_manifest, verify_schema
from sightword.index.takeover import Takeover, let_go
from sightword.index.view import View, load_view
from sightword.index.where_sql import register_functions

__all__ = ["Moment", "Session"]

_AT_ONCE = 16 << 20
"""A generation of up to this many bytes is taken over inside a query: 2 ms, and no thread."""

_DEAR = 50
"""A row read from the database costs as much as passing over this many mapped ones."""


@dataclass(frozen=True)
class Moment:
    """One consistent state: a connection inside a read transaction, and the rows it sees.

    Attributes
    ----------
    version : int
        Changes whenever anybody commits.
    """

    connection: sqlite3.Connection
    view: View
    version: int


class Session:
    """Reading access to an index; safe to use from several threads.

    Raises
    ------
    IndexCorrupt
        When the database is damaged, foreign, or of a newer version.
    """

    def __init__(self, location: Location) -> None:
        self.location = location
        self.path = location.directory / DATABASE
        self._lock = threading.RLock()
        self._forked = False
        with told(self.path):
            self._open()

    def _open(self) -> None:
        refuse_links(self.location.directory)
        self._reader: Reader = connect_reader(self.location.directory, writable=self.location.writable)
        connection = self._reader.connection
        try:
            verify_schema(connection, self.path)
            self.manifest = read_manifest(connection, self.path)
            register_functions(connection)
            self._identity = self.path.stat().st_ino
        except BaseException:
            self._reader.close()
            raise
        self._view: View | None = None
        self._coming: Takeover | None = None
        self._version = -1
        _sessions.add(self)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A read transaction: everything inside sees one state of the database."""
        with self._lock, told(self.path):
            self._reopen_if_replaced()
            connection = self._reader.connection
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    @contextmanager
    def current(self) -> Iterator[Moment]:
        """A read transaction with the rows of its state: everything that was committed before it began.

        When the generation that the database names is not there, a writer has moved on: one retry, then the
        vectors are read into memory.
        """
        with self._lock:
            for retry in (True, False):
                # Asked before the transaction begins: what is ready now cannot be newer than what it sees.
                coming = self._coming
                ready = coming.view() if coming is not None else None
                with self.reading() as connection:
                    version = int(connection.execute("PRAGMA data_version").fetchone()[0])
                    ready = ready if self._coming is coming else None
                    view = self._followed(connection, version, ready, retry)
                    if view is None:
                        continue
                    if self._view is not view:
                        self._replace_view(view)
                    self._version = version
                    yield Moment(connection, view, version)
                    return

    def _followed(
        self, connection: sqlite3.Connection, version: int, ready: View | None, retry: bool
    ) -> View | None:
        """The view brought up to this state; None asks for another look."""
        query = "SELECT key, value FROM meta WHERE key IN ('generation', 'token', 'log_floor')"
        meta = dict(connection.execute(query))
        generation, view = int(meta["generation"]), self._view
        if ready is not None:
            self._coming = None
            if ready.seq >= meta["log_floor"]:
                ready.refresh(connection)
                view, version = ready, self._version
        if view is not None and view.seq < meta["log_floor"]:
            view = None  # slept through two generations: what changed before the log begins is unknown
        if view is not None and (
            view.generation == generation or self._is_coming(connection, view, generation, meta["token"])
        ):
            if version != self._version:
                view.refresh(connection)
            return view
        matrix = None
        if generation:
            matrix = open_matrix(self.location.directory, self.manifest, generation, meta["token"])
            if matrix is None and retry:
                return None
            if matrix is None and view is not None:
                view.refresh(connection)
                return view
        self._forget_coming(wait=False)
        return load_view(connection, self.manifest, generation, matrix)

    def _is_coming(self, connection: sqlite3.Connection, view: View, generation: int, token: str) -> bool:
        """Whether the old view answers for now, because the new generation is made ready meanwhile."""
        size = matrix_bytes(self.location.directory, generation)
        if size <= _AT_ONCE or self._reader.mode != "shared":
            return False
        newest = connection.execute("SELECT max(id) FROM vectors").fetchone()[0] or 0
        behind = (newest - view.max_id) * _DEAR * self.manifest.dim
        if behind * row_dtype(self.manifest.dtype).itemsize > size:
            return (
                False  # slept for long: the first pass over a cold mapping costs less than reading the tail
            )
        if self._coming is not None and (not self._coming.done or self._coming.key == (generation, token)):
            return True
        self._coming = Takeover(self.location.directory, self._identity, self.manifest, generation, token)
        if self._coming.start():
            return True
        self._coming = None
        return False

    def _replace_view(self, view: View) -> None:
        if self._view is not None:
            view.follow(self._view)
            holder = [self._view]
            self._view = None
            let_go(holder)
        self._view = view

    def _forget_coming(self, *, wait: bool) -> None:
        coming, self._coming = self._coming, None
        if coming is not None:
            coming.cancel(wait=wait)

    def integrity(self) -> list[str]:
        """What SQLite's own check finds wrong with the database; usually nothing."""
        try:
            with self.reading() as connection:
                found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(20)")]
        except IndexCorrupt as error:
            return [error.message.rstrip(".")]
        return [] if found == ["ok"] else found

    def close(self) -> None:
        """Release files; closing twice does no harm."""
        with self._lock:
            self._forget_coming(wait=True)
            self._view = None
            _sessions.discard(self)
            if not self._forked:
                self._reader.close()

    def _reopen_if_replaced(self) -> None:
        if self._forked:
            self._open()
            self._forked = False
            return
        try:
            replaced = self.path.stat().st_ino != self._identity
        except FileNotFoundError:
            raise IndexMissing(
                f"The index {self.location.directory} has vanished.", "Is the drive there? Then index again."
            ) from None
        if self._reader.mode == "frozen" and not replaced:
            # Somebody with more rights writes after all: what was taken as unchangeable is not.
            log = self.path.with_name(DATABASE + "-wal")
            replaced = log.exists() and log.stat().st_size > 0
        if replaced:
            self._forget_coming(wait=False)
            self._reader.close()
            self._open()

    def _in_child(self) -> None:
        # Another thread may have held the lock, and no thread comes along. A connection must not be used on
        # both sides of a fork, not even to close it: it is put aside, and the child opens its own.
        self._lock = threading.RLock()
        _of_parents.append(self._reader)
        self._view = self._coming = None
        self._forked = True


_sessions: weakref.WeakSet[Session] = weakref.WeakSet()
_of_parents: list[Reader] = []


def _after_fork() -> None:
    for session in list(_sessions):
        session._in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
