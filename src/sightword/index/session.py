"""A reader's connection to an index, and the view that follows it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sightword.errors import IndexCorrupt, IndexMissing
from sightword.index.connection import DATABASE, Reader, connect_reader, refuse_links, told
from sightword.index.location import Location
from sightword.index.matrix import Matrix, open_matrix, warm
from sightword.index.schema import read_manifest, verify_schema
from sightword.index.view import View, load_view
from sightword.index.where_sql import register_functions

__all__ = ["Moment", "Session"]

_WARMED_AT_ONCE = 64 << 20
"""Bytes of a new generation that one query looks after: a few milliseconds."""


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
        self._coming: Matrix | None = None
        self._warm = 0
        self._version = -1

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
        """A read transaction with the rows of its state.

        When the generation that the database names is not there, a writer has moved on: one retry, then the
        vectors are read into memory.
        """
        for retry in (True, False):
            with self.reading() as connection:
                version = int(connection.execute("PRAGMA data_version").fetchone()[0])
                view = self._followed(connection, version, retry)
                if view is None:
                    continue
                self._view, self._version = view, version
                yield Moment(connection, view, version)
                return

    def _followed(self, connection: sqlite3.Connection, version: int, retry: bool) -> View | None:
        """The view brought up to this state; None asks for another look."""
        query = "SELECT key, value FROM meta WHERE key IN ('generation', 'token', 'log_floor')"
        meta = dict(connection.execute(query))
        generation, view = int(meta["generation"]), self._view
        if view is not None and view.generation == generation:
            if version != self._version:
                view.refresh(connection)
            return view
        matrix = None
        if generation:
            matrix = self._coming
            if matrix is None or (matrix.generation, matrix.token) != (generation, meta["token"]):
                matrix = open_matrix(self.location.directory, self.manifest, generation, meta["token"])
                self._coming, self._warm = matrix, 0
            if matrix is None and retry:
                return None
            # As long as the log goes back far enough, the old generation answers while the new one is warmed.
            if matrix is not None and view is not None and view.seq >= meta["log_floor"]:
                self._warm = warm(matrix, self._warm, _WARMED_AT_ONCE)
                if self._warm < matrix.rows.nbytes:
                    if version != self._version:
                        view.refresh(connection)
                    return view
        self._coming = None
        return load_view(connection, self.manifest, generation, matrix)

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
            self._view = self._coming = None
            self._reader.close()

    def _reopen_if_replaced(self) -> None:
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
            self._reader.close()
            self._open()
