"""The model of growth: formulas, each of one line, with every quantity as an argument.

Symbols: N pictures, D dimensions, R replicas, M bytes of memory of a node of which a share u is for vectors.
What is measured comes in as an argument; nothing here knows a machine.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = [
    "FORMATS",
    "Nodes",
    "core_hours",
    "cores_that_feed",
    "gpu_hours",
    "nodes",
    "rows_in_memory",
    "rows_within",
    "scan_ms",
    "stored_bytes",
    "vector_bytes",
]

ID_BYTES = 8
FORMATS = {"fp32": 4.0, "fp16": 2.0, "int8": 1.0, "pq D/4": 0.25, "pq D/8": 0.125}
"""Bytes of one value of a vector; a product quantiser spends one byte on 4 or 8 values."""


def core_hours(pictures: float, decode_ms: float, encode_ms: float, reached: float = 1.0) -> float:
    """Hours of one core to read N pictures: N (d + e) / (reached 3.6e6).

    Parameters
    ----------
    pictures : float
    decode_ms, encode_ms : float
        Processor time of one picture.
    reached : float
        Share of the CPU's limit that a whole job reaches (measured end to end / limit).
    """
    return pictures * (decode_ms + encode_ms) / (reached * 3.6e6)


def gpu_hours(pictures: float, rate: float) -> float:
    """Hours of one GPU that encodes `rate` pictures a second (the reader's own measurement): N / (3600 r)."""
    return pictures / (3600 * rate)


def cores_that_feed(rate: float, decode_ms: float) -> float:
    """Cores that decode as fast as one GPU encodes: r d / 1000."""
    return rate * decode_ms / 1000


def vector_bytes(kind: str, dim: int) -> float:
    """Memory of one vector and its id."""
    return FORMATS[kind] * dim + ID_BYTES


def stored_bytes(
    pictures: float, database_bytes: float, matrix_bytes: float, dim: int, measured_dim: int
) -> float:
    """Disk of an index: what is measured, and 8 bytes (database and matrix) for each further dimension."""
    return pictures * (database_bytes + matrix_bytes + 8 * (dim - measured_dim))


@dataclass(frozen=True)
class Nodes:
    """Query nodes.

    Attributes
    ----------
    parts : int
        Nodes that hold all vectors once.
    count : int
        With replicas.
    rows : float
        Vectors on a node.
    bytes : float
        Of vectors on a node.
    """

    parts: int
    count: int
    rows: float
    bytes: float


def nodes(pictures: float, row_bytes: float, node_bytes: float, share: float, replicas: int) -> Nodes:
    """How many nodes hold N vectors in memory: R ceil(N b / (u M))."""
    parts = max(1, math.ceil(pictures * row_bytes / (share * node_bytes)))
    return Nodes(parts, parts * replicas, pictures / parts, pictures * row_bytes / parts)


def scan_ms(rows: float, ms_per_million: float, read: float = 1.0, size: float = 1.0) -> float:
    """One thread over `rows` vectors of which a share is read; `size` against the vectors that were timed."""
    return rows / 1e6 * ms_per_million * read * size


def rows_within(budget_ms: float, ms_per_million: float) -> float:
    """Vectors that one thread passes over within a time."""
    return 1e6 * budget_ms / ms_per_million


def rows_in_memory(node_bytes: float, share: float, row_bytes: float) -> float:
    """Vectors that stay in memory."""
    return share * node_bytes / row_bytes
