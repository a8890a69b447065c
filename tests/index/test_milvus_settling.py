"""Waiting for a server's index: not before all rows are in it, and not for ever."""

from __future__ import annotations

from typing import Any

import pytest

from sightword.errors import IndexProblem
from sightword.index.milvus import settling
from sightword.index.milvus.address import parse_address


class Server:
    """Answers `describe_index` with one state after the other, the last for good."""

    def __init__(self, *states: tuple[str, int, int]) -> None:
        self.address = parse_address("milvus://ann@db/x")
        self.states = list(states)
        self.called: list[str] = []

    def call(self, method: str, **arguments: Any) -> Any:
        self.called.append(method)
        if method != "describe_index":
            return None
        state, indexed, pending = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return {"state": state, "indexed_rows": indexed, "pending_index_rows": pending}


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "_PAUSE", 0.0)
    monkeypatch.setattr(settling, "open_collection", lambda server: server.called.append("opened"))


def test_nothing_is_loaded_before_every_row_is_indexed() -> None:
    # What was sealed a moment ago is not yet counted as waiting.
    server = Server(("Finished", 0, 0), ("InProgress", 0, 9), ("Finished", 4, 5), ("Finished", 9, 0))
    settling.settle(server, 9)  # type: ignore[arg-type]
    assert server.called == ["flush", *["describe_index"] * 4, "release_collection", "opened"]


@pytest.mark.parametrize("state", ["Failed", "InProgress"])
def test_what_is_not_indexed_in_time_is_told(state: str) -> None:
    server = Server((state, 4, 5))
    with pytest.raises(IndexProblem, match="db:19530/x is not indexed: 4 of 9 rows are") as caught:
        settling.settle(server, 9, patience=0.0 if state == "InProgress" else 60.0)  # type: ignore[arg-type]
    assert "log" in str(caught.value)
    assert "release_collection" not in server.called
