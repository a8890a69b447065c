"""Describing, verifying and compacting a collection."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from sightword.errors import SightwordError
from sightword.index.base import CheckReport, Manifest
from sightword.index.milvus.collection import Collection
from sightword.index.milvus.creation import replicas_of
from sightword.index.milvus.entities import Entity, state_of, stored_of, unit_of
from sightword.index.milvus.layout import search_parameters
from sightword.index.milvus.lease import holder_of
from sightword.index.milvus.names import key_of
from sightword.index.milvus.schema import FAILED, GONE, LIVE, NOTE, SCALARS, VECTOR
from sightword.index.milvus.writer import MilvusWriter, origin_in

__all__ = ["describe", "faults", "forget_gone", "report"]

_PAGE = 1000
_FEW = 50
"""So many pictures asked for, for what ``info`` tells."""

_WORTH_MERGING = 10_000
"""Fewer holes are not worth segments that are sealed before they are full."""


def describe(collection: Collection, manifest: Manifest) -> dict[str, Any]:
    """What ``sightword info`` shows; every value fits into JSON. ``bytes`` are those of the vectors alone."""
    live, gone, failed = (
        collection.count(f"status == {status}", "strong") for status in (LIVE, GONE, FAILED)
    )
    address, connection = collection.connection.address, collection.connection
    # None while another process builds it anew.
    built = connection.call("describe_index", collection_name=collection.name, index_name=VECTOR) or {}
    return {
        "pictures": live,
        "failed": failed,
        "gone": gone,
        "bytes": (live + gone) * manifest.dim * 4,
        "backbone": manifest.backbone,
        "weights_hash": manifest.weights_hash,
        "preprocess": manifest.preprocess,
        "dim": manifest.dim,
        "dtype": manifest.dtype,
        "schema": manifest.schema,
        "location": address.plain,
        "place": "cluster",
        "writable": True,
        "notice": None,
        "server": f"Milvus {collection.connection.version}",
        "vector_index": collection.kind,
        "built_with": {name: int(built[name]) for name in ("M", "efConstruction", "nlist") if name in built},
        "searched_with": search_parameters(collection.kind, _FEW, collection.lists),
        "replicas": _replicas(collection),
        "consistency": address.layout.consistency,
        "origin": origin_in(collection) or None,
        "writer": holder_of(collection),
    }


def _replicas(collection: Collection) -> int | None:
    """Copies in memory; None where we may not ask."""
    try:
        return replicas_of(collection.connection)
    except SightwordError:
        return None


def faults(collection: Collection, manifest: Manifest) -> Iterator[tuple[str, str]]:
    """What is wrong with rows, as (key, sentence); the row of that key is best forgotten."""
    owner: dict[int, str] = {}
    for page in collection.pages(f"status != {NOTE}", ["key", *SCALARS, VECTOR], "strong", _PAGE):
        for entity in page:
            fault = _fault(entity, manifest)
            if fault is None and entity["status"] != FAILED:
                other = owner.setdefault(entity["id"], entity["key"])
                if other != entity["key"]:
                    fault = f"The id {entity['id']} belongs to two pictures."
            if fault is not None:
                yield entity["key"], fault


def _fault(entity: Entity, manifest: Manifest) -> str | None:
    name = repr(entity["path"])
    try:
        path, state = state_of(entity)
    except SightwordError as error:
        return error.message
    if entity["key"] != key_of(path):
        return f"The row of {name} has the key of another path."
    if state.status == "failed":
        return None
    if entity["status"] not in (LIVE, GONE) or entity["id"] < 1 or len(state.content_hash) != 32:
        return f"The row of {name} is damaged."
    try:
        stored_of(entity)
    except SightwordError as error:
        return error.message
    length = float(np.square(unit_of(entity), dtype=np.float64).sum())
    # bfloat16 keeps eight bits of each number.
    if not abs(length - 1.0) < (1e-4 if manifest.dtype == "float32" else 1e-2):
        return f"The vector of {name} is not of unit length."
    return None


def report(collection: Collection, manifest: Manifest, writer: MilvusWriter | None) -> CheckReport:
    """Verify every row; with a writer, forget the damaged ones, which the next update reads again."""
    found = list(faults(collection, manifest))
    sentences = [sentence for _, sentence in found]
    if writer is not None and found:
        writer.drop([key for key, _ in found])
    pictures = collection.count(f"status == {LIVE}", "strong")
    return CheckReport(pictures, sentences, list(sentences) if writer is not None else [])


def forget_gone(collection: Collection, manifest: Manifest, writer: MilvusWriter) -> int:
    """Delete gone pictures and let the server merge its segments; returns the bytes of their vectors."""
    keys = [row["key"] for page in collection.pages(f"status == {GONE}", ["key"], "strong") for row in page]
    writer.drop(keys)
    if len(keys) < _WORTH_MERGING:
        return len(keys) * manifest.dim * 4
    # Sealing and merging is the server's housekeeping: it may be busy, and does it by itself in the end.
    with contextlib.suppress(SightwordError):
        collection.connection.call("flush", collection_name=collection.name, seconds=60.0, patience=0.0)
        collection.connection.call("compact", collection_name=collection.name, patience=0.0)
    return len(keys) * manifest.dim * 4
