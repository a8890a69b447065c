"""Making an empty index: complete at once or not at all."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sightword.errors import IndexBusy, IndexProblem
from sightword.index.base import Manifest
from sightword.index.connection import DATABASE, prepare, refuse_links, told
from sightword.index.files import Disk
from sightword.index.locking import WriterLock
from sightword.index.schema import create_schema

__all__ = ["create_index", "new_database"]

_PAGE_SIZE = 8192
"""Five vectors of 384 float32 to a page; measured faster than 4096 and as fast as 16384."""


_PATIENCE = 10.0


def create_index(directory: Path, manifest: Manifest, disk: Disk) -> None:
    """Make an empty index, unless another process was first.

    Raises
    ------
    IndexProblem
        The place cannot be made or written.
    IndexBusy
        When another process holds the lock and makes no index.
    """
    path = directory / DATABASE
    with told(path):
        _make_directory(directory)
        refuse_links(directory)
        with _lock(directory, path):
            if path.is_file():
                return
            fresh = new_database(directory, manifest)
            with fresh.open("r+b") as file:
                disk.sync(file)
            for ending in ("-wal", "-shm"):  # of a database that is gone; it would be played into the new one
                disk.remove(path.with_name(path.name + ending))
            disk.rename(fresh, path)
            disk.sync_dir(directory)
            disk.sync_dir(directory.parent)


def _make_directory(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise IndexProblem(
            f"The index cannot be kept in {directory} ({error.strerror or error}).",
            "Choose another place with --index PATH.",
        ) from None


@contextmanager
def _lock(directory: Path, path: Path) -> Iterator[None]:
    """The writer lock; two first searches take turns in making the index, which takes milliseconds."""
    deadline = time.monotonic() + _PATIENCE
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(WriterLock(directory))
                break
            except IndexBusy:
                if path.is_file():  # made by the other, who is filling it now
                    break
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.02)
        yield


def new_database(directory: Path, manifest: Manifest) -> Path:
    """A complete, empty database under a temporary name in the directory; the caller holds the lock."""
    fresh = directory / f"{DATABASE}.new"
    for name in (fresh.name, fresh.name + "-wal", fresh.name + "-shm", fresh.name + "-journal"):
        (directory / name).unlink(missing_ok=True)
    connection = prepare(sqlite3.connect(fresh))
    try:
        connection.execute(f"PRAGMA page_size = {_PAGE_SIZE}")
        connection.execute("BEGIN IMMEDIATE")
        create_schema(connection, manifest)
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = WAL")
    finally:
        connection.close()
    return fresh
