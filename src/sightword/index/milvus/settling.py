"""Waiting until a server's vector index has every row.

New rows are compared one by one until the server seals them and builds its index over them, in its own time:
so long an approximate index answers exactly, which whoever measures it must not mistake for its merit.
"""

from __future__ import annotations

import time

from sightword.errors import IndexProblem
from sightword.index.milvus.connection import Connection
from sightword.index.milvus.creation import open_collection
from sightword.index.milvus.schema import VECTOR

__all__ = ["settle"]

_SLOW = 120.0
"""Seconds for sealing and for letting go."""

_PATIENCE = 3600.0
_PAUSE = 0.5


def settle(connection: Connection, rows: int, patience: float = _PATIENCE) -> None:
    """Seal what was written, wait for the index over it, and load that; nothing can be asked meanwhile.

    Parameters
    ----------
    connection : Connection
    rows : int
        How many there are. What was just sealed is not counted as waiting at once.
    patience : float
        Seconds.

    Raises
    ------
    IndexProblem
        The index is not finished in time, or building it failed.
    """
    name = connection.address.collection
    connection.call("flush", collection_name=name, seconds=_SLOW)
    deadline = time.monotonic() + patience
    while True:
        found = connection.call("describe_index", collection_name=name, index_name=VECTOR)
        done = found["state"] == "Finished" and not found["pending_index_rows"]
        if done and found["indexed_rows"] >= rows:
            break
        if found["state"] == "Failed" or time.monotonic() > deadline:
            raise IndexProblem(
                f"{connection.address.plain} is not indexed: {found['indexed_rows']:,} of {rows:,} rows are.",
                "See the server's log, and ask again later.",
            )
        time.sleep(_PAUSE)
    connection.call("release_collection", collection_name=name, seconds=_SLOW)
    open_collection(connection)
