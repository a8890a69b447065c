"""The token-embedding table on disk: rows are read when they are needed, as float32."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightword.backbones.base import Array
from sightword.errors import ModelUnavailable

__all__ = ["EmbeddingTable"]

_KEY = "weight"
_DTYPES: dict[str, np.dtype[Any]] = {"F16": np.dtype("<f2"), "F32": np.dtype("<f4")}


class EmbeddingTable:
    """Rows of ``token_embedding.safetensors`` (key ``weight``, float16 or float32 [V, W]).

    The file is mapped, not read: a query touches a dozen rows out of tens of megabytes.

    Parameters
    ----------
    path : Path
        The safetensors file.
    width : int
        W that ``backbone.json`` promises.

    Attributes
    ----------
    rows : int
        V.
    """

    def __init__(self, path: Path, width: int) -> None:
        self._table = _map(path)
        if self._table.ndim != 2 or self._table.shape[1] != width:
            raise ModelUnavailable(
                f"{path} holds a table of shape {self._table.shape}, backbone.json promises width {width}."
            )
        self.rows: int = self._table.shape[0]

    def gather(self, ids: NDArray[np.int64]) -> Array:
        """Rows of the given ids (any shape), float32 [..., W]."""
        return np.asarray(self._table[ids], dtype=np.float32)

    def all(self) -> Array:
        """A copy of the whole table, float32 [V, W]."""
        return np.array(self._table, dtype=np.float32)


def _map(path: Path) -> Any:
    try:
        with path.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            header = json.loads(stream.read(length))
        entry = header[_KEY]
        start, end = entry["data_offsets"]
        dtype, shape = _DTYPES[entry["dtype"]], tuple(int(n) for n in entry["shape"])
        if end - start != int(np.prod(shape)) * dtype.itemsize:
            raise ValueError("its sizes contradict each other")
        return np.memmap(path, dtype=dtype, mode="r", offset=8 + length + start, shape=shape)
    except FileNotFoundError:
        raise ModelUnavailable(f"{path} is missing.", "Add the backbone again.") from None
    except (OSError, ValueError, KeyError, TypeError, OverflowError, MemoryError) as error:
        raise ModelUnavailable(
            f"{path} is not a token-embedding table this version reads ({type(error).__name__}: {error}).",
            "It needs one float16 or float32 tensor named 'weight'.",
        ) from None
