"""Rows of a collection, made and read back; what comes back is checked: it may be somebody else's doing."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from sightword.backbones.base import Array
from sightword.errors import IndexCorrupt, UsageError
from sightword.index.base import Failure, FileState, Picture, PictureRow, Stored
from sightword.index.milvus.names import composed_text, key_of, path_of, text_of
from sightword.index.milvus.schema import FAILED, GONE, LIVE, LONGEST_TEXT, NOTE, VECTOR
from sightword.index.rows import check_path

__all__ = [
    "Entity", "failure_entity", "failure_of", "hash_start", "moved", "note_entity", "picture_entity",
    "row_of", "size_of", "state_of", "stored_of", "unit_of",
]  # fmt: skip

Entity = dict[str, Any]
_INT64 = 2**63


def picture_entity(
    picture: Picture | PictureRow, picture_id: int, unit: Array, norm: float, *, gone: bool = False
) -> Entity:
    """The row of a picture."""
    known = picture.taken is not None and math.isfinite(picture.taken)
    return {
        **_placed(picture.path),
        "id": picture_id,
        "size": picture.size,
        "mtime_ns": picture.mtime_ns,
        "content_hash": picture.content_hash.hex(),
        "hash_start": hash_start(picture.content_hash),
        "width": picture.width,
        "height": picture.height,
        "format": picture.format,
        "taken": picture.taken if known else 0.0,
        "has_taken": known,
        "status": GONE if gone else LIVE,
        "norm": norm,
        "note": "",
        VECTOR: unit,
    }


def failure_entity(failure: Failure, dim: int) -> Entity:
    """The row of a file that cannot be read."""
    told = {"size": failure.size, "mtime_ns": failure.mtime_ns, "note": failure.reason[: LONGEST_TEXT // 4]}
    return {**_blank(key_of(failure.path), dim), **_placed(failure.path), **told, "status": FAILED}


def note_entity(name: str, text: str, dim: int) -> Entity:
    """The row of a note; its key is no key of a path."""
    return {**_blank(f"note:{name}", dim), "note": text, "status": NOTE}


def moved(entity: Entity, path: bytes, size: int, mtime_ns: int) -> Entity:
    """The same picture at another path, there to be seen."""
    return {**entity, **_placed(path), "size": size, "mtime_ns": mtime_ns, "status": LIVE}


def hash_start(content_hash: bytes) -> int:
    """A number to look contents up by: 63 bits tell them apart, and are compared faster than text."""
    return int.from_bytes(content_hash[:8].ljust(8, b"\0"), "big") >> 1


def size_of(entity: Entity) -> int:
    """About how many bytes a row is on the wire."""
    texts = ("path", "composed", "note")
    return 256 + len(entity[VECTOR]) * 4 + 3 * sum(len(entity[name]) for name in texts)


def row_of(entity: Mapping[str, Any]) -> PictureRow:
    """A picture without its vector; else IndexCorrupt."""
    path = check_path(path_of(entity["path"]))
    try:
        content_hash = bytes.fromhex(entity["content_hash"])
    except ValueError:
        raise _damaged(path) from None
    taken = float(entity["taken"]) if entity["has_taken"] else None
    return PictureRow(
        entity["id"],
        path,
        entity["size"],
        entity["mtime_ns"],
        content_hash,
        entity["width"],
        entity["height"],
        entity["format"],
        taken,
    )


def unit_of(entity: Mapping[str, Any]) -> Array:
    """The unit vector, float32 [D]."""
    return np.asarray(entity[VECTOR], dtype=np.float32)


def stored_of(entity: Mapping[str, Any]) -> Stored:
    """A picture as it is kept; IndexCorrupt when its vector is none."""
    row, unit, norm = row_of(entity), unit_of(entity), float(entity["norm"])
    if not np.isfinite(unit).all() or not math.isfinite(norm):
        raise _damaged(row.path)
    return Stored(row, unit, norm, entity["status"] == GONE)


def state_of(entity: Mapping[str, Any]) -> tuple[bytes, FileState]:
    """A path and what is known of it."""
    path = check_path(path_of(entity["path"]))
    size, mtime_ns, status = entity["size"], entity["mtime_ns"], entity["status"]
    if status == FAILED:
        return path, FileState(None, size, mtime_ns, b"", "failed")
    try:
        content_hash = bytes.fromhex(entity["content_hash"])
    except ValueError:
        raise _damaged(path) from None
    return path, FileState(entity["id"], size, mtime_ns, content_hash, "gone" if status == GONE else "live")


def failure_of(entity: Mapping[str, Any]) -> Failure:
    """A file that could not be read."""
    path = check_path(path_of(entity["path"]))
    return Failure(path, entity["size"], entity["mtime_ns"], entity["note"])


def _placed(path: bytes) -> Entity:
    """What depends on the path alone."""
    text = text_of(path)
    if len(text.encode()) > LONGEST_TEXT:
        raise UsageError("A path is longer than 65,535 bytes, which a cluster does not keep.")
    return {"key": key_of(path), "path": text, "composed": composed_text(path)}


def _blank(key: str, dim: int) -> Entity:
    """A row that is no picture. Every row needs a vector; spread out, they do no harm to an index."""
    unit = np.zeros(dim, np.float32)
    unit[int(hashlib.sha256(key.encode()).hexdigest()[:12], 16) % dim] = 1.0
    numbers = ("id", "size", "mtime_ns", "hash_start", "width", "height")
    texts = ("path", "composed", "content_hash", "format", "note")
    return {
        "key": key,
        **dict.fromkeys(numbers, 0),
        **dict.fromkeys(texts, ""),
        "taken": 0.0,
        "has_taken": False,
        "norm": 0.0,
        VECTOR: unit,
    }


def _damaged(path: bytes) -> IndexCorrupt:
    name = path.decode("utf-8", "replace")
    return IndexCorrupt(f"The index row of {name!r} is damaged.", "Run `sightword check` to mend it.")
