"""Asking a collection and writing to it, in pieces that a server takes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal, TypeVar

from sightword.backbones.base import Array
from sightword.index.milvus.connection import Connection
from sightword.index.milvus.entities import Entity, size_of
from sightword.index.milvus.expression import both, quoted
from sightword.index.milvus.layout import METRIC, search_parameters
from sightword.index.milvus.schema import VECTOR
from sightword.index.milvus.whole import SLOW, Whole

__all__ = ["MOST", "Collection", "Level"]

Level = Literal["asked", "strong"]
"""How much a read must have seen: as the address says, or everything that was acknowledged to anybody."""

T = TypeVar("T")

MOST = 16384
"""The most rows that a search may ask for."""

_MESSAGE = 4 << 20
"""Bytes of one request: servers refuse above 64 MB, and their logs prefer far less."""

_KEYS = 500
_SETTLES = 10.0
"""Seconds after which a bounded read (5 s by default) has seen a write anyway."""


class Collection:
    """Rows of one collection.

    Parameters
    ----------
    connection : Connection
    kind : str
        The server's name of its vector index.
    lists : int
        How many lists it has, if it is made of lists.
    """

    def __init__(self, connection: Connection, kind: str, lists: int = 0) -> None:
        self.connection = connection
        self.name = connection.address.collection
        self.kind = kind
        self.lists = lists
        self._whole = Whole(self._rows)
        self._asked: set[str] = set()
        self._written = -_SETTLES
        self._lock = threading.Lock()

    def search(
        self, query: Array, where: str, limit: int, fields: Sequence[str]
    ) -> list[tuple[float, Entity]]:
        """The rows nearest to a vector, best first, with the server's float32 cosines.

        Parameters
        ----------
        query : float32 [D]
        where : str
        limit : int
            At most `MOST`.
        fields : sequence of str
        """
        found = self._asked_whole(
            lambda: self.connection.call(
                "search",
                collection_name=self.name,
                data=[query.tolist()],
                anns_field=VECTOR,
                filter=where,
                limit=limit,
                output_fields=list(fields),
                search_params={
                    "metric_type": METRIC,
                    "params": search_parameters(self.kind, limit, self.lists),
                },
                consistency_level=self._level("search", "asked"),
            )[0]
        )
        return [(float(hit["distance"]), hit["entity"]) for hit in found]

    def _asked_whole(self, ask: Callable[[], T]) -> T:
        """The answer to a question, from all rows as far as can be told (`sightword.index.milvus.whole`)."""
        self._whole.wait()
        for again in (True, True, False):
            begun = time.monotonic()
            found = ask()
            repeated = self.connection.repeated >= begun
            if not again or (not repeated and time.monotonic() - begun < SLOW):
                break
            self._whole.doubt()
            if not self._whole.wait() and not repeated:
                break
        return found

    def _rows(self) -> int:
        """All rows that the server has at hand, notes and vanished pictures included."""
        found = self.connection.call(
            "query",
            collection_name=self.name,
            filter="",
            output_fields=["count(*)"],
            consistency_level="Bounded",
        )
        return int(found[0]["count(*)"])

    def query(self, where: str, fields: Sequence[str], level: Level = "asked") -> list[Entity]:
        """All rows that satisfy a condition; the caller knows that they are few."""
        return list(
            self.connection.call(
                "query",
                collection_name=self.name,
                filter=where,
                output_fields=list(fields),
                consistency_level=self._level("query", level),
                patient=level == "strong",
            )
        )

    def count(self, where: str, level: Level = "asked") -> int:
        """How many rows satisfy a condition."""
        return int(self.query(where, ["count(*)"], level)[0]["count(*)"])

    def pages(
        self, where: str | bool, fields: Sequence[str], level: Level = "asked", size: int = 2000
    ) -> Iterator[list[Entity]]:
        """All rows that satisfy a condition, in order of their keys, some at a time."""
        last = ""
        while True:
            page = list(
                self.connection.call(
                    "query",
                    collection_name=self.name,
                    filter=str(both(where, f"key > {quoted(last)}")),
                    output_fields=list(dict.fromkeys(["key", *fields])),
                    limit=size,
                    consistency_level=self._level("query", level),
                    patient=level == "strong",
                )
            )
            if page:
                yield page
            if len(page) < size:
                return
            last = max(row["key"] for row in page)

    def with_values(
        self, name: str, values: Iterable[Any], fields: Sequence[str], level: Level = "asked", where: str = ""
    ) -> list[Entity]:
        """Rows that have one of these values in a field, in no order."""
        found: list[Entity] = []
        every = list(values)
        for start in range(0, len(every), _KEYS):
            some = every[start : start + _KEYS]
            listed = ", ".join(quoted(value) if isinstance(value, str) else str(int(value)) for value in some)
            condition = both(where or True, f"{name} in [{listed}]")
            found += self.query(str(condition), list(dict.fromkeys([name, *fields])), level)
        return found

    def upsert(self, entities: Sequence[Entity]) -> None:
        """Put rows in, each in the place of one with the same key; after that they outlive the server."""
        for piece in _pieces(entities):
            self.connection.call("upsert", collection_name=self.name, data=piece, patient=True)
            self._wrote()

    def delete(self, keys: Sequence[str]) -> None:
        """Remove rows; keys that are not there do no harm."""
        for start in range(0, len(keys), _KEYS):
            listed = ", ".join(map(quoted, keys[start : start + _KEYS]))
            condition = f"key in [{listed}]"
            self.connection.call("delete", collection_name=self.name, filter=condition, patient=True)
            self._whole.forget()
            self._wrote()

    def _wrote(self) -> None:
        self._written = time.monotonic()

    def _level(self, sort: str, level: Level) -> str:
        """The server's name of a level.

        The first search and the first look-up see everything, so that a command sees what the one before it
        wrote; whoever wrote sees that; otherwise a few seconds may be missing, which costs no waiting.
        """
        asked = self.connection.address.layout.consistency
        with self._lock:
            first = sort not in self._asked
            self._asked.add(sort)
        if level == "strong" or asked == "strong" or (asked == "bounded" and first):
            return "Strong"
        if asked == "session" or time.monotonic() - self._written < _SETTLES:
            return "Session"
        return "Bounded"


def _pieces(entities: Sequence[Entity]) -> Iterator[list[Entity]]:
    piece: list[Entity] = []
    room = _MESSAGE
    for entity in entities:
        size = size_of(entity)
        if piece and size > room:
            yield piece
            piece, room = [], _MESSAGE
        piece.append(entity)
        room -= size
    if piece:
        yield piece
