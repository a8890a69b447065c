"""What a collection looks like, and what makes one ours.

One row for every path: the key is made of the path, so that putting a picture in the place of another (or of
a failure) is one step of the server and never seen half done. Failures, and a few notes (who is writing, the
next id, where pictures can be seen), are rows of the same collection with another status: whoever copies,
renames or drops it has all or nothing. The manifest is its description, written when it is made and never
changed.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from sightword.errors import IndexCorrupt
from sightword.index.base import Manifest
from sightword.index.milvus.address import Address

__all__ = ["FAILED", "GONE", "LIVE", "NOTE", "SCALARS", "VECTOR", "VERSION", "make_schema", "read_manifest"]

VERSION = 1
LIVE, GONE, FAILED, NOTE = range(4)
"""Values of the field ``status``."""

VECTOR = "unit"
LONGEST_TEXT = 65535

SCALARS = (
    "id", "path", "size", "mtime_ns", "content_hash", "width", "height", "format", "taken", "has_taken",
    "status", "norm", "note",
)  # fmt: skip
"""What a row is read back from; ``composed`` and ``hash_start`` only help to find it."""


def make_schema(library: Any, manifest: Manifest) -> Any:
    """The schema of a new collection.

    Parameters
    ----------
    library : module
        ``pymilvus``.
    manifest : Manifest
    """
    types = library.DataType
    schema = library.MilvusClient.create_schema(
        auto_id=False, enable_dynamic_field=False, description=_description(manifest)
    )
    schema.add_field("key", types.VARCHAR, max_length=64, is_primary=True)
    # Ids are what hits carry: below 2**53, so that every program's numbers hold them.
    for name in ("id", "size", "mtime_ns", "width", "height", "hash_start"):
        schema.add_field(name, types.INT64)
    schema.add_field("status", types.INT8)
    for name in ("path", "composed", "note"):
        schema.add_field(name, types.VARCHAR, max_length=LONGEST_TEXT)
    schema.add_field("content_hash", types.VARCHAR, max_length=128)
    schema.add_field("format", types.VARCHAR, max_length=255)
    # No empty values before Milvus 2.5: a picture without a date has has_taken = false.
    schema.add_field("taken", types.DOUBLE)
    schema.add_field("has_taken", types.BOOL)
    schema.add_field("norm", types.DOUBLE)
    schema.add_field(VECTOR, types.FLOAT_VECTOR, dim=manifest.dim)
    return schema


def _description(manifest: Manifest) -> str:
    return json.dumps({"sightword": VERSION, **asdict(manifest)}, sort_keys=True)


def read_manifest(described: dict[str, Any], address: Address) -> Manifest:
    """The manifest of a collection.

    Parameters
    ----------
    described : dict
        The client library's description of the collection.
    address : Address

    Raises
    ------
    IndexCorrupt
        It is not Sightword's, of a newer version, or damaged.
    """
    try:
        said = json.loads(described.get("description") or "")
        version = said["sightword"]
    except (ValueError, TypeError, KeyError):
        raise IndexCorrupt(
            f"The collection {address.collection} on {address.server} was not made by Sightword.",
            "Name another collection.",
        ) from None
    if version != VERSION:
        raise IndexCorrupt(
            f"The collection {address.collection} on {address.server} has schema version {version}; "
            f"this release reads version {VERSION}.",
            "Upgrade Sightword."
            if isinstance(version, int) and version > VERSION
            else "Drop it and index again.",
        )
    try:
        manifest = Manifest(
            backbone=said["backbone"],
            weights_hash=said["weights_hash"],
            preprocess=said["preprocess"],
            dim=said["dim"],
            dtype=said["dtype"],
            schema=said["schema"],
        )
        fields = {field["name"]: field for field in described["fields"]}
        sound = (
            {*SCALARS, VECTOR, "key", "composed", "hash_start"} <= set(fields)
            and fields[VECTOR]["params"]["dim"] == manifest.dim
            and isinstance(manifest.backbone, str)
            and isinstance(manifest.weights_hash, str)
            and manifest.preprocess in ("clip", "product")
            and manifest.dtype in ("float32", "bfloat16")
        )
    except (KeyError, TypeError):
        sound = False
    if not sound:
        raise IndexCorrupt(
            f"The collection {address.collection} on {address.server} has a damaged manifest.",
            "Drop it and index again.",
        )
    return manifest
