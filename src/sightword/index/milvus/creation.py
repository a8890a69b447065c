"""Making a collection, and bringing one into memory; both can be cut off anywhere and done again."""

from __future__ import annotations

import contextlib
import warnings
from dataclasses import replace
from typing import Any

from sightword.errors import IndexMissing, IndexProblem, IndexWarning, SightwordError
from sightword.index.base import Manifest
from sightword.index.milvus.collection import Collection
from sightword.index.milvus.connection import Connection
from sightword.index.milvus.layout import METRIC, choose, index_parameters
from sightword.index.milvus.schema import VECTOR, make_schema, read_manifest

__all__ = [
    "build_index",
    "drop_unused",
    "load_again",
    "load_anew",
    "make_collection",
    "open_collection",
    "rebuild_index",
    "replicas_of",
]

_SLOW = 60.0
"""Seconds for what a server does not do in passing."""

_BUILDING = 6 * 3600.0


def make_collection(connection: Connection, manifest: Manifest) -> bool:
    """Make an empty collection unless there is one; of two that try at once, one makes it.

    Returns
    -------
    bool
        Whether there was none.
    """
    address = connection.address
    if connection.has(address.collection):
        return False
    connection.check_database()
    layout = address.layout
    connection.call(
        "create_collection",
        seconds=_SLOW,
        collection_name=address.collection,
        schema=make_schema(connection.library, manifest),
        num_shards=layout.shards,
        consistency_level="Bounded",
    )
    return True


def drop_unused(connection: Connection) -> None:
    """Remove a collection that was just made and then could not be used; not if another process uses it.

    Whoever writes, or is about to, has a row in it (`sightword.index.milvus.lease`), and had it loaded before
    that: without a row and not loaded, it is nobody's. The server has no "drop if": what happens between the
    last question and the drop, it cannot see.
    """
    name = connection.address.collection
    quickly: dict[str, Any] = {"patience": 0.0, "collection_name": name}
    with contextlib.suppress(SightwordError):  # what went wrong before is what is told
        connection.call("flush", seconds=_SLOW, **quickly)  # rows that were just written are not counted
        if connection.call("get_collection_stats", **quickly)["row_count"]:
            return
        state = connection.call("get_load_state", **quickly)["state"]
        if getattr(state, "name", "") in ("NotExist", "NotLoad"):
            connection.call("drop_collection", **quickly)


def open_collection(connection: Connection, expected: int = 0) -> tuple[Manifest, Collection]:
    """A collection with its manifest; loaded and ready to be asked.

    Parameters
    ----------
    connection : Connection
    expected : int
        How many pictures will come, for an index that is still to be made.

    Raises
    ------
    IndexMissing
        There is no such collection.
    IndexCorrupt
        It is not Sightword's.
    """
    address = connection.address
    if not connection.has(address.collection):
        connection.check_database()
        raise IndexMissing(f"There is no collection {address.collection} on {address.server}.")
    described = connection.call("describe_collection", collection_name=address.collection)
    manifest = read_manifest(described, address)
    kind, lists = _index_kind(connection)
    if kind is None:
        kind = build_index(connection, choose(address.layout.index, expected), expected)
        lists = index_parameters(kind, expected).get("nlist", 0)
    _load(connection)
    return manifest, Collection(connection, kind, lists)


def build_index(connection: Connection, kind: str, pictures: int, *, wait: bool = False) -> str:
    """Have the server index the vectors, and the fields by which rows are looked up; returns `kind`."""
    name = connection.address.collection
    parameters = connection.library.MilvusClient.prepare_index_params()
    for field in ("id", "hash_start"):
        parameters.add_index(field_name=field, index_name=field, index_type="STL_SORT")
    parameters.add_index(
        field_name=VECTOR,
        index_name=VECTOR,
        index_type=kind,
        metric_type=METRIC,
        params=index_parameters(kind, pictures),
    )
    connection.call(
        "create_index",
        seconds=_BUILDING,
        patience=_SLOW,
        collection_name=name,
        index_params=parameters,
        sync=wait,
    )
    return kind


def rebuild_index(connection: Connection, kind: str, pictures: int) -> None:
    """Put another vector index in the place of the present one; nothing can be asked until it is done."""
    name = connection.address.collection
    wanted, present = connection.address.layout.replicas, replicas_of(connection)
    connection.call("release_collection", seconds=_SLOW, collection_name=name)
    connection.call("drop_index", seconds=_SLOW, collection_name=name, index_name=VECTOR)
    build_index(connection, kind, pictures, wait=True)
    _bring_back(connection, present if wanted == 1 else wanted, present)


def _index_kind(connection: Connection) -> tuple[str | None, int]:
    """The server's name of the vector index, and how many lists it has."""
    name = connection.address.collection
    if VECTOR not in connection.call("list_indexes", collection_name=name):
        return None, 0
    described: dict[str, Any] | None = connection.call(
        "describe_index", collection_name=name, index_name=VECTOR
    )
    if described is None:  # dropped in between, by another process that builds it anew
        return None, 0
    return str(described["index_type"]), int(described.get("nlist", 0))


def replicas_of(connection: Connection) -> int:
    """How many copies of the collection are in memory."""
    return len(connection.call("describe_replica", collection_name=connection.address.collection))


def load_again(connection: Connection) -> None:
    """Have as many copies in memory as the address asks for, if it asks for more than one.

    Nothing can be asked meanwhile: Milvus 2.3 changes the number only of a collection that is not loaded.
    """
    wanted, present = connection.address.layout.replicas, replicas_of(connection)
    if wanted not in (1, present):
        load_anew(connection, wanted, present)


def load_anew(connection: Connection, wanted: int, present: int) -> None:
    """Let go of the collection and load it so many times; cut off, as many times as it was.

    Nothing can be asked meanwhile.
    """
    name = connection.address.collection
    try:
        connection.call("release_collection", seconds=_SLOW, collection_name=name)
    except BaseException:  # it may be out of memory all the same
        with contextlib.suppress(SightwordError):
            _bring(connection, present or 1)
        raise
    _bring_back(connection, wanted, present)


def _bring_back(connection: Connection, wanted: int, present: int) -> None:
    try:
        _bring(connection, wanted or 1)
    except BaseException:
        with contextlib.suppress(SightwordError):  # why it is not as wanted is what is told
            _bring(connection, present or 1)
        raise


def _load(connection: Connection) -> None:
    """Bring the collection into the memory of query nodes, unless it is there."""
    address = connection.address
    wanted = address.layout.replicas
    state = connection.call("get_load_state", collection_name=address.collection)["state"]
    if getattr(state, "name", "") != "Loaded":
        _bring(connection, wanted)
    elif wanted != 1 and (present := replicas_of(connection)) != wanted:
        warnings.warn(
            f"{address.plain} is in memory {_times(present)}, not {_times(wanted)} as ?replicas={wanted} "
            f"asks; `sightword compact '{address}'` loads it anew (no answers meanwhile).",
            IndexWarning,
            stacklevel=2,
        )


def _bring(connection: Connection, replicas: int) -> None:
    address = connection.address
    try:
        connection.call(
            "load_collection",
            seconds=_BUILDING,
            patience=_SLOW,
            collection_name=address.collection,
            replica_number=replicas,
        )
    except IndexProblem as error:
        if replicas == 1 or type(error) is not IndexProblem:
            raise
        raise IndexProblem(
            f"{address.plain} cannot be loaded {_times(replicas)}: {error.message}",
            "Every copy needs a query node of its own: start more of them, or write "
            f"{replace(address, layout=replace(address.layout, replicas=1))}.",
        ) from None


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
