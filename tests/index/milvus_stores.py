"""Stores in collections of a real server, for tests."""

from __future__ import annotations

from typing import Any

from milvus_server import MilvusServer
from sightword.index.base import Manifest
from sightword.index.milvus.address import parse_address
from sightword.index.milvus.store import MilvusStore

__all__ = ["emptied"]


def emptied(server: MilvusServer, name: str, manifest: Manifest, **options: Any) -> MilvusStore:
    """A store without a row, in a collection that serves again and again: making one takes seconds."""
    store = MilvusStore.create(parse_address(server.url(name, **options)), manifest)
    assert store.manifest == manifest
    rows = store._collection.pages("status >= 0", ["key"], "strong")
    store._collection.delete([row["key"] for page in rows for row in page])
    return store
