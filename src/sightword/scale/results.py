"""What comes out of the pipeline: batches of columns, put together again as shards."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from sightword.index.base import Picture
from sightword.pictures.types import UnreadablePicture

__all__ = ["Result", "each", "gathered"]

Result = Picture | UnreadablePicture


def each(batch: Mapping[str, Any]) -> Iterator[tuple[int, int, Result]]:
    """The rows of an encoded batch, as (number of the shard, row in it, picture or failure)."""
    for at in range(len(batch["row"])):
        path, size, mtime_ns = bytes(batch["name"][at]), int(batch["size"][at]), int(batch["mtime_ns"][at])
        result: Result
        if reason := str(batch["reason"][at]):
            result = UnreadablePicture(path, size, mtime_ns, reason, bool(batch["vanished"][at]))
        else:
            taken = float(batch["taken"][at])
            result = Picture(
                path=path,
                size=size,
                mtime_ns=mtime_ns,
                content_hash=bytes(batch["content_hash"][at]),
                width=int(batch["width"][at]),
                height=int(batch["height"][at]),
                format=str(batch["format"][at]),
                taken=None if math.isnan(taken) else taken,
                # A copy: what a cluster hands over lies in memory that it wants back.
                feature=np.array(batch["feature"][at], dtype=np.float32),
            )
        yield int(batch["shard"][at]), int(batch["row"][at]), result


def gathered(
    rows: Iterable[tuple[int, int, Result]], counts: Sequence[int]
) -> Iterator[tuple[int, list[Result]]]:
    """Shards, each once and as soon as it is complete, its rows in order.

    A row that comes twice, after a worker died, counts once; a shard that misses one never comes.

    Parameters
    ----------
    rows : iterable of (shard, row, result)
    counts : sequence of int
        Rows of each shard.
    """
    open_shards: dict[int, list[Result | None]] = {}
    missing = list(counts)
    for shard, row, result in rows:
        if not missing[shard]:
            continue
        held = open_shards.setdefault(shard, [None] * counts[shard])
        missing[shard] -= held[row] is None
        held[row] = held[row] or result
        if not missing[shard]:
            yield shard, [found for found in open_shards.pop(shard) if found is not None]
