"""Waiting for a server's index: not before all rows are in it, not for ever, and as many copies as before."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from samples import MANIFEST, pictures

from milvus_server import MilvusServer
from sightword.errors import IndexProblem
from sightword.index.milvus import care, creation, settling
from sightword.index.milvus.address import parse_address
from sightword.index.milvus.connection import Connection
from sightword.index.milvus.store import MilvusStore


class Server:
    """Answers `describe_index` with one state after the other, the last for good; it is in memory twice."""

    def __init__(self, *states: tuple[str, int, int]) -> None:
        self.address = parse_address("milvus://ann@db/x")
        self.states = list(states)
        self.called: list[str] = []
        self.copies: list[int] = []
        self.failing: dict[str, BaseException] = {}

    def call(self, method: str, **arguments: Any) -> Any:
        self.called.append(method)
        if method == "load_collection":
            self.copies.append(arguments["replica_number"])
        if method in self.failing:
            raise self.failing.pop(method)
        if method == "describe_replica":
            return ["one", "other"]
        if method != "describe_index" or not self.states:
            return None
        state, indexed, pending = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return {"state": state, "indexed_rows": indexed, "pending_index_rows": pending}


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "_PAUSE", 0.0)


def test_nothing_is_loaded_before_every_row_is_indexed() -> None:
    # What was sealed a moment ago is not yet counted as waiting.
    server = Server(("Finished", 0, 0), ("InProgress", 0, 9), ("Finished", 4, 5), ("Finished", 9, 0))
    settling.settle(server, 9)  # type: ignore[arg-type]
    loaded = ["describe_replica", "release_collection", "load_collection"]
    assert server.called == ["flush", *["describe_index"] * 4, *loaded]
    assert server.copies == [2]


@pytest.mark.parametrize("state", ["Failed", "InProgress"])
def test_what_is_not_indexed_in_time_is_told(state: str) -> None:
    server = Server((state, 4, 5))
    with pytest.raises(IndexProblem, match="db:19530/x is not indexed: 4 of 9 rows are") as caught:
        settling.settle(server, 9, patience=0.0 if state == "InProgress" else 60.0)  # type: ignore[arg-type]
    assert "log" in str(caught.value)
    assert "release_collection" not in server.called


def test_nothing_happens_when_nothing_was_written() -> None:
    server = Server(("Finished", 12, 0))  # with what was deleted, which still counts
    settling.settle(server, 9, written=False)  # type: ignore[arg-type]
    assert server.called == ["describe_index"]
    server = Server(("Finished", 8, 0), ("Finished", 9, 0))  # an earlier run was cut off
    settling.settle(server, 9, written=False)  # type: ignore[arg-type]
    assert server.called[1] == "flush"
    assert server.copies == [2]


@pytest.mark.parametrize("method", ["release_collection", "load_collection"])
def test_cut_off_it_is_in_memory_as_before(method: str) -> None:
    server = Server(("Finished", 9, 0))
    server.failing[method] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        settling.settle(server, 9)  # type: ignore[arg-type]
    assert server.called[-1] == "load_collection"
    assert set(server.copies) == {2}


def test_another_index_is_in_memory_as_often_as_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(creation, "build_index", lambda *arguments, **more: None)
    server = Server()
    creation.rebuild_index(server, "HNSW", 9)  # type: ignore[arg-type]
    assert server.copies == [2]
    server = Server()
    server.address = parse_address("milvus://db/x?replicas=3")
    server.failing["load_collection"] = IndexProblem("too few query nodes")
    with pytest.raises(IndexProblem, match="too few query nodes"):
        creation.rebuild_index(server, "HNSW", 9)  # type: ignore[arg-type]
    assert server.copies == [3, 2]


def test_an_index_that_is_being_built_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server describes none, in the window of another client's `compact`."""
    with pytest.raises(IndexProblem, match="has no vector index at the moment"):
        settling.settle(Server(), 9)  # type: ignore[arg-type]
    server = Server()
    answers = {"list_indexes": ["unit"], "describe_replica": ["one"]}
    server.call = lambda method, **more: answers.get(method)  # type: ignore[method-assign]
    assert creation._index_kind(server) == (None, 0)  # type: ignore[arg-type]
    monkeypatch.setattr(care, "origin_in", lambda collection: "")
    monkeypatch.setattr(care, "holder_of", lambda collection: None)
    server.version = "2.3.5"  # type: ignore[attr-defined]
    collection = SimpleNamespace(connection=server, name="x", kind="HNSW", lists=0, count=lambda *more: 0)
    assert care.describe(collection, MANIFEST)["built_with"] == {}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rows", "state", "dropped"), [(0, "NotLoad", True), (1, "NotLoad", False), (0, "Loaded", False)]
)
def test_only_what_nobody_uses_is_removed(rows: int, state: str, dropped: bool) -> None:
    server = Server()
    answers = {
        "get_collection_stats": {"row_count": rows},
        "get_load_state": {"state": SimpleNamespace(name=state)},
    }

    def call(method: str, **more: Any) -> Any:
        server.called.append(method)
        return answers.get(method)

    server.call = call  # type: ignore[method-assign]
    creation.drop_unused(server)  # type: ignore[arg-type]
    assert (server.called[-1] == "drop_collection") is dropped


@pytest.mark.slow
def test_a_collection_with_a_row_is_not_removed(milvus_server: MilvusServer) -> None:
    """Also one that is in no memory, and whose rows are not on a disk yet."""
    address = parse_address(milvus_server.url("unused"))
    connection = Connection(address)
    try:
        with MilvusStore.create(address, MANIFEST) as store, store.writer():
            connection.call("release_collection", collection_name="unused")
            creation.drop_unused(connection)
            there = connection.has("unused")
            if there:  # the writer wants to strike out its name
                connection.call("load_collection", collection_name="unused", seconds=60.0)
            assert there
    finally:
        connection.close()
    with closing(Connection(replace(address, collection="empty"))) as connection:
        creation.make_collection(connection, MANIFEST)
        creation.drop_unused(connection)
        assert not connection.has("empty")


@pytest.mark.slow
def test_a_whole_index_stays_in_memory(milvus_server: MilvusServer, monkeypatch: pytest.MonkeyPatch) -> None:
    address = parse_address(milvus_server.url("whole_graph", index="hnsw"))
    monkeypatch.setattr(settling, "_PAUSE", 0.5)
    called: list[str] = []
    call = Connection.call

    def noting(self: Connection, method: str, /, **more: Any) -> Any:
        called.append(method)
        return call(self, method, **more)

    with MilvusStore.create(address, MANIFEST) as store:
        with store.writer() as writer:
            writer.add(pictures(range(20)))
        store.settle()
        monkeypatch.setattr(Connection, "call", noting)
        store.settle(written=False)
        assert "release_collection" not in called
        assert "describe_index" in called
        store.settle()
        assert "release_collection" in called
        assert len(store.known()) == 20
