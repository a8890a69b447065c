"""Carrying the readable rows of a damaged database over into a new one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sightword.index.base import Manifest
from sightword.index.connection import DATABASE, connect_writer, prepare
from sightword.index.creation import new_database
from sightword.index.files import Disk
from sightword.index.matrix import matrix_files
from sightword.index.rows import PICTURE_COLUMNS

__all__ = ["leftovers", "salvage", "set_aside"]

BROKEN = DATABASE + ".broken"


def leftovers(directory: Path) -> list[Path]:
    """Files of a damaged database that was set aside; nothing reads them any more."""
    return sorted(path for path in directory.glob(f"{BROKEN}*") if path.is_file() and not path.is_symlink())


def set_aside(directory: Path, disk: Disk) -> None:
    """Rename the database and its log, so that a new one can take their place. The caller holds the lock."""
    for ending in ("-shm", "-wal", ""):
        source = directory / (DATABASE + ending)
        if not source.exists():
            continue
        if ending == "-shm":
            disk.remove(source)
        else:
            disk.rename(source, directory / (BROKEN + ending))
    disk.sync_dir(directory)


def salvage(directory: Path, manifest: Manifest, disk: Disk) -> int:
    """Build a new database from what can be read and put it in place; returns the pictures kept.

    The caller holds the writer lock. The old database stays as ``index.db.broken``.
    """
    old = connect_writer(directory)
    fresh = new_database(directory, manifest)
    new = prepare(sqlite3.connect(fresh))
    try:
        new.execute("PRAGMA synchronous = FULL")
        new.execute("BEGIN IMMEDIATE")
        generations = [number for number in matrix_files(directory).values() if number is not None]
        # Above every file that is there: the next one must not reuse a name that a reader may hold.
        new.execute("UPDATE meta SET value = ? WHERE key = 'generation'", (max(generations, default=0),))
        last = _last_id(old)
        kept = 0
        for row in _rows(old, last):
            try:
                unit = old.execute("SELECT id, unit, norm FROM vectors WHERE id = ?", (row[0],)).fetchone()
            except sqlite3.DatabaseError:
                continue
            if unit is None or not _insert(new, row, unit):
                continue
            kept += 1
        for failure in _guarded(old, "SELECT path, size, mtime_ns, reason FROM failures"):
            new.execute("INSERT OR IGNORE INTO failures VALUES (?, ?, ?, ?)", failure)
        new.execute("DELETE FROM sqlite_sequence WHERE name = 'pictures'")
        new.execute("INSERT INTO sqlite_sequence VALUES ('pictures', ?)", (last,))  # ids are never reused
        new.execute("COMMIT")
        new.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        new.close()
        old.close()
    with fresh.open("r+b") as file:
        disk.sync(file)
    set_aside(directory, disk)
    disk.rename(fresh, directory / DATABASE)
    disk.sync_dir(directory)
    return kept


def _last_id(connection: sqlite3.Connection) -> int:
    highest = 0
    for query in (
        "SELECT seq FROM sqlite_sequence WHERE name = 'pictures'",
        "SELECT max(id) FROM pictures",
        "SELECT max(id) FROM vectors",
    ):
        highest = max([highest, *(row[0] for row in _guarded(connection, query) if isinstance(row[0], int))])
    return highest


def _guarded(connection: sqlite3.Connection, query: str) -> Iterator[tuple[Any, ...]]:
    """Rows up to the first that cannot be read."""
    try:
        yield from connection.execute(query)
    except sqlite3.DatabaseError:
        return


def _rows(connection: sqlite3.Connection, last: int) -> Iterator[tuple[Any, ...]]:
    """Rows of the pictures table; behind a damaged page, one id at a time."""
    columns = f"{PICTURE_COLUMNS}, gone"
    reached = 0
    try:
        for row in connection.execute(f"SELECT {columns} FROM pictures NOT INDEXED ORDER BY id"):
            reached = row[0]
            yield row
        return
    except sqlite3.DatabaseError:
        pass
    for picture in range(reached + 1, min(last, reached + 10_000_000) + 1):
        try:
            query = f"SELECT {columns} FROM pictures WHERE id = ?"
            single = connection.execute(query, (picture,)).fetchone()
        except sqlite3.DatabaseError:
            continue
        if single is not None:
            yield single


def _insert(new: sqlite3.Connection, row: tuple[Any, ...], unit: tuple[Any, ...]) -> bool:
    new.execute("SAVEPOINT one")
    try:
        new.execute(
            f"INSERT INTO pictures ({PICTURE_COLUMNS}, gone) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            row,
        )
        new.execute("INSERT INTO vectors VALUES (?, ?, ?)", unit)
    except sqlite3.IntegrityError:
        new.execute("ROLLBACK TO one")
        return False
    finally:
        new.execute("RELEASE one")
    return True
