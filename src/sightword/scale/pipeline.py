"""The pipeline that every engine runs, and the engine of this process."""

from __future__ import annotations

import os
import platform
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sightword.errors import ModelMismatch
from sightword.scale.decoding import AT_ONCE, Decoder, Decoding, TableDecoder
from sightword.scale.work import Chunk, FileShard, TableShard, files_chunks, table_chunks
from sightword.update.encoder import Encoder

if TYPE_CHECKING:
    from sightword.backbones.base import Backbone

__all__ = ["BulkEngine", "LocalEngine", "NamedBackbone", "Pipeline", "Shards", "is_table"]

Shards = Sequence[FileShard] | Sequence[TableShard]


@dataclass(frozen=True)
class NamedBackbone:
    """Loads a backbone wherever it is called; small enough to be sent there.

    Attributes
    ----------
    name : str
    weights_hash : str
        What it must be.
    precision, device : str or None
        As for `load_backbone`. Named, so that no machine chooses for itself.
    threads : int or None
    """

    name: str
    weights_hash: str
    precision: str | None = None
    device: str | None = None
    threads: int | None = None

    def __call__(self) -> Backbone:
        """Load it from this machine's disk.

        Raises
        ------
        ModelUnavailable
        ModelMismatch
            This machine has other weights under that name.
        """
        from sightword.backbones import load_backbone

        os.environ["HF_HUB_OFFLINE"] = "1"
        backbone = load_backbone(
            self.name,
            precision=self.precision,
            device=self.device,
            threads=self.threads,
            local_files_only=True,
        )
        if backbone.spec.weights_hash != self.weights_hash:
            raise ModelMismatch(
                f"{self.name} has other weights on {platform.node()} than where the job was started.",
                "Install the same backbone on every machine.",
            )
        return backbone

    @classmethod
    def of(cls, name: str, backbone: Backbone, device: str | None = None) -> NamedBackbone:
        """The way to load this backbone again, in the same precision."""
        place = Path(name)
        precision = getattr(backbone, "precision", None)
        return cls(
            str(place.resolve()) if place.is_dir() else name,
            backbone.spec.weights_hash,
            precision if isinstance(precision, str) else None,
            device,
        )


@dataclass(frozen=True)
class Pipeline:
    """What is done with every picture.

    Attributes
    ----------
    decoding : Decoding
    backbone : NamedBackbone
    """

    decoding: Decoding
    backbone: NamedBackbone


class BulkEngine(Protocol):
    """Where a pipeline runs."""

    def run(self, pipeline: Pipeline, shards: Shards, stop: threading.Event) -> Iterator[dict[str, Any]]:
        """Yield encoded batches of all shards, in any order; fewer once `stop` is set."""
        ...


class LocalEngine:
    """This process: pictures are decoded while earlier ones are encoded.

    Parameters
    ----------
    workers : int, optional
        Decoding processes; by default one for each core.
    batch : int
        Pictures encoded at once.
    loaded : Backbone, optional
        Saves loading it again.
    """

    def __init__(self, workers: int, batch: int = 32, loaded: Backbone | None = None) -> None:
        self._workers = workers
        self._batch = batch
        self._loaded = loaded

    def run(self, pipeline: Pipeline, shards: Shards, stop: threading.Event) -> Iterator[dict[str, Any]]:
        """See `BulkEngine`."""
        decoding = replace(pipeline.decoding, processes=self._workers)
        decoder = (TableDecoder if is_table(shards) else Decoder)(decoding)
        loaded = self._loaded
        encoder = Encoder(pipeline.backbone if loaded is None else lambda: loaded, self._batch)
        with closing(decoder), ThreadPoolExecutor(1) as thread:
            batches = _decoded(decoder, chunks_of(shards, AT_ONCE))
            coming = thread.submit(next, batches, None)
            while (batch := coming.result()) is not None and not stop.is_set():
                coming = thread.submit(next, batches, None)
                yield encoder(batch)


def is_table(shards: Shards) -> bool:
    """Whether shards are row groups of tables."""
    return bool(shards) and isinstance(shards[0], TableShard)


def chunks_of(shards: Shards, rows: int) -> Iterator[Chunk]:
    """The input of a decoder for these shards."""
    if is_table(shards):
        return table_chunks([shard for shard in shards if isinstance(shard, TableShard)])
    return files_chunks([shard for shard in shards if isinstance(shard, FileShard)], rows)


def _decoded(decoder: Decoder, chunks: Iterable[Chunk]) -> Iterator[dict[str, Any]]:
    for chunk in chunks:
        if isinstance(decoder, TableDecoder):
            yield from decoder(chunk)
        else:
            yield decoder(chunk)
