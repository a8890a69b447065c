"""Faiss behind one small interface: an index is built once and asked with several settings.

Import this only where faiss is installed (extra ``bench``).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import faiss
import numpy as np
from _nearest import slices
from numpy.typing import NDArray

from sightword.backbones.base import Array

__all__ = ["ENGINES", "HNSW", "IVF", "PQ", "Engine", "ScalarInt8"]

_TRAIN_A_CELL = 64
"""Rows that faiss sees for every centre it looks for."""


def sample(rows: Array, count: int, seed: int = 0) -> Array:
    """Some rows, drawn with fixed dice."""
    if count >= len(rows):
        return rows
    return rows[np.sort(np.random.default_rng(seed).choice(len(rows), count, replace=False))]


class Engine:
    """A faiss index of unit vectors by inner product.

    Attributes
    ----------
    settings : sequence of int
        Values of the option that trades time for recall; empty when there is none.
    again : sequence of int or None
        How many more than k are rescored; None: the engine's own order stands.
    flat : bool
        Every row is looked at, so that `blocks` tells the same as `search`.
    """

    name = ""
    setting = ""
    settings: Sequence[int] = ()
    again: Sequence[int | None] = (None,)
    flat = False

    def __init__(self, rows: Array) -> None:
        self.index = self._made(rows)

    def _made(self, rows: Array) -> faiss.Index:
        raise NotImplementedError

    @property
    def nbytes(self) -> int:
        """Size of the index as faiss writes it: vectors, codes, lists and links."""
        return int(faiss.serialize_index(self.index).nbytes)

    def use(self, value: int) -> None:
        """Choose a setting."""

    def search(self, queries: Array, count: int) -> NDArray[np.int64]:
        """Positions, best first, [Q, count]; -1 where too few were seen."""
        return np.asarray(self.index.search(queries, count)[1], np.int64)

    def blocks(self) -> Iterator[tuple[int, Array]]:
        """What a flat engine holds instead of the rows, some thousand at a time."""
        for part in slices(self.index.ntotal):
            yield part.start, self.index.reconstruct_n(part.start, part.stop - part.start)


class IVF(Engine):
    """Cells around about sqrt(N) centres, or `cells` of them; `nprobe` of them are read, exactly."""

    cells = 0

    name = "ivf"
    setting = "nprobe"
    settings = (1, 2, 4, 8, 16, 32, 64, 128)

    def _made(self, rows: Array) -> faiss.Index:
        cells = self.cells or 2 ** round(math.log2(math.sqrt(len(rows))))
        dim = rows.shape[1]
        self.centres = faiss.IndexFlatIP(dim)
        index = faiss.IndexIVFFlat(self.centres, dim, cells, faiss.METRIC_INNER_PRODUCT)
        index.cp.spherical = True
        index.train(sample(rows, _TRAIN_A_CELL * cells))
        index.add(rows)
        self.cells = cells
        return index

    def use(self, value: int) -> None:
        """Cells to read."""
        self.index.nprobe = min(value, self.cells)


class HNSW(Engine):
    """A graph: 16 links a vector (32 on the ground floor), built with a beam of 100; `ef`: a query's beam."""

    name = "hnsw"
    setting = "ef"
    settings = (16, 32, 64, 128, 256, 512)

    def _made(self, rows: Array) -> faiss.Index:
        index = faiss.IndexHNSWFlat(rows.shape[1], 16, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = 100
        index.add(rows)
        return index

    def use(self, value: int) -> None:
        """Width of the beam."""
        self.index.hnsw.efSearch = value


class ScalarInt8(Engine):
    """Faiss' own per-dimension scalar quantiser: the same grid as ours, by other code."""

    name = "int8-faiss"
    flat = True
    again = (None, 32)

    def _made(self, rows: Array) -> faiss.Index:
        index = faiss.IndexScalarQuantizer(
            rows.shape[1], faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
        )
        index.train(rows)
        index.add(rows)
        return index


class PQ(Engine):
    """Product quantiser: each group of dimensions is one of 256 words learnt from the gallery."""

    again = (None, 32, 256)
    flat = True
    groups = 96

    def _made(self, rows: Array) -> faiss.Index:
        index = faiss.IndexPQ(rows.shape[1], self.groups, 8, faiss.METRIC_INNER_PRODUCT)
        index.train(sample(rows, 256 * 256))
        index.add(rows)
        return index


class PQ96(PQ):
    """96 bytes a vector."""

    name, groups = "pq96", 96


class PQ48(PQ):
    """48 bytes a vector."""

    name, groups = "pq48", 48


ENGINES: dict[str, type[Engine]] = {kind.name: kind for kind in (ScalarInt8, PQ96, PQ48, IVF, HNSW)}
