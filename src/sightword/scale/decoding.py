"""The first half of the pipeline: names of pictures in, squares of pixels out.

A decoder is an ordinary object whose pool starts with the first batch, so that it can be sent to another
process. Pictures decode in the pool's worker processes: one that crashes or hangs a decoder costs itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from sightword.pictures.limits import Limits
from sightword.pictures.pool import DecodePool
from sightword.pictures.types import DecodedPicture, Preset, UnreadablePicture
from sightword.scale.places import Unreachable, fetch, is_address
from sightword.scale.tables import read_group
from sightword.scale.work import TableShard

if TYPE_CHECKING:
    from sightword.backbones.base import PreprocessSpec

__all__ = ["Decoder", "Decoding", "TableDecoder"]

AT_ONCE = 64
"""Pictures in a batch; decoded they are 10 MB at 224 x 224."""

_TYPES = {"size": np.int64, "mtime_ns": np.int64, "width": np.int32, "height": np.int32, "taken": np.float64}


@dataclass(frozen=True)
class Decoding:
    """How pictures are decoded.

    Attributes
    ----------
    spec : PreprocessSpec
    preset : {"product", "clip"}
    processes : int
        Worker processes of one decoder.
    limits : Limits
    program : str
        Module that the workers run; tests put one with faults here.
    """

    spec: PreprocessSpec
    preset: Preset = "product"
    processes: int = 1
    limits: Limits = field(default_factory=Limits)
    program: str = "sightword.pictures.worker"

    def pool(self) -> DecodePool:
        """A pool that does so."""
        return DecodePool(
            self.spec, self.preset, workers=self.processes, limits=self.limits, program=self.program
        )


class Decoder:
    """Decodes batches of files.

    Parameters
    ----------
    decoding : Decoding
    """

    def __init__(self, decoding: Decoding) -> None:
        self._decoding = decoding
        self._pool: DecodePool | None = None

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        """Decode one batch.

        Parameters
        ----------
        batch : mapping of column to array
            ``shard``, ``row``, ``name`` (bytes) and either ``place`` (bytes) or ``data``: bytes, None, or a
            string that says why there are none.

        Returns
        -------
        dict of column to array
            One row for each picture, in the order given: ``shard``, ``row``, ``name``, ``size``,
            ``mtime_ns``, ``content_hash``, ``width``, ``height``, ``format``, ``taken`` (NaN: unknown),
            ``reason`` (empty: it could be read), ``vanished`` and ``pixels``, uint8 [B, S, S, 3].
        """
        names = [bytes(name) for name in batch["name"]]
        found: dict[int, DecodedPicture | UnreadablePicture] = {}
        contents: list[tuple[bytes, bytes]] = []
        files: list[tuple[bytes, bytes]] = []
        given: Sequence[Any] = batch["data"] if "data" in batch else batch["place"]
        for at, item in enumerate(given):
            try:
                if "place" in batch and not is_address(bytes(item)):
                    files.append((b"%d" % at, bytes(item)))
                else:
                    contents.append((b"%d" % at, fetch(bytes(item)) if "place" in batch else _content(item)))
            except Unreachable as error:
                found[at] = UnreadablePicture(names[at], 0, 0, str(error))
        if self._pool is None:
            self._pool = self._decoding.pool()
        # In any order, so by number: what a repeated task yields must not depend on chance.
        for results in (self._pool.run(files), self._pool.run_bytes(contents)):
            for result in results:
                found[int(result.path)] = result
        return {
            "shard": np.asarray(batch["shard"], np.int32),
            "row": np.asarray(batch["row"], np.int32),
            "name": _objects(names),
            **self._columns([found[at] for at in range(len(names))]),
        }

    def close(self) -> None:
        """End the worker processes."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    def _columns(self, results: list[DecodedPicture | UnreadablePicture]) -> dict[str, Any]:
        side = self._decoding.spec.size
        pixels = np.zeros((len(results), side, side, 3), np.uint8)
        rows = [_facts(result) for result in results]
        for at, result in enumerate(results):
            if isinstance(result, DecodedPicture):
                pixels[at] = result.pixels
        columns: dict[str, Any] = {}
        for name in rows[0] if rows else ():
            values = [row[name] for row in rows]
            columns[name] = np.array(values, _TYPES[name]) if name in _TYPES else _objects(values)
        columns["vanished"] = np.array([getattr(result, "vanished", False) for result in results], bool)
        return {**columns, "pixels": pixels}


class TableDecoder(Decoder):
    """Decodes the pictures inside row groups of Parquet files."""

    def __call__(self, batch: Mapping[str, Any]) -> Iterator[dict[str, Any]]:  # type: ignore[override]
        """Yield decoded batches, for ``shard`` and ``table`` (JSON of a `TableShard`)."""
        for number, text in zip(batch["shard"], batch["table"]):
            shard = TableShard(**json.loads(str(text)))
            row = 0
            for names, data in read_group(shard, AT_ONCE):
                rows = np.arange(row, row + len(names), dtype=np.int32)
                numbers = np.full(len(names), number, np.int32)
                yield super().__call__({"shard": numbers, "row": rows, "name": names, "data": data})
                row += len(names)


def _content(item: Any) -> bytes:
    if isinstance(item, str):  # why the row could not be read
        raise Unreachable(item)
    if item is None:
        raise Unreachable("The row holds no picture.")
    return bytes(item)


def _facts(result: DecodedPicture | UnreadablePicture) -> dict[str, Any]:
    state = {"size": result.size, "mtime_ns": result.mtime_ns}
    if isinstance(result, UnreadablePicture):
        nothing = {"content_hash": b"", "width": 0, "height": 0, "format": "", "taken": np.nan}
        return {**state, **nothing, "reason": result.reason}
    taken = np.nan if result.taken is None else result.taken
    facts = {"content_hash": result.content_hash, "width": result.width, "height": result.height}
    return {**state, **facts, "format": result.format, "taken": taken, "reason": ""}


def _objects(values: list[Any]) -> Any:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column
