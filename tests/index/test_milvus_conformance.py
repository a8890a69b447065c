"""The store on a real Milvus server keeps the contract that the one on this disk keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from conformance import StoreConformance
from milvus_stores import emptied
from samples import MANIFEST, Model, assert_same, feature, pictures, unit

from milvus_server import MilvusServer
from sightword.index.base import Failure, Manifest
from sightword.index.milvus.store import MilvusStore
from sightword.index.where import Glob

pytestmark = pytest.mark.slow


class TestMilvus(StoreConformance):
    """As it is used by default: a flat index, one shard, 32-bit numbers."""

    @pytest.fixture
    def make_store(self, milvus_server: MilvusServer) -> Callable[[Manifest], MilvusStore]:
        return lambda manifest: emptied(milvus_server, "conformance", manifest)


def test_in_shards_and_rounded(milvus_server: MilvusServer) -> None:
    """Another layout changes nothing: all that a picture can go through, in one history."""
    manifest = replace(MANIFEST, dtype="bfloat16")
    model, batch = Model(manifest), pictures(range(30))
    layout = {"shards": 2, "consistency": "strong"}
    store = emptied(milvus_server, "conformance_shards", manifest, **layout)
    moves = [(batch[1].path, batch[2].path, 3, 4), (batch[2].path, b"elsewhere/a.jpg", 5, 6)]
    with store.writer() as writer:
        for target in (writer, model):
            target.add(batch)
            target.fail([Failure(batch[5].path, 1, 2, "It is cut off.")])
            target.mark_gone([batch[7].path, batch[8].path])
            target.touch({batch[8].path: (1, 2)})
            target.move(moves)
        assert_same(store, model, k=40)
    query = unit(feature(3))
    found = [hit.picture.path for hit in store.scan(query, 40, where=Glob("path", "folder1/*"))]
    assert found == [path for _, path in model.scan(query, 40) if path.startswith(b"folder1/")]
    store.compact()
    model.compact()
    assert_same(store, model, k=40)
    assert store.check().problems == []
    store.close()
