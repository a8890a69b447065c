"""Reading for `sightword.update.update` on another engine: what is new goes there, all else stays."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sightword.errors import SightwordError
from sightword.index.base import Picture
from sightword.pictures.limits import Limits
from sightword.pictures.names import display
from sightword.pictures.scan import FoundFile
from sightword.pictures.types import Preset
from sightword.scale.pipeline import BulkEngine, Pipeline
from sightword.scale.results import each
from sightword.scale.work import FileShard, Task

if TYPE_CHECKING:
    from sightword.backbones.base import PreprocessSpec
    from sightword.update.read import Intake

__all__ = ["EngineReading"]

_COMMIT = 256


class EngineReading:
    """A `sightword.update.run.Reading` that lets an engine decode and encode.

    The index is the record of what is done: after any interruption, the next update reads the rest.

    Parameters
    ----------
    engine : BulkEngine
    pipeline : Pipeline
        Its preset is replaced by the index's.
    """

    def __init__(self, engine: BulkEngine, pipeline: Pipeline) -> None:
        self._engine = engine
        self._pipeline = pipeline

    def __call__(
        self,
        parts: Iterable[Sequence[FoundFile]],
        root: bytes,
        intake: Intake,
        *,
        spec: PreprocessSpec | None,
        preset: Preset,
        workers: int | None,
        limits: Limits,
        stop: threading.Event,
        settle: float,
    ) -> None:
        """Hand every file of all parts to the intake; see `read_pictures`."""
        tasks = [
            Task(file.path, os.path.join(root, file.path), file.size, file.mtime_ns)  # noqa: PTH118 - bytes
            for files in parts
            for file in files
        ]
        if tasks and not stop.is_set():
            intake.progress.description("reading pictures")
            decoding = replace(self._pipeline.decoding, preset=preset)
            pipeline = replace(self._pipeline, decoding=decoding)
            self._read(pipeline, FileShard("", tuple(tasks)), intake, stop)
        intake.commit()

    def _read(self, pipeline: Pipeline, shard: FileShard, intake: Intake, stop: threading.Event) -> None:
        seen: set[int] = set()
        for batch in self._engine.run(pipeline, [shard], stop):
            for _, row, result in each(batch):
                if row in seen:  # done again after a worker died
                    continue
                seen.add(row)
                if isinstance(result, Picture):
                    intake.encoded(result)
                elif result.vanished:
                    check_vanished(shard.tasks[row])
                    intake.vanished(result.path)
                else:
                    intake.failed(result)
                if len(seen) % _COMMIT == 0:
                    intake.commit()
        if len(seen) < shard.count and not stop.is_set():
            raise SightwordError(
                f"{shard.count - len(seen):,} of {shard.count:,} pictures did not come back.",
                "What came is kept; run it again.",
            )


def check_vanished(task: Task) -> None:
    """A file that a worker does not find must be gone here, too.

    Raises
    ------
    SightwordError
        The workers look at another disk.
    """
    if os.path.exists(task.place):  # noqa: PTH110 - bytes
        raise SightwordError(
            f"A worker does not find {display(task.place)}, which is there on this machine.",
            "Every machine of the cluster must see the pictures under the same path.",
        )
