"""The index on this disk: SQLite is the only truth, a mapped matrix makes it fast."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from sightword.backbones.base import Array, BackboneSpec
from sightword.errors import IndexCorrupt, IndexForAnotherBackbone, IndexMissing, IndexProblem, UsageError
from sightword.index.base import CheckReport, Failure, FileState, Manifest, PictureRow, Scored, Stored
from sightword.index.care import compact, describe
from sightword.index.check import check_store
from sightword.index.connection import told
from sightword.index.creation import create_index
from sightword.index.files import DISK, Disk
from sightword.index.location import Location, locate
from sightword.index.locking import WriterLock
from sightword.index.matrix import row_dtype
from sightword.index.ranking import Ranking
from sightword.index.rows import PICTURE_COLUMNS, check_path, joined, picture_row
from sightword.index.scan import as_float32
from sightword.index.session import Session
from sightword.index.where import Expr
from sightword.index.writer import LocalWriter

__all__ = ["LocalStore", "open_store", "require"]


def open_store(
    folder: Path | str,
    *,
    index: Path | str | None = None,
    create: Manifest | None = None,
    readonly: bool = False,
) -> LocalStore:
    """Open the index of a folder of pictures.

    Parameters
    ----------
    folder : path
        The pictures.
    index : path, optional
        Directory of the index when it is not in its usual place.
    create : Manifest, optional
        Make an empty index with this manifest when there is none.
    readonly : bool
        Never write, also not to create.

    Raises
    ------
    IndexMissing
        When there is none and none may be created.
    IndexCorrupt
        When what is there cannot be used.
    """
    location = locate(folder, index=index)
    if not location.exists:
        if create is None or readonly:
            raise IndexMissing(
                f"There is no index for {location.folder} at {location.directory}.",
                f"Make one with `sightword index {location.folder}`.",
            )
        create_index(location.directory, create, DISK)
    return LocalStore(location, readonly=readonly)


def require(manifest: Manifest, spec: BackboneSpec) -> None:
    """Raise IndexForAnotherBackbone unless the index holds this backbone's vectors."""
    if manifest.weights_hash == spec.weights_hash and manifest.dim == spec.dim:
        return
    same = " (same name, other weights)" if manifest.backbone == spec.name else ""
    raise IndexForAnotherBackbone(
        f"The index was made with the backbone {manifest.backbone}, not with {spec.name}{same}.",
        f"Search with --backbone {manifest.backbone}, or index again into another --index.",
    )


