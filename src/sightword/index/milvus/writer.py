"""The single writer of a collection."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from sightword.backbones.base import Array
from sightword.errors import PictureError, UsageError
from sightword.index.base import Failure, Manifest, Picture, Stored
from sightword.index.bf16 import from_bfloat16, to_bfloat16
from sightword.index.milvus.collection import Collection
from sightword.index.milvus.entities import (
    Entity,
    failure_entity,
    moved,
    note_entity,
    picture_entity,
    unit_of,
)
from sightword.index.milvus.lease import Lease
from sightword.index.milvus.names import key_of
from sightword.index.milvus.schema import FAILED, GONE, LIVE, SCALARS, VECTOR
from sightword.index.writer import check_new_path, unit_and_norm

__all__ = ["MilvusWriter", "origin_in"]

_IDS, _ORIGIN = "ids", "origin"
_FEW_IDS, _MANY_IDS = 256, 16384
_EVERYTHING = ("key", *SCALARS, "composed", "hash_start", VECTOR)
_AT_ONCE = 2000
"""Rows changed in one go: with their vectors they must be read, held and written."""


def origin_in(collection: Collection) -> str:
    """The folder that a collection was filled from; empty when nobody said."""
    rows = collection.with_values("key", [f"note:{_ORIGIN}"], ["note"], "strong")
    return str(rows[0]["note"]) if rows else ""


class MilvusWriter:
    """Writes to a collection; made by `MilvusStore.writer`, which holds the lease.

    A call returns when the server has the rows in its log, from which they come back after a crash. A batch
    of up to 4 MB (2,000 pictures of 512 numbers) is seen at once or not at all; a larger one in such parts.
    """

    def __init__(self, collection: Collection, manifest: Manifest, lease: Lease) -> None:
        self._collection = collection
        self._manifest = manifest
        self._lease = lease
        self._next_id = self._ids_end = 0

    def add(self, pictures: Sequence[Picture]) -> None:
        """Insert or replace pictures by path; clears an earlier failure of the same path.

        A replaced picture gets a new id. A path that is given twice counts as its last.

        Raises
        ------
        PictureError
            When a feature is zero or not finite; nothing of the batch is written.
        """
        rows = list({picture.path: picture for picture in pictures}.values())
        for picture in rows:
            check_new_path(picture.path)
        vectors = [self._vector(picture) for picture in rows]
        first = self._take_ids(len(rows))
        self._put(
            picture_entity(picture, first + at, unit, norm)
            for at, (picture, (unit, norm)) in enumerate(zip(rows, vectors))
        )

    def restore(self, items: Sequence[Stored]) -> None:
        """Insert or replace pictures by path as another index kept them, under new ids."""
        for item in items:
            check_new_path(item.row.path)
        first = self._take_ids(len(items))
        self._put(
            picture_entity(item.row, first + at, self._kept(item.unit), item.norm, gone=item.gone)
            for at, item in enumerate(items)
        )

    def fail(self, failures: Sequence[Failure]) -> None:
        """Record files that cannot be read; an older picture of that path is removed."""
        for failure in failures:
            check_new_path(failure.path)
        rows = {failure.path: failure for failure in failures}.values()
        self._put(failure_entity(failure, self._manifest.dim) for failure in rows)

    def touch(self, states: Mapping[bytes, tuple[int, int]]) -> None:
        """Record new (size, mtime_ns) of files whose content did not change; revives gone ones.

        Paths that the index does not know are left alone.
        """
        paths = list(states)
        for start in range(0, len(paths), _AT_ONCE):
            rows = self._rows(paths[start : start + _AT_ONCE])
            changed = []
            for path, row in rows.items():
                size, mtime_ns = states[path]
                status = LIVE if row["status"] == GONE else row["status"]
                changed.append({**row, "size": size, "mtime_ns": mtime_ns, "status": status})
            self._put(changed)

    def move(self, pairs: Sequence[tuple[bytes, bytes, int, int]]) -> None:
        """Record renamed files as (old path, new path, size, mtime_ns); ids and vectors stay.

        All moves happen at once, so files can swap names. New rows are written before old ones are removed:
        if this is cut off, a picture is there twice until the next update finds its old file missing.
        """
        targets = [check_new_path(new) for _, new, _, _ in pairs]
        if len(set(targets)) < len(targets) or len({old for old, _, _, _ in pairs}) < len(pairs):
            raise UsageError("A move names the same path twice.")
        rows = self._rows([old for old, _, _, _ in pairs])
        known = [pair for pair in pairs if pair[0] in rows and rows[pair[0]]["status"] != FAILED]
        self._put(moved(rows[old], new, size, mtime_ns) for old, new, size, mtime_ns in known)
        taken = {new for _, new, _, _ in known}
        self._remove([key_of(old) for old, _, _, _ in known if old not in taken])

    def mark_gone(self, paths: Iterable[bytes]) -> None:
        """Hide pictures whose files vanished; kept until `compact`. Failures of such paths are dropped."""
        every = list(dict.fromkeys(paths))
        for start in range(0, len(every), _AT_ONCE):
            rows = self._rows(every[start : start + _AT_ONCE]).values()
            self._put({**row, "status": GONE} for row in rows if row["status"] == LIVE)
            self._remove([row["key"] for row in rows if row["status"] == FAILED])

    def filled_from(self, origin: str) -> None:
        """Keep the name of the folder whose pictures these are."""
        if origin != origin_in(self._collection):
            self.note(_ORIGIN, origin)

    def drop(self, keys: Sequence[str]) -> None:
        """Forget rows (``compact`` and ``check``)."""
        self._remove(keys)

    def note(self, name: str, text: str | None) -> None:
        """Keep a note, or forget it."""
        if text is None:
            self._remove([f"note:{name}"])
        else:
            self._put([note_entity(name, text, self._manifest.dim)])

    def _put(self, entities: Iterable[Entity]) -> None:
        rows = list(entities)
        if rows:
            self._lease.check()
            self._collection.upsert(rows)

    def _remove(self, keys: Sequence[str]) -> None:
        if keys:
            self._lease.check()
            self._collection.delete(keys)

    def _rows(self, paths: Sequence[bytes]) -> dict[bytes, Entity]:
        """Whole rows of those paths that the index knows."""
        by_key = {key_of(path): path for path in paths}
        rows = self._collection.with_values("key", by_key, _EVERYTHING, "strong")
        return {by_key[row["key"]]: {**row, VECTOR: unit_of(row)} for row in rows}

    def _take_ids(self, count: int) -> int:
        """The first of so many ids in a row that were never given out.

        They are reserved in the collection, durably and some in advance: what a crash loses are numbers.
        """
        if self._next_id + count > self._ids_end:
            key = f"note:{_IDS}"
            rows = self._collection.with_values("key", [key], ["note"], "strong")
            begin = json.loads(rows[0]["note"])["next"] if rows else 1
            more = _MANY_IDS if self._ids_end else _FEW_IDS
            self._ids_end = begin + max(count, more)
            self._next_id = begin
            self.note(_IDS, json.dumps({"next": self._ids_end}))
        first, self._next_id = self._next_id, self._next_id + count
        return first

    def _vector(self, picture: Picture) -> tuple[Array, float]:
        if picture.feature.shape != (self._manifest.dim,):
            raise ValueError(f"feature of shape {picture.feature.shape}, index of dim {self._manifest.dim}")
        try:
            unit, norm = unit_and_norm(picture.feature)
        except ValueError as error:
            raise PictureError(
                f"The backbone gave no usable feature for {picture.path!r}: {error}."
            ) from None
        return self._kept(unit), norm

    def _kept(self, unit: Array) -> Array:
        """A unit vector as it is kept: 32-bit numbers, rounded to bfloat16 where the manifest says so."""
        if self._manifest.dtype == "bfloat16":
            return from_bfloat16(to_bfloat16(unit))
        return np.ascontiguousarray(unit, dtype=np.float32)
