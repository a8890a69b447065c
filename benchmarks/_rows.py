"""Indexes of random vectors, for benchmarks that need many rows and no pictures."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path
from typing import Literal

import numpy as np

from sightword.backbones.base import Array
from sightword.index.base import Manifest, Picture, VectorStore
from sightword.index.opening import open_index

__all__ = ["anonymous_mb", "batch", "fill", "query"]


def batch(start: int, count: int, dim: int) -> list[Picture]:
    """Pictures start .. start + count with random features."""
    rng = np.random.default_rng([start, count])
    features = rng.standard_normal((count, dim), dtype=np.float32)
    hashes = rng.bytes(32 * count)
    return [
        Picture(
            path=b"%03d/%04d/picture %08d.jpg" % (number // 10_000 % 1000, number // 100 % 100, number),
            size=100_000 + number % 1000,
            mtime_ns=1_700_000_000_000_000_000 + number,
            content_hash=hashes[32 * at : 32 * at + 32],
            width=100 + number % 4000,
            height=800,
            format="jpeg",
            taken=1.6e9 + number,
            feature=features[at],
        )
        for at, number in enumerate(range(start, start + count))
    ]


def query(seed: int, dim: int) -> Array:
    """A random unit vector, float32 [dim]."""
    made = np.random.default_rng([7, seed]).standard_normal(dim)
    return np.asarray(made / np.linalg.norm(made), dtype=np.float32)


def fill(
    folder: Path,
    rows: int,
    dim: int,
    dtype: Literal["float32", "bfloat16"],
    size: int = 1000,
    index: str | None = None,
) -> dict[str, float]:
    """Bring an index up to `rows` rows, in batches of `size`; returns what that took.

    `index` may be the address of one on a cluster. Seconds inside ``add`` (matrix rewrites of long tails
    included), seconds of the longest ``add``, and seconds of the end of the job.
    """
    manifest = Manifest("random", "0" * 64, "product", dim, dtype)
    inside = longest = 0.0
    store = open_index(folder, index=index, create=manifest)
    with closing(store):
        first = rows_of(store)
        context = store.writer()
        writer = context.__enter__()
        for start in range(first, rows, size):
            pictures = batch(start, min(size, rows - start), dim)
            before = time.perf_counter()
            writer.add(pictures)
            took = time.perf_counter() - before
            inside, longest = inside + took, max(longest, took)
        before = time.perf_counter()
        context.__exit__(None, None, None)
        end = time.perf_counter() - before
    return {"added": rows - first, "add_seconds": inside, "longest_add_seconds": longest, "end_seconds": end}


def rows_of(store: VectorStore) -> int:
    """Pictures in an index."""
    return int(store.info()["pictures"])


def anonymous_mb() -> float:
    """Memory of this process that no file stands behind, in MB (10**6 bytes)."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024 / 1e6
    return float("nan")
