"""The pipeline on Ray Data: actors that decode, actors that encode, results back to this process.

Both pools are elastic: a pool of fixed size was measured to hang when a machine was lost. Ray repeats what
was on a worker that died; rows carry their number, so that what arrives twice counts once. What Ray gives up
(results of a worker that had already ended, on a machine that is lost) is asked for again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from sightword.errors import SightwordError
from sightword.scale.decoding import AT_ONCE, Decoder, TableDecoder
from sightword.scale.need import need_arrow
from sightword.scale.pipeline import Pipeline, Shards, chunks_of, is_table
from sightword.scale.resources import Share, share
from sightword.scale.work import Chunk
from sightword.update.encoder import Encoder

__all__ = ["RayEngine"]

_BLOCK_BYTES = 8 << 20
"""Decoded pictures are handed on in pieces of this size: the encoders begin while others still decode."""

_FILES_EACH = 512
_TURNS = 4
"""Each decoder gets several pieces of work, so that a slow one does not keep the others waiting."""

_TASK_ENDED = {"max_restarts": -1, "max_task_retries": -1}
"""A worker that dies is replaced, and what it had is done again."""

_LOST = ("ObjectLostError", "NodeDiedError", "ActorDiedError", "ActorUnavailableError", "WorkerCrashedError")
"""Ray's words for what happens when a machine goes: no fault of ours, and worth another try."""

_TRIES = 3
"""In a row without a single new picture."""


class RayEngine:
    """A pipeline on a Ray cluster.

    Parameters
    ----------
    ray : module
        Connected; see `ray_session`.
    cards_each : float
        Graphics cards of one encoder; 0 encodes on cores.
    batch : int, optional
        Pictures that an encoder is given at once.
    told : callable
        Told how the cluster is used, in one sentence.
    """

    def __init__(
        self,
        ray: Any,
        *,
        cards_each: float = 0.0,
        batch: int | None = None,
        told: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._ray = ray
        self._cards_each = cards_each
        self._batch = batch
        self._told = told

    def run(self, pipeline: Pipeline, shards: Shards, stop: threading.Event) -> Iterator[dict[str, Any]]:
        """See `sightword.scale.pipeline.BulkEngine`."""
        part = self._share()
        cards = f" and {part.encode_cards:g} graphics cards each" if part.encode_cards else ""
        self._told(f"Ray: up to {part.decoders} decoders and {part.encoders} encoders{cards}.")
        done = [np.zeros(shard.count, bool) for shard in shards]
        tries = 0
        with _settings(self._ray.data.DataContext.get_current()), _sentences():
            while not all(rows.all() for rows in done):
                data = self._dataset(pipeline, shards, part, done)
                try:
                    for batch in data.iter_batches(batch_size=None, batch_format="numpy"):
                        for shard, row in zip(batch["shard"], batch["row"]):
                            done[shard][row] = True
                        tries = 0
                        yield batch
                        if stop.is_set():
                            return
                    return
                except self._ray.exceptions.RayError as error:
                    tries += 1
                    if tries >= _TRIES or not self._is_loss(error):
                        raise
                self._told("Part of the cluster was lost; what it had is done again.")
                part = self._share()

    def _is_loss(self, error: BaseException) -> bool:
        kinds = tuple(getattr(self._ray.exceptions, name) for name in _LOST)
        found = list(_chain(error))
        return any(isinstance(each, kinds) for each in found) and not any(
            isinstance(each, SightwordError) for each in found
        )

    def _share(self) -> Share:
        resources = self._ray.cluster_resources()
        machines = [node["Resources"].get("CPU", 0.0) for node in self._ray.nodes() if node["Alive"]]
        return share(
            resources.get("CPU", 0.0),
            resources.get("GPU", 0.0),
            smallest=min((cores for cores in machines if cores), default=None),
            cards_each=self._cards_each,
            batch=self._batch,
        )

    def _dataset(self, pipeline: Pipeline, shards: Shards, part: Share, done: list[Any]) -> Any:
        arrow = need_arrow()
        count = sum(shard.count for shard in shards)
        rows = max(16, min(_FILES_EACH, -(-count // (part.decoders * _TURNS))))
        table = is_table(shards)
        chunks = (_left(chunk, done) for chunk in chunks_of(shards, rows))
        blocks = [arrow.table(chunk) for chunk in chunks if chunk["shard"]]
        strategy = self._ray.data.ActorPoolStrategy
        decoded = self._ray.data.from_arrow(blocks).map_batches(
            TableDecoder if table else Decoder,
            fn_constructor_args=[replace(pipeline.decoding, processes=1)],
            batch_size=1 if table else AT_ONCE,
            compute=strategy(min_size=1, max_size=part.decoders),
            num_cpus=part.decode_cpus,
            **_TASK_ENDED,
        )
        place: dict[str, Any] = {"num_cpus": part.encode_cpus}
        if part.encode_cards:
            place = {"num_gpus": part.encode_cards}
        return decoded.map_batches(
            Encoder,
            fn_constructor_args=[replace(pipeline.backbone, threads=part.threads), part.batch],
            batch_size=part.batch,
            compute=strategy(min_size=1, max_size=part.encoders),
            **place,
            **_TASK_ENDED,
        )


def _left(chunk: Chunk, done: list[Any]) -> Chunk:
    """What has not come yet; of a table whose rows have not all come, everything."""
    at = range(len(chunk["shard"]))
    if "row" in chunk:
        left = [i for i in at if not done[chunk["shard"][i]][chunk["row"][i]]]
    else:
        left = [i for i in at if not done[chunk["shard"][i]].all()]
    return {name: [column[i] for i in left] for name, column in chunk.items()}


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and what it came from, outermost first."""
    inner: Any = error
    seen: set[int] = set()  # an error may be its own cause
    while inner is not None and id(inner) not in seen:
        seen.add(id(inner))
        yield inner
        inner = getattr(inner, "cause", None) or inner.__cause__


@contextmanager
def _settings(context: Any) -> Iterator[None]:
    """Ray Data's settings for our data sets; as they were afterwards."""
    wanted = {
        "target_max_block_size": _BLOCK_BYTES,
        "enable_progress_bars": False,
        "print_on_execution_start": False,
        "enable_auto_log_stats": False,
        "raise_original_map_exception": True,
    }
    before = {name: getattr(context, name) for name in wanted if hasattr(context, name)}
    try:
        for name in before:
            setattr(context, name, wanted[name])
        yield
    finally:
        for name, value in before.items():
            setattr(context, name, value)


@contextmanager
def _sentences() -> Iterator[None]:
    """Errors of workers as our own: what they raised, or the last line of what Ray tells."""
    try:
        yield
    except Exception as error:
        # Ray mixes its own class into what a worker raised; the worker's is inside.
        ours = [each for each in _chain(error) if isinstance(each, SightwordError)]
        if ours and ours[-1] is error:
            raise
        if ours:
            raise ours[-1] from None
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = (lines[-1] if lines else type(error).__name__).rstrip(".")
        raise SightwordError(
            f"The Ray cluster could not finish the job ({reason}).", "What is finished is kept; run it again."
        ) from error
