"""Verifying an index, rebuilding what is derived, and dropping rows that cannot be right.

A dropped row is a picture that the index does not know: the next update reads its file again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sightword.errors import IndexCorrupt
from sightword.index.base import CheckReport, Manifest
from sightword.index.connection import DATABASE, told
from sightword.index.files import DISK
from sightword.index.location import locate
from sightword.index.locking import WriterLock
from sightword.index.matrix import Matrix, open_matrix, row_dtype
from sightword.index.rows import PICTURE_COLUMNS, is_inside, picture_row
from sightword.index.salvage import salvage, set_aside
from sightword.index.scan import as_float32

if TYPE_CHECKING:
    from sightword.index.store import LocalStore
    from sightword.index.writer import LocalWriter

__all__ = ["check_folder", "check_store"]


def check_folder(folder: Path | str, *, index: Path | str | None = None, repair: bool = True) -> CheckReport:
    """Check the index of a folder, also one that cannot even be opened.

    With `repair`, such a database is set aside as ``index.db.broken``: the next update makes a new one.

    Raises
    ------
    IndexMissing
        When there is no index.
    IndexBusy
        When another process writes and `repair` is set.
    """
    from sightword.index.store import open_store

    try:
        with open_store(folder, index=index) as store:
            return store.check(repair=repair)
    except IndexCorrupt as error:
        location = locate(folder, index=index)
        if not repair or not location.writable or not location.exists or "release reads" in error.message:
            return CheckReport(0, [error.message])
        with told(location.directory / DATABASE), WriterLock(location.directory):
            set_aside(location.directory, DISK)
        problem = f"{error.message} (Set aside as {DATABASE}.broken; the next search reads the pictures.)"
        return CheckReport(0, [problem], [problem])


def check_store(store: LocalStore, *, repair: bool) -> CheckReport:
    """Check an open index; see `sightword.index.base.VectorStore.check`."""
    problems: list[str] = []
    repaired: list[str] = []
    path = store.location.directory / DATABASE
    damage = store.integrity()
    if damage:
        if not repair:
            return CheckReport(0, [f"The database is damaged: {damage[0]}."])
        store.close()  # Windows does not rename an open file; the store opens the new one by itself
        with told(path), WriterLock(store.location.directory):
            kept = salvage(store.location.directory, store.manifest, DISK)
        problems.append(
            f"The database is damaged: {damage[0]}. (Pictures carried over into a new one: {kept}.)"
        )
        repaired.extend(problems)
    if repair:
        with store.writer() as writer, told(path):
            pictures = _check_rows(writer.connection, store.manifest, problems, repaired, writer)
            reason = _check_matrix(writer.connection, store)
            if reason is not None:
                writer.finish(force=True)
                problems.append(reason if writer.notice is None else f"{reason} {writer.notice}")
                repaired.extend(problems[-1:] if writer.notice is None else [])
        return CheckReport(pictures, problems, repaired)
    with store.reading() as connection:
        pictures = _check_rows(connection, store.manifest, problems, repaired, None)
        reason = _check_matrix(connection, store)
        problems.extend([reason] if reason is not None else [])
    return CheckReport(pictures, problems, repaired)


def _check_rows(
    connection: sqlite3.Connection,
    manifest: Manifest,
    problems: list[str],
    repaired: list[str],
    writer: LocalWriter | None,
) -> int:
    """Find rows that cannot be right and have the writer drop them; returns the live pictures left."""
    bad: dict[int, str] = {}
    for row in connection.execute(f"SELECT {PICTURE_COLUMNS} FROM pictures"):
        reason = _wrong(row)
        if reason:
            bad[row[0]] = reason
    bad.update(_wrong_vectors(connection, manifest))
    for query, reason in (
        ("SELECT id FROM vectors EXCEPT SELECT id FROM pictures", "has a vector and no row"),
        ("SELECT id FROM pictures EXCEPT SELECT id FROM vectors", "has no vector"),
    ):
        bad.update((row[0], reason) for row in connection.execute(query))
    failures = [
        row[0] for row in connection.execute("SELECT path FROM failures").fetchall() if not is_inside(row[0])
    ]
    found = [f"Picture {picture} {reason}." for picture, reason in sorted(bad.items())]
    found += [f"The failure of {path!r} lies outside the folder." for path in failures]
    problems.extend(found)
    if writer is not None and found:
        writer.drop(list(bad), failures)
        repaired.extend(found)
    return int(connection.execute("SELECT count(*) FROM pictures WHERE gone = 0").fetchone()[0])


def _wrong(row: tuple[object, ...]) -> str | None:
    try:
        picture = picture_row(row)
    except IndexCorrupt:
        return "names a file outside the folder" if not is_inside(row[1]) else "has a value of the wrong kind"
    if len(picture.content_hash) != 32:
        return "has no whole content hash"
    return "has no size" if picture.width < 1 or picture.height < 1 else None


def _wrong_vectors(connection: sqlite3.Connection, manifest: Manifest) -> Iterator[tuple[int, str]]:
    dtype = row_dtype(manifest.dtype)
    width = manifest.dim * dtype.itemsize
    tolerance = 1e-5 if manifest.dtype == "float32" else 2.0**-7
    cursor = connection.execute("SELECT id, unit, norm FROM vectors")
    while chunk := cursor.fetchmany(2048):
        sound = []
        for picture, unit, norm in chunk:
            if type(unit) is not bytes or len(unit) != width:
                yield picture, "has a vector of the wrong length"
            elif type(norm) is not float or not 0.0 < norm < np.inf:
                yield picture, "has a norm that is not a positive number"
            else:
                sound.append((picture, unit))
        if not sound:
            continue
        ids, units = zip(*sound)
        rows = as_float32(np.frombuffer(b"".join(units), dtype).reshape(len(ids), -1)).astype(np.float64)
        with np.errstate(all="ignore"):
            lengths = np.sqrt((rows**2).sum(axis=1))
        for at in np.flatnonzero(~(np.abs(lengths - 1.0) <= tolerance)):
            yield ids[at], "has a vector that is not of unit length"


def _check_matrix(connection: sqlite3.Connection, store: LocalStore) -> str | None:
    """Compare the matrix file with the database, byte for byte; a sentence when it must be written anew."""
    directory, manifest = store.location.directory, store.manifest
    meta = dict(connection.execute("SELECT key, value FROM meta"))
    generation = int(meta["generation"])
    if not generation:
        return None
    matrix = open_matrix(directory, manifest, generation, str(meta["token"]))
    if matrix is None:
        return f"The matrix file of generation {generation} is missing or damaged."
    reason = _difference(connection, matrix)
    return None if reason is None else f"The matrix file of generation {generation} {reason}."


def _difference(connection: sqlite3.Connection, matrix: Matrix) -> str | None:
    changed = {row[0] for row in connection.execute("SELECT id FROM changes WHERE seq > ?", (matrix.seq,))}
    gone = {row[0] for row in connection.execute("SELECT id FROM pictures WHERE gone <> 0")}
    present = set()
    cursor = connection.execute("SELECT id, unit FROM vectors WHERE id <= ? ORDER BY id", (matrix.max_id,))
    while chunk := cursor.fetchmany(2048):
        ids = np.array([row[0] for row in chunk], dtype=np.int64)
        at = np.minimum(np.searchsorted(matrix.ids, ids), max(0, len(matrix.ids) - 1))
        if not len(matrix.ids) or not np.array_equal(matrix.ids[at], ids):
            return "lacks rows of the database"
        if not all(matrix.rows[i].tobytes() == row[1] for i, row in zip(at, chunk)):
            return "does not hold the database's vectors"
        for position, picture in zip(at, ids.tolist()):
            if picture not in changed and bool(matrix.live[position]) == (picture in gone):
                return "is wrong about which pictures are gone"
        present.update(ids.tolist())
    extra = set(matrix.ids.tolist()) - present - changed
    return "holds rows that the database does not know" if extra else None
