"""Two back ends, one answer: a thousand questions with filters, asked of this disk and of a real server."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from milvus_stores import emptied
from samples import MANIFEST, picture, unit

from milvus_server import MilvusServer
from sightword.index.base import Manifest, Picture
from sightword.index.milvus import background
from sightword.index.milvus.creation import rebuild_index
from sightword.index.milvus.store import MilvusStore
from sightword.index.store import LocalStore, open_store
from sightword.index.where import Expr, parse_where

pytestmark = pytest.mark.slow

COUNT, DIM, QUERIES = 2400, 64, 1000
BIG = Manifest("tiny", MANIFEST.weights_hash, "product", DIM)
FILTERS: list[Expr | None] = [
    None,
    None,
    parse_where("path ~ 'folder1/*'"),
    parse_where("path ~ '*7*' and width > 900"),
    parse_where("not path ~ 'folder0/*'"),
    parse_where("format = png or taken >= 2020-10"),
    parse_where("size < 1500 and not taken >= 2020-10-01"),
    parse_where("path ~ 'picture 1?3.jpg'"),
    parse_where("width > 100000"),
]


def made() -> list[Picture]:
    """Pictures in clusters, with twins and whole ties among them."""
    rng = np.random.default_rng(5)
    centres = rng.standard_normal((40, DIM))
    features = centres[rng.integers(0, 40, COUNT)] + 0.4 * rng.standard_normal((COUNT, DIM))
    features[100:200] = features[0]
    features[200:260] = features[1] * 3.0
    return [picture(at, feature=row.astype(np.float32)) for at, row in enumerate(features)]


@pytest.fixture(scope="module")
def stores(
    milvus_server: MilvusServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[LocalStore, MilvusStore]]:
    local = open_store(tmp_path_factory.mktemp("pictures"), create=BIG)
    there = emptied(milvus_server, "same", BIG)
    for store in (local, there):
        with store.writer() as writer:
            writer.add(made())
            writer.mark_gone([item.path for item in made()[::11]])
    yield local, there
    local.close()
    there.close()


def questions() -> list[np.ndarray[tuple[int], np.dtype[np.float32]]]:
    """Like composed queries: between a picture and a direction that no picture has."""
    rng = np.random.default_rng(6)
    pictures, asked = made(), []
    words = rng.standard_normal((20, DIM))
    for _ in range(QUERIES):
        like = unit(pictures[rng.integers(0, COUNT)].feature).astype(np.float64)
        word = words[rng.integers(0, 20)]
        share = rng.uniform(0, 1)
        asked.append(unit((share * like + (1 - share) * word / np.linalg.norm(word)).astype(np.float32)))
    return asked


def test_a_thousand_questions(stores: tuple[LocalStore, MilvusStore]) -> None:
    local, there = stores
    content = [item.content_hash for item in made()]
    for at, query in enumerate(questions()):
        k, where = (1, 10, 42)[at % 3], FILTERS[at % len(FILTERS)]
        out = {content[at], content[2 * at % COUNT]} if at % 4 == 0 else set()
        answers = [
            [(hit.score, hit.picture.path) for hit in store.scan(query, k, where=where, exclude_hashes=out)]
            for store in stores
        ]
        assert answers[0] == answers[1], (at, k, where)
        if at % 100 == 0:
            assert np.allclose(local.background(query), there.background(query), atol=1e-6)
            ids = [hit.picture.id for hit in there.scan(query, 200)]
            names = [local.find(there.row(ids[0]).path)]
            assert names[0] is not None
            assert np.array_equal(there.vectors(ids)[0], local.vectors([names[0].id])[0])


def test_far_more_than_a_search_may_ask_for(stores: tuple[LocalStore, MilvusStore]) -> None:
    query = questions()[0]
    answers = [[(hit.score, hit.picture.path) for hit in store.scan(query, COUNT)] for store in stores]
    assert answers[0] == answers[1]
    assert len(answers[0]) == COUNT - len(made()[::11])


def test_a_sample_tells_the_background(
    stores: tuple[LocalStore, MilvusStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    local, there = stores
    monkeypatch.setattr(background, "MOST", 1000)
    monkeypatch.setattr(background, "SAMPLE", 500)
    for query in questions()[:5]:
        mean, deviation = local.background(query)
        told = there.background(query)
        assert told == there.background(query)  # the same sample for everybody
        assert told != (mean, deviation)
        # Twenty-odd samples of 500 are within four standard errors of the whole.
        assert abs(told[0] - mean) < 4 * deviation / np.sqrt(400)
        assert abs(told[1] / deviation - 1) < 0.15


def test_a_graph_finds_nearly_the_same_and_ranks_it_alike(stores: tuple[LocalStore, MilvusStore]) -> None:
    local, there = stores
    connection, collection = there._connection, there._collection
    connection.call("flush", collection_name=collection.name, seconds=60.0)
    rebuild_index(connection, "HNSW", COUNT)
    reopened = MilvusStore.open(there.address)
    try:
        assert reopened.info()["vector_index"] == "HNSW"
        found = 0
        for at, query in enumerate(questions()[:60]):
            where = FILTERS[at % len(FILTERS)]
            wanted = [(hit.score, hit.picture.path) for hit in local.scan(query, 10, where=where)]
            answer = [(hit.score, hit.picture.path) for hit in reopened.scan(query, 10, where=where)]
            assert len(answer) == len(wanted)
            assert answer == sorted(answer, key=lambda item: (-item[0], item[1]))
            found += len(set(answer) & set(wanted)) == len(wanted)
        assert found >= 57
        assert np.allclose(local.background(questions()[0]), reopened.background(questions()[0]), atol=1e-6)
        assert reopened.compact() > 0  # auto: so few pictures are better kept flat
        assert reopened.info()["vector_index"] == "FLAT"
    finally:
        reopened.close()
