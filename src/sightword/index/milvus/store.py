"""The index on a Milvus cluster, behind the same seam as the one on this disk."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection as Group
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from sightword.backbones.base import Array
from sightword.errors import UsageError
from sightword.index.base import CheckReport, Failure, FileState, Manifest, PictureRow, Scored, Stored
from sightword.index.milvus import ranking
from sightword.index.milvus.address import Address
from sightword.index.milvus.background import background
from sightword.index.milvus.care import describe, forget_gone, report
from sightword.index.milvus.collection import Collection, Level
from sightword.index.milvus.connection import Connection
from sightword.index.milvus.creation import (
    drop_unused,
    load_again,
    make_collection,
    open_collection,
    rebuild_index,
)
from sightword.index.milvus.entities import (
    Entity,
    failure_of,
    hash_start,
    row_of,
    state_of,
    stored_of,
    unit_of,
)
from sightword.index.milvus.layout import choose, index_parameters, is_exact
from sightword.index.milvus.lease import Lease
from sightword.index.milvus.names import key_of
from sightword.index.milvus.schema import FAILED, GONE, LIVE, NOTE, SCALARS, VECTOR
from sightword.index.milvus.settling import settle
from sightword.index.milvus.writer import MilvusWriter, origin_in
from sightword.index.where import Expr

__all__ = ["MilvusStore"]

_RECENT = 4096
"""Vectors kept of pictures that were just found: whoever folds near-duplicates asks for them next."""

_PICTURES = "pictures"
_SHOWN = f"status == {LIVE}"
_KEPT = f"status in [{LIVE}, {GONE}]"


class MilvusStore:
    """`VectorStore` in a collection of a Milvus server; make one with `open` or `create`.

    Safe to use from several threads, and by many processes at once.

    Attributes
    ----------
    address : Address
    manifest : Manifest
    """

    def __init__(self, collection: Collection, manifest: Manifest) -> None:
        self.address = collection.connection.address
        self.manifest = manifest
        self._connection = collection.connection
        self._collection = collection
        self._recent: OrderedDict[int, Array] = OrderedDict()
        self._lock = threading.Lock()

    @classmethod
    def open(cls, address: Address) -> MilvusStore:
        """Open a collection that is there.

        Raises
        ------
        IndexMissing
            There is no such collection.
        IndexCorrupt
            It is not Sightword's, or of a newer version.
        IndexProblem
            The server does not answer, or does not let us in.
        ModelUnavailable
            The extra ``[milvus]`` is not installed.
        """
        return cls._opened(Connection(address), 0)

    @classmethod
    def create(cls, address: Address, manifest: Manifest, *, expected: int = 0) -> MilvusStore:
        """Open the collection, and make it before if there is none.

        A collection that was there keeps its manifest: compare with `sightword.index.store.require`.

        Parameters
        ----------
        address : Address
        manifest : Manifest
        expected : int
            About how many pictures will come, for ``index=auto``.
        """
        connection = Connection(address)
        try:
            new = make_collection(connection, manifest)
        except BaseException:
            connection.close()
            raise
        return cls._opened(connection, expected, new=new)

    @classmethod
    def _opened(cls, connection: Connection, expected: int, *, new: bool = False) -> MilvusStore:
        try:
            manifest, collection = open_collection(connection, expected)
        except BaseException:
            if new:
                drop_unused(connection)
            connection.close()
            raise
        return cls(collection, manifest)

    @property
    def pictures(self) -> str | None:
        """Template of the addresses at which pictures can be seen; None when nobody set one."""
        rows = self._collection.with_values("key", [f"note:{_PICTURES}"], ["note"], "strong")
        return str(rows[0]["note"]) if rows else None

    @property
    def origin(self) -> str:
        """The folder that it was filled from; empty when nobody said."""
        return origin_in(self._collection)

    def set_pictures(self, template: str | None) -> None:
        """Keep such a template, or forget it."""
        with self.writer() as writer:
            writer.note(_PICTURES, template)

    @contextmanager
    def writer(self) -> Iterator[MilvusWriter]:
        """The one writer among all clients of the collection.

        Raises
        ------
        IndexBusy
            When another process writes; the sentence names it.
        """
        lease = Lease(self._collection, self.manifest.dim)
        lease.take()
        try:
            yield MilvusWriter(self._collection, self.manifest, lease)
        finally:
            lease.release()

    def known(self) -> dict[bytes, FileState]:
        """State of every path, live, gone or failed."""
        fields = ["id", "path", "size", "mtime_ns", "content_hash", "status"]
        pages = self._collection.pages(f"status != {NOTE}", fields, "strong", size=5000)
        return dict(state_of(row) for page in pages for row in page)

    def scan(
        self,
        query: Array,
        k: int,
        *,
        where: Expr | None = None,
        exclude_hashes: Group[bytes] = (),
    ) -> list[Scored]:
        """The k live pictures with the highest cosine; ties by path.

        Exactly those where the collection's index is FLAT; with another, those that it finds, in the same
        order and with the same scores.

        Parameters
        ----------
        query : float32 [D], unit length
        k : int
        where : Expr, optional
        exclude_hashes : collection of bytes
        """
        query = self._checked(query)
        if k <= 0:
            return []
        found = ranking.scan(self._collection, query, k, where, exclude_hashes)
        self._remember((scored.picture.id, unit) for scored, unit in found)
        return [scored for scored, _ in found]

    def background(self, query: Array) -> tuple[float, float]:
        """Mean and standard deviation of the cosine between the query and the live pictures; (0, 0) for none.

        From 16,384 pictures on an estimate; see `sightword.index.milvus.background`.
        """
        return background(self._collection, self._checked(query))

    def get(self, picture_id: int) -> Array:
        """The raw feature of one picture, float32 [D]."""
        row = self._one(picture_id, ["norm", VECTOR])
        return np.asarray(unit_of(row).astype(np.float64) * row["norm"], dtype=np.float32)

    def vectors(self, picture_ids: Sequence[int]) -> Array:
        """Unit vectors, float32 [n, D], in the order asked."""
        ids = [int(picture_id) for picture_id in picture_ids]
        with self._lock:
            known = {picture_id: self._recent[picture_id] for picture_id in ids if picture_id in self._recent}
        missing = [picture_id for picture_id in dict.fromkeys(ids) if picture_id not in known]
        known.update((row["id"], unit_of(row)) for row in self._by_id(missing, [VECTOR]))
        found = np.empty((len(ids), self.manifest.dim), np.float32)
        for at, picture_id in enumerate(ids):
            if picture_id not in known:
                raise UsageError(f"No picture has the id {picture_id}.")
            found[at] = known[picture_id]
        return found

    def stored(self, picture_ids: Sequence[int]) -> list[Stored]:
        """Pictures as they are kept, live and gone, in the order asked; ids that are no more are left out."""
        # Strong, as `known` is: a mark that was set a moment ago by another client must travel too.
        rows = {row["id"]: row for row in self._by_id(picture_ids, [*SCALARS, VECTOR], "strong")}
        return [stored_of(rows[int(each)]) for each in picture_ids if int(each) in rows]

    def row(self, picture_id: int) -> PictureRow:
        """One picture by its id, live or gone."""
        return row_of(self._one(picture_id, SCALARS))

    def find(self, path: bytes) -> PictureRow | None:
        """The live picture at this path."""
        rows = self._collection.with_values("key", [key_of(path)], SCALARS, where=_SHOWN)
        return row_of(rows[0]) if rows else None

    def by_hash(self, content_hash: bytes) -> list[PictureRow]:
        """Live pictures with this content, by path."""
        rows = self._collection.with_values("hash_start", [hash_start(content_hash)], SCALARS, where=_SHOWN)
        found = [row for row in map(row_of, rows) if row.content_hash == content_hash]
        return sorted(found, key=lambda row: row.path)

    def failures(self) -> list[Failure]:
        """Files that could not be read, by path."""
        fields = ["path", "size", "mtime_ns", "note"]
        pages = self._collection.pages(f"status == {FAILED}", fields, "strong")
        return sorted((failure_of(row) for page in pages for row in page), key=lambda failure: failure.path)

    def info(self) -> dict[str, Any]:
        """Counts and sizes that fit into JSON; see `sightword.index.milvus.care.describe`."""
        return describe(self._collection, self.manifest)

    def check(self, *, repair: bool = True) -> CheckReport:
        """Verify every row; with `repair`, forget damaged ones, so that the next update reads them again."""
        found = report(self._collection, self.manifest, None)
        if found.ok or not repair:
            return found
        with self.writer() as writer:
            return report(self._collection, self.manifest, writer)

    def compact(self) -> int:
        """Forget vanished pictures, and build the index that suits the number of the others.

        With ``?replicas=`` in the address it is in memory that often afterwards.

        Returns
        -------
        int
            Bytes of the vectors that went.
        """
        with self.writer() as writer:
            freed = forget_gone(self._collection, self.manifest, writer)
            pictures = self._collection.count(_SHOWN, "strong")
        wanted = choose(self.address.layout.index, pictures)
        if wanted != self._collection.kind:
            rebuild_index(self._connection, wanted, pictures)
            self._collection.kind = wanted
            self._collection.lists = index_parameters(wanted, pictures).get("nlist", 0)
        load_again(self._connection)
        return freed

    def settle(self, *, written: bool = True) -> None:
        """Wait until an approximate index has every row; see `sightword.index.milvus.settling`."""
        if not is_exact(self._collection.kind):
            settle(self._connection, self._collection.count("", "strong"), written=written)

    def close(self) -> None:
        """Hang up; twice does no harm."""
        self._connection.close()

    def __enter__(self) -> MilvusStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _by_id(
        self, picture_ids: Iterable[int], fields: Sequence[str], level: Level = "asked"
    ) -> list[Entity]:
        """Rows of pictures; of two with one id (a move that was cut off) the live one, which comes last."""
        ids = [int(picture_id) for picture_id in picture_ids]
        wanted = list(dict.fromkeys(["status", *fields]))
        rows = self._collection.with_values("id", ids, wanted, level, _KEPT)
        return sorted(rows, key=lambda row: -int(row["status"]))

    def _one(self, picture_id: int, fields: Sequence[str]) -> Entity:
        rows = self._by_id([picture_id], fields)
        if not rows:
            raise UsageError(f"No picture has the id {picture_id}.")
        return rows[-1]

    def _remember(self, found: Iterable[tuple[int, Array]]) -> None:
        with self._lock:
            for picture_id, unit in found:
                self._recent[picture_id] = unit
                self._recent.move_to_end(picture_id)
            while len(self._recent) > _RECENT:
                self._recent.popitem(last=False)

    def _checked(self, query: Array) -> Array:
        query = np.ascontiguousarray(query, dtype=np.float32)
        if query.shape != (self.manifest.dim,):
            raise ValueError(f"query of shape {query.shape}, index of dim {self.manifest.dim}")
        if not abs(float(np.square(query, dtype=np.float64).sum()) - 1.0) < 1e-3:
            raise ValueError("the query is not of unit length")
        return query
