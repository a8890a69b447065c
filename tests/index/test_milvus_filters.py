"""A real server reads our expressions as they are meant, whatever names and numbers occur in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from milvus_stores import emptied
from samples import MANIFEST, feature, picture, unit
from test_milvus_expression import trees

from milvus_server import MilvusServer
from sightword.index.base import Picture
from sightword.index.milvus import ranking
from sightword.index.milvus.store import MilvusStore
from sightword.index.where import And, Compare, Expr, Glob, Not, Or
from sightword.index.where_rows import holds

pytestmark = pytest.mark.slow

PATHS = [
    b"a", b"b", b"a.b", b"a/b", b"ab/a", b"a/a/b", b"*", b"?", b"[", b"a*b/?", b"%", b"_", b"a%/b_", b"\\",
    b"a\\/b", b'"', b'a"/b', b"'", b"a'/b", b"\n", b"a\n/b", b"\xff", b"a/\xff", b"\xe9a/b", "é".encode(),
    "é/a".encode(), "e\u0301/a".encode(), "\u212b/a".encode(), "Å/b".encode(), "\ufdd0/a".encode(),
    "\ufdd0ff/a".encode(), "\U0001f600/b".encode(), "\uffff/a".encode(), b"status == 0", b"trips/1.jpg",
    b"trips0",
]  # fmt: skip


def hostile() -> list[Picture]:
    made = []
    for at, path in enumerate(PATHS):
        item = picture(
            at,
            path,
            width=at % 5,
            height=(-(2**63), 2**63 - 1, 0, 1, 2)[at % 5],
            size=at % 5,
            mtime_ns=(at % 5) * 500_000_000,
            taken=None if at % 3 == 0 else float(at % 5),
            format=("png", "jpeg", "p_g", 'p"g')[at % 4],
        )
        made.append(item)
    return made


@pytest.fixture(scope="module")
def store(milvus_server: MilvusServer) -> Iterator[MilvusStore]:
    made = emptied(milvus_server, "filters", MANIFEST)
    with made.writer() as writer:
        writer.add(hostile())
    yield made
    made.close()


def agrees(store: MilvusStore, expr: Expr, k: int = 100) -> None:
    query = unit(feature(77))
    every = [hit.picture for hit in store.scan(query, 100)]
    assert len(every) == len(hostile())
    found = store.scan(query, k, where=expr)
    assert [hit.picture for hit in found] == [row for row in every if holds(expr, row)][:k]


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(expr=trees)
def test_random_filters(store: MilvusStore, expr: Expr) -> None:
    agrees(store, expr)


@pytest.mark.parametrize("path", PATHS)
def test_every_name_is_found_by_itself_and_by_its_beginning(store: MilvusStore, path: bytes) -> None:
    name = path.decode("utf-8", "surrogateescape")
    plain = "".join(f"[{sign}]" if sign in "*?[" else sign for sign in name)
    for pattern in (plain, plain + "*", plain.split("/")[0] + "/*", "*" + plain):
        for expr in (Glob("path", pattern), Not(Glob("path", pattern))):
            agrees(store, expr)
    assert store.find(path) is not None


def test_every_number_is_compared_exactly(store: MilvusStore) -> None:
    for field in ("width", "height", "size", "taken", "modified"):
        for op in ("<", "<=", "=", "!=", ">=", ">"):
            for value in (-1e19, 0.5, 1.0, 5e-324):
                agrees(store, Compare(field, op, value))  # type: ignore[arg-type]


def test_when_proposals_are_not_enough_every_row_is_asked(
    store: MilvusStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranking, "MOST", 8)
    monkeypatch.setattr(ranking, "_MARGIN", 2)
    rare = And((Glob("path", "*b*"), Or((Compare("width", "=", 2), Not(Glob("path", "*a*"))))))
    for k in (1, 3, 40):
        agrees(store, rare, k)
    monkeypatch.setattr(ranking, "_WITH_VECTORS", 0)
    agrees(store, rare, 3)


def test_contents_are_left_out_and_the_rest_moves_up(store: MilvusStore) -> None:
    query = unit(feature(77))
    every = store.scan(query, 100)
    out = {every[0].picture.content_hash, every[2].picture.content_hash}
    found = store.scan(query, 2, exclude_hashes=out)
    assert [hit.picture for hit in found] == [every[1].picture, every[3].picture]
    copies = [replace(picture(7, b"copy %d" % at), content_hash=b"\x07" * 32) for at in range(60)]
    with store.writer() as writer:
        writer.add(copies)
        like = unit(feature(7))
        best = store.scan(like, 1, exclude_hashes={b"\x07" * 32})
        assert best[0].picture.path == PATHS[7]
        writer.drop([])
        writer.fail([])
        writer.mark_gone([copy.path for copy in copies])
    store.compact()
