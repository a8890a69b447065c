"""Waiting until a server's vector index has every row.

New rows are compared one by one until the server seals them and builds its index over them, in its own time:
so long an approximate index answers exactly, which whoever measures it must not mistake for its merit.
"""

from __future__ import annotations

import time
from typing import Any

from sightword.errors import IndexProblem
from sightword.index.milvus.connection import Connection
from sightword.index.milvus.creation import load_anew, replicas_of
from sightword.index.milvus.schema import VECTOR

__all__ = ["settle"]

_SLOW = 120.0
"""Seconds for sealing."""

_PATIENCE = 3600.0
_PAUSE = 0.5


def settle(connection: Connection, rows: int, patience: float = _PATIENCE, *, written: bool = True) -> None:
    """Seal what was written, wait for the index over it, and load that as many times as it was before.

    While it is loaded, nothing can be asked.

    Parameters
    ----------
    connection : Connection
    rows : int
        How many there are. What was just sealed is not counted as waiting at once.
    patience : float
        Seconds.
    written : bool
        Otherwise an index that has every row is left alone.

    Raises
    ------
    IndexProblem
        The index is not finished in time, is not there any more, or building it failed.
    """
    name = connection.address.collection
    if not written and _has_all(_described(connection), rows):
        return
    connection.call("flush", collection_name=name, seconds=_SLOW)
    deadline = time.monotonic() + patience
    while True:
        found = _described(connection)
        if _has_all(found, rows):
            break
        if found["state"] == "Failed" or time.monotonic() > deadline:
            raise IndexProblem(
                f"{connection.address.plain} is not indexed: {found['indexed_rows']:,} of {rows:,} rows are.",
                "See the server's log, and ask again later.",
            )
        time.sleep(_PAUSE)
    present = replicas_of(connection)
    load_anew(connection, present, present)


def _described(connection: Connection) -> dict[str, Any]:
    name = connection.address.collection
    found: dict[str, Any] | None = connection.call("describe_index", collection_name=name, index_name=VECTOR)
    if found is None:
        raise IndexProblem(
            f"{connection.address.plain} has no vector index at the moment.",
            "Another process builds one anew (`sightword compact`), or was cut off at it: ask again later.",
        )
    return found


def _has_all(found: dict[str, Any], rows: int) -> bool:
    done = found["state"] == "Finished" and not found["pending_index_rows"]
    return bool(done and found["indexed_rows"] >= rows)
