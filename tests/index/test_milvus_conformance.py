"""The store on a real Milvus server keeps the contract that the one on this disk keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from conformance import StoreConformance
from samples import MANIFEST

from milvus_server import MilvusServer
from sightword.index.base import Manifest
from sightword.index.milvus.address import parse_address
from sightword.index.milvus.store import MilvusStore

pytestmark = pytest.mark.slow


def emptied(server: MilvusServer, name: str, manifest: Manifest, **options: Any) -> MilvusStore:
    """A store without a row, in a collection that serves again and again: making one takes seconds."""
    store = MilvusStore.create(parse_address(server.url(name, **options)), manifest)
    assert store.manifest == manifest
    rows = store._collection.pages("status >= 0", ["key"], "strong")
    store._collection.delete([row["key"] for page in rows for row in page])
    return store


class TestMilvusFloat32(StoreConformance):
    """As it is used by default: a flat index, one shard."""

    collection = "conformance"
    options: dict[str, Any] = {}  # noqa: RUF012

    @pytest.fixture
    def make_store(self, milvus_server: MilvusServer) -> Callable[[Manifest], MilvusStore]:
        return lambda manifest: emptied(milvus_server, self.collection, manifest, **self.options)


class TestMilvusBfloat16InShards(TestMilvusFloat32):
    """Rounded vectors, two shards, pictures spread by their folder, and reads that always see everything."""

    manifest = replace(MANIFEST, dtype="bfloat16")
    collection = "conformance_shards"
    options = {"shards": 2, "partitions": 4, "consistency": "strong"}  # noqa: RUF012
