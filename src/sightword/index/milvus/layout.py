"""Which vector index a collection gets, and how it is asked.

The metric is the inner product: vectors are unit vectors already, so it is the cosine, and the server gives
back the bits that it was given (with its own COSINE it may keep normalised copies).
"""

from __future__ import annotations

import math
from typing import Any

__all__ = ["FLAT_UP_TO", "METRIC", "choose", "index_parameters", "is_exact", "search_parameters"]

METRIC = "IP"

FLAT_UP_TO = 1_000_000
"""Exact and without memory of its own; a composed query lies off the pictures' manifold, where graphs find
less than with queries that are pictures themselves, so exactness is worth its time while it is short."""

HNSW_UP_TO = 50_000_000
"""A graph answers in milliseconds and keeps vectors whole, plus 256 bytes of links for each; above, memory
costs more than the answers: one byte for each number in lists."""


def choose(index: str, pictures: int) -> str:
    """The server's name of the index for ``?index=...`` and a number of pictures."""
    if index != "auto":
        return index.upper()
    if pictures <= FLAT_UP_TO:
        return "FLAT"
    return "HNSW" if pictures <= HNSW_UP_TO else "IVF_SQ8"


def is_exact(kind: str) -> bool:
    """Whether this index finds exactly the nearest."""
    return kind == "FLAT"


def index_parameters(kind: str, pictures: int) -> dict[str, Any]:
    """What the index is built with."""
    if kind == "HNSW":
        return {"M": 32, "efConstruction": 256}
    if kind.startswith("IVF"):
        lists = 4 * math.isqrt(max(1, pictures))
        return {"nlist": max(128, min(65536, 1 << (lists - 1).bit_length()))}
    return {}


def search_parameters(kind: str, limit: int, lists: int = 0) -> dict[str, Any]:
    """What a search for `limit` pictures asks with.

    A sixteenth of the `lists` of an IVF index is read, and 64 at least: of 2,048 lists of real ones 64 held
    .965 of the ten nearest to composed queries and .889 of those to words alone (docs/scale.md).
    """
    if kind == "HNSW":
        return {"ef": min(32768, max(512, 2 * limit))}
    if kind.startswith("IVF"):
        return {"nprobe": min(lists or 64, max(64, lists // 16))}
    return {}