class LocalStore(Session):
    """`VectorStore` on the local disk; safe to use from several threads, and by many processes at once.

    Parameters
    ----------
    location : Location
    readonly : bool
        Refuse to write although the place could be written.
    disk : Disk
        File layer of the writer.
    """

    def __init__(self, location: Location, *, readonly: bool = False, disk: Disk = DISK) -> None:
        super().__init__(location)
        self.readonly = readonly or not location.writable
        self._disk = disk
        self._ranking = Ranking()

    @contextmanager
    def writer(self) -> Iterator[LocalWriter]:
        """The one writer; leaving it brings derived files up to date.

        Raises
        ------
        IndexBusy
            When another process writes; the sentence names it.
        IndexProblem
            When the index can only be read.
        """
        directory = self.location.directory
        if self.readonly:
            raise IndexProblem(
                f"The index {directory} can only be read.", "Choose another with --index PATH."
            )
        with told(self.path), WriterLock(directory):
            writer = LocalWriter(directory, self.manifest, self._disk, roams=self.location.kind == "chosen")
            try:
                yield writer
                writer.finish()
            finally:
                writer.close()

    def known(self) -> dict[bytes, FileState]:
        """State of every path, live, gone or failed."""
        states: dict[bytes, FileState] = {}
        with self.reading() as connection:
            for picture, path, size, mtime_ns, content_hash, gone in connection.execute(
                "SELECT id, path, size, mtime_ns, content_hash, gone FROM pictures"
            ):
                state = FileState(picture, size, mtime_ns, content_hash, "gone" if gone else "live")
                states[check_path(path)] = state
            for path, size, mtime_ns in connection.execute("SELECT path, size, mtime_ns FROM failures"):
                states[check_path(path)] = FileState(None, size, mtime_ns, b"", "failed")
        return states

    def scan(
        self,
        query: Array,
        k: int,
        *,
        where: Expr | None = None,
        exclude_hashes: Collection[bytes] = (),
    ) -> list[Scored]:
        """The k live pictures with the highest cosine; ties by path.

        Parameters
        ----------
        query : float32 [D], unit length
        k : int
            How many; fewer come back when fewer satisfy `where`.
        where : Expr, optional
            Only pictures that satisfy this.
        exclude_hashes : collection of bytes
            Pictures with these contents are left out.

        Returns
        -------
        list of Scored
            Scores are summed in float64 and rounded to 1e-6.
        """
        query = self._checked(query)
        if k <= 0:
            return []
        with self.current() as moment:
            return self._ranking.scan(moment, query, k, where, exclude_hashes)

    def background(self, query: Array) -> tuple[float, float]:
        """Mean and standard deviation of the cosine between the query and the live pictures; (0, 0) for none.

        After an unfiltered `scan` of the same query this costs no second pass over the vectors.
        """
        query = self._checked(query)
        with self.current() as moment:
            return self._ranking.background(moment, query)

    def get(self, picture_id: int) -> Array:
        """The raw feature of one picture, float32 [D].

        Within 2.4e-7 (relative, per value) of what was added; 2**-8 in an index of dtype bfloat16.
        """
        with self.reading() as connection:
            row = connection.execute(
                "SELECT unit, CAST(norm AS REAL) FROM vectors WHERE id = ?", (picture_id,)
            ).fetchone()
        if row is None:
            raise UsageError(f"No picture has the id {picture_id}.")
        return np.asarray(self._decoded(row[0]).astype(np.float64) * row[1], dtype=np.float32)

    def vectors(self, picture_ids: Sequence[int]) -> Array:
        """Unit vectors, float32 [n, D], in the order asked: bit for bit what a query by file would use."""
        found = np.empty((len(picture_ids), self.manifest.dim), np.float32)
        with self.reading() as connection:
            for at, picture_id in enumerate(picture_ids):
                query = "SELECT unit FROM vectors WHERE id = ?"
                row = connection.execute(query, (int(picture_id),)).fetchone()
                if row is None:
                    raise UsageError(f"No picture has the id {picture_id}.")
                found[at] = self._decoded(row[0])
        return found

    def stored(self, picture_ids: Sequence[int]) -> list[Stored]:
        """Pictures as they are kept, live and gone, in the order asked; ids that are no more are left out.

        Raises
        ------
        IndexCorrupt
            When a row or its vector is damaged.
        """
        columns = ", ".join(f"p.{name}" for name in PICTURE_COLUMNS.split(", "))
        query = (
            f"SELECT {columns}, p.gone, v.unit, v.norm FROM pictures p LEFT JOIN vectors v ON v.id = p.id"
            " WHERE p.id = ?"
        )
        found = []
        with self.reading() as connection:
            for picture_id in picture_ids:
                row = connection.execute(query, (int(picture_id),)).fetchone()
                if row is not None:
                    found.append(self._as_stored(row))
        return found

    def _as_stored(self, row: tuple[Any, ...]) -> Stored:
        *columns, gone, unit, norm = row
        picture = picture_row(tuple(columns))
        if type(norm) is not float:
            raise IndexCorrupt(
                f"The index holds no norm for {os.fsdecode(picture.path)!r}.",
                "Run `sightword check` to mend it.",
            )
        return Stored(picture, self._decoded(unit), norm, bool(gone))

    @property
    def pictures(self) -> str | None:
        """None: where pictures can be seen is never taken from a folder's index."""
        return None

    @property
    def origin(self) -> str | None:
        """The folder that an index at a chosen place was filled from; empty when that is not known.

        None for one in its usual place: that belongs to the folder that it is asked with, and moves with it.
        """
        if self.location.kind != "chosen":
            return None
        with self.reading() as connection:
            row = connection.execute("SELECT value FROM meta WHERE key = 'origin'").fetchone()
        return str(row[0]) if row is not None else ""

    def set_pictures(self, template: str | None) -> None:
        """UsageError: an index on this disk keeps no addresses."""
        raise UsageError(
            "An index on this disk keeps no addresses of pictures.",
            "Give --pictures to `sightword search` or `serve` instead.",
        )

    def row(self, picture_id: int) -> PictureRow:
        """One picture by its id, live or gone."""
        with self.reading() as connection:
            query = f"SELECT {PICTURE_COLUMNS} FROM pictures WHERE id = ?"
            row = connection.execute(query, (int(picture_id),)).fetchone()
        if row is None:
            raise UsageError(f"No picture has the id {picture_id}.")
        return picture_row(row)

    def find(self, path: bytes) -> PictureRow | None:
        """The live picture at this path."""
        with self.reading() as connection:
            query = f"SELECT {PICTURE_COLUMNS} FROM pictures WHERE path = ? AND gone = 0"
            row = connection.execute(query, (path,)).fetchone()
        return picture_row(row) if row is not None else None

    def by_hash(self, content_hash: bytes) -> list[PictureRow]:
        """Live pictures with this content, by path."""
        with self.reading() as connection:
            rows = connection.execute(
                f"SELECT {PICTURE_COLUMNS} FROM pictures"
                " WHERE substr(content_hash, 1, 6) = ? AND content_hash = ? AND gone = 0 ORDER BY path",
                (content_hash[:6], content_hash),
            ).fetchall()
        return [picture_row(row) for row in rows]

    def failures(self) -> list[Failure]:
        """Files that could not be read, by path."""
        with self.reading() as connection:
            rows = connection.execute("SELECT path, size, mtime_ns, reason FROM failures ORDER BY path")
            return [Failure(check_path(path), size, when, str(reason)) for path, size, when, reason in rows]

    def info(self) -> dict[str, Any]:
        """Counts and sizes that fit into JSON; see `sightword.index.care.describe`."""
        origin = self.origin or None
        with self.current() as moment:
            return {**describe(moment, self.location, self.manifest), "origin": origin}

    def check(self, *, repair: bool = True) -> CheckReport:
        """Verify everything and rebuild what is derived; an index that can only be read is not repaired."""
        return check_store(self, repair=repair and not self.readonly)

    def compact(self) -> int:
        """Forget vanished pictures and give space back; returns bytes freed."""
        return compact(self)

    def settle(self, *, written: bool = True) -> None:
        """Nothing to wait for: every row is compared, from the moment that it is written."""

    def close(self) -> None:
        """Release files; closing twice does no harm."""
        self._ranking.forget()
        super().close()

    def __enter__(self) -> LocalStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _checked(self, query: Array) -> Array:
        query = np.ascontiguousarray(query, dtype=np.float32)
        if query.shape != (self.manifest.dim,):
            raise ValueError(f"query of shape {query.shape}, index of dim {self.manifest.dim}")
        if not abs(float(np.square(query, dtype=np.float64).sum()) - 1.0) < 1e-3:
            raise ValueError("the query is not of unit length")
        return query

    def _decoded(self, blob: bytes) -> Array:
        dtype = row_dtype(self.manifest.dtype)
        return as_float32(np.frombuffer(joined([blob], self.manifest.dim * dtype.itemsize), dtype))
