"""The single writer: every call is one durable transaction."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from sightword.backbones.base import Array
from sightword.errors import IndexProblem, PictureError, SightwordError, UsageError
from sightword.index.base import Failure, Manifest, Picture, PictureRow, Stored
from sightword.index.bf16 import to_bfloat16
from sightword.index.connection import DATABASE, connect_writer, told
from sightword.index.files import Disk, failpoint
from sightword.index.matrix import matrix_files, matrix_name, open_matrix, write_matrix
from sightword.index.rows import PICTURE_COLUMNS, is_inside

__all__ = ["LocalWriter", "unit_and_norm"]

TAIL_SHARE = 0.10
"""During a job the matrix is rewritten when the tail exceeds this share of it."""

TAIL_ROWS = 10_000
"""... and this many rows, so that a small index is not rewritten all the time."""

LARGE_ROWS = 200_000
"""From this size on a rewrite takes seconds, and during a job it also waits until ..."""

PATIENCE = 4.0
"""... this many times its duration has passed since the last one, or ..."""

LONGEST_SHARE = 0.5
"""... the tail has this share: else loading a million ready-made rows would write the file 30 times."""

END_SHARE = 0.01
"""At the end of a job a tail above this share is taken in; below, reading it is cheaper than a rewrite."""

SMALL_ROWS = 20_000
"""Up to this size the end of a job always rewrites."""


def unit_and_norm(feature: Array) -> tuple[Array, float]:
    """The unit vector (float32 [D]) and the norm of a raw feature.

    The norm is taken in float64, so ``unit * norm`` is the feature again within two units in the last place
    (relative 2.4e-7). Raises ValueError for a feature that has no direction.
    """
    norm = float(np.sqrt((feature.astype(np.float64) ** 2).sum()))
    if not np.isfinite(norm) or norm == 0.0:
        raise ValueError("the feature is zero or not finite")
    return (feature.astype(np.float64) / norm).astype(np.float32), norm


class LocalWriter:
    """Writes to an index on this disk; made by `LocalStore.writer`, which holds the lock.

    Parameters
    ----------
    directory : Path
    manifest : Manifest
    disk : Disk
    roams : bool
        The index lies at a chosen place, and remembers the folder that it is filled from.

    Raises
    ------
    SightwordError
        From every method, when the disk is full or gone: the batch is not in the index, all earlier ones are.
    """

    def __init__(self, directory: Path, manifest: Manifest, disk: Disk, *, roams: bool = False) -> None:
        self.notice: str | None = None
        """Set when derived files could not be brought up to date; no picture is lost by that."""
        self._directory = directory
        self._path = directory / DATABASE
        self._manifest = manifest
        self._disk = disk
        self._roams = roams
        self._rewritten, self._duration = time.monotonic(), 0.0
        with told(self._path):
            self.connection = connect_writer(directory)
            self._remove_generations(keep=1)
            self._measure()

    def add(self, pictures: Sequence[Picture]) -> None:
        """Insert or replace pictures by path; clears an earlier failure of the same path.

        A replaced picture gets a new id. A path that is given twice counts as its last.

        Raises
        ------
        PictureError
            When a feature is zero or not finite; nothing of the batch is written.
        """
        rows = list({picture.path: picture for picture in pictures}.values())
        units, norms = self._vectors(rows)
        self._insert("add", rows, units, norms, [False] * len(rows))

    def restore(self, items: Sequence[Stored]) -> None:
        """Insert or replace pictures by path as another index kept them, under new ids."""
        units = [self._kept(item.unit) for item in items]
        norms, gone = [item.norm for item in items], [item.gone for item in items]
        self._insert("restore", [item.row for item in items], units, norms, gone)

    def _insert(
        self,
        name: str,
        rows: Sequence[Picture | PictureRow],
        units: Sequence[bytes],
        norms: Sequence[float],
        gone: Sequence[bool],
    ) -> None:
        paths = [(check_new_path(row.path),) for row in rows]

        def work(connection: sqlite3.Connection) -> None:
            self._remove(paths)
            first = 1 + self._last_id()
            connection.executemany(
                f"INSERT INTO pictures ({PICTURE_COLUMNS}, gone) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    (
                        first + at,
                        p.path,
                        p.size,
                        p.mtime_ns,
                        p.content_hash,
                        p.width,
                        p.height,
                        p.format,
                        p.taken,
                        int(hidden),
                    )
                    for at, (p, hidden) in enumerate(zip(rows, gone))
                ),
            )
            connection.executemany(
                "INSERT INTO vectors VALUES (?, ?, ?)",
                ((first + at, unit, norm) for at, (unit, norm) in enumerate(zip(units, norms))),
            )
            failpoint(f"{name}.after_insert")

        self._transaction(work, name)
        self._tail += len(rows)
        if self._is_time_to_rewrite():
            self._rewrite()

    def fail(self, failures: Sequence[Failure]) -> None:
        """Record files that cannot be read; an older picture of that path is removed."""
        rows = [(check_new_path(f.path), f.size, f.mtime_ns, f.reason) for f in failures]

        def work(connection: sqlite3.Connection) -> None:
            self._remove([(row[0],) for row in rows])
            connection.executemany("INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?)", rows)

        self._transaction(work, "fail")

    def touch(self, states: Mapping[bytes, tuple[int, int]]) -> None:
        """Record new (size, mtime_ns) of files whose content did not change; revives gone ones.

        Paths that the index does not know are left alone: the next scan of the folder finds them new.
        """
        rows = [(size, mtime_ns, path) for path, (size, mtime_ns) in states.items()]
        paths = [(path,) for path in states]

        def work(connection: sqlite3.Connection) -> None:
            connection.executemany(
                "INSERT INTO changes (id, live) SELECT id, 1 FROM pictures WHERE path = ? AND gone <> 0",
                paths,
            )
            connection.executemany(
                "UPDATE pictures SET size = ?, mtime_ns = ?, gone = 0 WHERE path = ?", rows
            )
            connection.executemany("UPDATE failures SET size = ?, mtime_ns = ? WHERE path = ?", rows)

        self._transaction(work, "touch")

    def move(self, pairs: Sequence[tuple[bytes, bytes, int, int]]) -> None:
        """Record renamed files as (old path, new path, size, mtime_ns); ids and vectors stay.

        All moves happen at once, so files can swap names. What the index knew of a new path is replaced; a
        gone picture is found again. Old paths that the index does not know are left alone.
        """
        targets = [check_new_path(new) for _, new, _, _ in pairs]
        if len(set(targets)) < len(targets) or len({old for old, _, _, _ in pairs}) < len(pairs):
            raise UsageError("A move names the same path twice.")

        def work(connection: sqlite3.Connection) -> None:
            moving = []
            for old, new, size, mtime_ns in pairs:
                row = connection.execute("SELECT id FROM pictures WHERE path = ?", (old,)).fetchone()
                if row is not None:
                    moving.append((row[0], new, size, mtime_ns))
            # Out of the way first: a NUL cannot occur in a path.
            connection.executemany(
                "UPDATE pictures SET path = CAST(x'00' || id AS BLOB) WHERE id = ?",
                [(row[0],) for row in moving],
            )
            self._remove([(new,) for _, new, _, _ in moving])
            connection.executemany(
                "INSERT INTO changes (id, live) SELECT id, 1 FROM pictures WHERE id = ? AND gone <> 0",
                [(row[0],) for row in moving],
            )
            connection.executemany(
                "UPDATE pictures SET path = ?, size = ?, mtime_ns = ?, gone = 0 WHERE id = ?",
                [(new, size, mtime_ns, picture) for picture, new, size, mtime_ns in moving],
            )

        self._transaction(work, "move")

    def mark_gone(self, paths: Iterable[bytes]) -> None:
        """Hide pictures whose files vanished; kept until `compact`. Failures of such paths are dropped."""
        rows = [(path,) for path in paths]

        def work(connection: sqlite3.Connection) -> None:
            connection.executemany(
                "INSERT INTO changes (id, live) SELECT id, 0 FROM pictures WHERE path = ? AND gone = 0", rows
            )
            connection.executemany("UPDATE pictures SET gone = 1 WHERE path = ? AND gone = 0", rows)
            connection.executemany("DELETE FROM failures WHERE path = ?", rows)

        self._transaction(work, "mark_gone")

    def filled_from(self, origin: str) -> None:
        """Remember the folder; nothing for an index in its usual place, which belongs to its folder."""
        if not self._roams:
            return

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO meta VALUES ('origin', ?)", (origin,))

        self._transaction(work, "filled_from")

    def forget_gone(self) -> None:
        """Delete gone pictures, close the holes in the file and write a matrix without them (``compact``)."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM vectors WHERE id IN (SELECT id FROM pictures WHERE gone <> 0)")
            connection.execute("DELETE FROM pictures WHERE gone <> 0")

        self._transaction(work, "compact")
        with told(self._path):
            if self.connection.execute("PRAGMA freelist_count").fetchone()[0]:
                self.connection.execute("VACUUM")
        self.finish(force=True)
        with told(self._path):
            self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._remove_generations(keep=1)

    def drop(self, picture_ids: Sequence[int], failures: Sequence[bytes]) -> None:
        """Forget rows that cannot be right (``check``)."""
        ids = [(picture_id,) for picture_id in picture_ids]

        def work(connection: sqlite3.Connection) -> None:
            connection.executemany("INSERT INTO changes (id, live) VALUES (?, 0)", ids)
            connection.executemany("DELETE FROM vectors WHERE id = ?", ids)
            connection.executemany("DELETE FROM pictures WHERE id = ?", ids)
            connection.executemany("DELETE FROM failures WHERE path = ?", [(path,) for path in failures])

        self._transaction(work, "drop")

    def finish(self, *, force: bool = False) -> None:
        """Bring the matrix file up to date when that is worth a rewrite; the end of a job."""
        enough = max(1.0, END_SHARE * self._covered) if self._covered > SMALL_ROWS else 1.0
        log = self.connection.execute("SELECT count(*) FROM changes WHERE seq > ?", (self._seq,)).fetchone()[
            0
        ]
        if force or self._stale or self._tail >= enough or log >= max(1000.0, TAIL_SHARE * self._covered):
            self._rewrite()

    def close(self) -> None:
        """Put the log into the database, so that one file holds everything, and let go of it.

        A full disk leaves the log where it is, with everything that was acknowledged in it.
        """
        try:
            with told(self._path):
                self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except SightwordError as error:
            self.notice = error.message
        finally:
            self.connection.close()

    def _transaction(self, work: Callable[[sqlite3.Connection], None], name: str) -> None:
        with told(self._path):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                work(self.connection)
                failpoint(f"{name}.before_commit")
                self._disk.commit(self.connection)
            except BaseException:
                # SQLite ends the transaction by itself on some errors, a full disk among them.
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise
            failpoint(f"{name}.after_commit")

    def _remove(self, paths: list[tuple[bytes]]) -> None:
        """Delete pictures (with vectors) and failures of these paths."""
        run = self.connection.executemany
        run("INSERT INTO changes (id, live) SELECT id, 0 FROM pictures WHERE path = ?", paths)
        run("DELETE FROM vectors WHERE id = (SELECT id FROM pictures WHERE path = ?)", paths)
        run("DELETE FROM pictures WHERE path = ?", paths)
        run("DELETE FROM failures WHERE path = ?", paths)

    def _last_id(self) -> int:
        row = self.connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'pictures'").fetchone()
        return int(row[0]) if row else 0

    def _vectors(self, pictures: Sequence[Picture]) -> tuple[list[bytes], list[float]]:
        units, norms = [], []
        for picture in pictures:
            if picture.feature.shape != (self._manifest.dim,):
                raise ValueError(
                    f"feature of shape {picture.feature.shape}, index of dim {self._manifest.dim}"
                )
            try:
                unit, norm = unit_and_norm(picture.feature)
            except ValueError as error:
                raise PictureError(
                    f"The backbone gave no usable feature for {picture.path!r}: {error}."
                ) from None
            units.append(self._kept(unit))
            norms.append(norm)
        return units, norms

    def _kept(self, unit: Array) -> bytes:
        """A unit vector as the database has it."""
        kept = unit.astype("<f4") if self._manifest.dtype == "float32" else to_bfloat16(unit)
        return kept.astype(kept.dtype.newbyteorder("<")).tobytes()

    def _measure(self) -> None:
        meta = dict(self.connection.execute("SELECT key, value FROM meta"))
        matrix = None
        if meta["generation"]:
            matrix = open_matrix(self._directory, self._manifest, meta["generation"], meta["token"])
        self._stale = matrix is None and meta["generation"] > 0
        self._covered = len(matrix.ids) if matrix is not None else 0
        after = matrix.max_id if matrix is not None else 0
        self._seq = meta["matrix_seq"]
        self._tail = int(
            self.connection.execute("SELECT count(*) FROM vectors WHERE id > ?", (after,)).fetchone()[0]
        )

    def _is_time_to_rewrite(self) -> bool:
        if self._tail <= max(TAIL_ROWS, TAIL_SHARE * self._covered):
            return False
        if self._covered < LARGE_ROWS or self._tail > LONGEST_SHARE * self._covered:
            return True
        return time.monotonic() - self._rewritten >= PATIENCE * self._duration

    def _rewrite(self) -> None:
        """A new generation. Everything in it is in the database already: failing costs speed, no data."""
        start = time.monotonic()
        try:
            with told(self._path):
                write_matrix(self.connection, self._directory, self._manifest, self._disk)
                self._measure()
                # A long job writes many: the last one stays for readers that are just opening it.
                self._remove_generations(keep=2)
        except IndexProblem:
            raise
        except SightwordError as error:
            self.notice = f"{error.message} Searching works, only slower."
        self._rewritten = time.monotonic()
        self._duration = self._rewritten - start

    def _remove_generations(self, *, keep: int) -> None:
        """Remove unfinished matrix files, and all but the newest generations that the database knows."""
        row = self.connection.execute("SELECT value FROM meta WHERE key = 'generation'").fetchone()
        kept = {matrix_name(int(row[0]) - age) for age in range(keep)}
        for path in matrix_files(self._directory):
            if path.name not in kept:
                self._disk.remove(path)


def check_new_path(path: bytes) -> bytes:
    """The path, if it is relative and inside; a ValueError tells the caller's mistake."""
    if not is_inside(path):
        raise ValueError(f"not a path inside the folder: {path!r}")
    return path
