"""Shorter numbers for stored vectors: what they cost, what they give back, and a scan over them.

A query stays float32, as it does in the index: only the gallery is shortened. ``int8, both`` shortens the
query as well, on the grid that was fitted to the gallery, as engines do that multiply integers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from _nearest import slices
from numpy.typing import NDArray

from sightword.backbones.base import Array
from sightword.index.bf16 import from_bfloat16, to_bfloat16
from sightword.index.scan import score_rows

__all__ = ["BFloat16", "Codec", "Float16", "Float32", "Int8", "Int8Both"]

_ROWS = 512
"""Widened at a time: 0.8 MB of float32 at 384 dimensions stay in the cache."""


class Codec:
    """Vectors in fewer bytes.

    Parameters
    ----------
    rows : float32 [N, D], unit length
    """

    name = "fp32"

    def __init__(self, rows: Array) -> None:
        self.codes: NDArray[Any] = rows

    @property
    def nbytes(self) -> int:
        """Bytes of all codes."""
        return self.codes.nbytes

    def decode(self, codes: NDArray[Any]) -> Array:
        """What codes stand for, float32 [n, D]."""
        return np.asarray(codes, np.float32)

    def see(self, queries: Array) -> Array:
        """The queries as the engine multiplies them."""
        return queries

    def blocks(self) -> Iterator[tuple[int, Array]]:
        """All rows, widened, some thousand at a time."""
        for part in slices(len(self.codes)):
            yield part.start, self.decode(self.codes[part])

    def scores(self, query: Array) -> Array:
        """Products of one query with all rows, float32 [N], in one thread."""
        found = np.empty(len(self.codes), np.float32)
        query = self.see(query[None])[0]
        for part in slices(len(self.codes), _ROWS):
            score_rows(self.decode(self.codes[part]), query, found[part])
        return found


class Float32(Codec):
    """As the index keeps them: the scan of the index itself."""

    def scores(self, query: Array) -> Array:
        """One pass over the matrix."""
        found = np.empty(len(self.codes), np.float32)
        score_rows(self.codes, query, found)
        return found


class Float16(Codec):
    """IEEE half precision."""

    name = "fp16"

    def __init__(self, rows: Array) -> None:
        self.codes = rows.astype(np.float16)


class BFloat16(Codec):
    """The upper half of a float32, as in an index of dtype bfloat16."""

    name = "bf16"

    def __init__(self, rows: Array) -> None:
        self.codes = to_bfloat16(rows)

    def decode(self, codes: NDArray[Any]) -> Array:
        """By a shift."""
        return from_bfloat16(codes)

    def scores(self, query: Array) -> Array:
        """The scan of such an index."""
        found = np.empty(len(self.codes), np.float32)
        score_rows(self.codes, query, found)
        return found


class Int8(Codec):
    """256 equal steps between the least and the largest value of each dimension."""

    name = "int8"

    def __init__(self, rows: Array) -> None:
        self.low = rows.min(axis=0)
        self.step = np.maximum((rows.max(axis=0) - self.low) / np.float32(255), np.float32(1e-12))
        self.codes = np.empty(rows.shape, np.uint8)
        for part in slices(len(rows)):
            self.codes[part] = self._steps(rows[part])

    def _steps(self, rows: Array) -> Array:
        return np.asarray(np.clip(np.rint((rows - self.low) / self.step), 0, 255), np.float32)

    def decode(self, codes: NDArray[Any]) -> Array:
        """The middle of each step."""
        return np.asarray(codes * self.step + self.low, np.float32)

    def scores(self, query: Array) -> Array:
        """Steps and lowest values go into the query, so a row is only widened."""
        query = self.see(query[None])[0]
        found = np.empty(len(self.codes), np.float32)
        weights = query * self.step
        for part in slices(len(self.codes), _ROWS):
            score_rows(self.codes[part].astype(np.float32), weights, found[part])
        return found + np.float32(query @ self.low)


class Int8Both(Int8):
    """The same, and queries on the gallery's grid: what lies beyond its ends is cut off."""

    name = "int8-both"

    def see(self, queries: Array) -> Array:
        """The nearest step, or the end of the grid."""
        return self.decode(self._steps(queries))

    def cut(self, queries: Array) -> NDArray[np.float64]:
        """Share of each query's values that lie beyond the grid, [Q]."""
        high = self.low + 255 * self.step
        return np.asarray(((queries < self.low) | (queries > high)).mean(axis=1), np.float64)
