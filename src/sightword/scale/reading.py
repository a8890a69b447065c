"""Reading for `sightword.update.update` on another engine: what is new goes there, all else stays."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sightword.errors import SightwordError
from sightword.index.base import Picture
from sightword.pictures.names import display
from sightword.pictures.scan import FoundFile, ScanProblem
from sightword.pictures.types import UnreadablePicture
from sightword.scale.pipeline import BulkEngine, Pipeline
from sightword.scale.results import each
from sightword.scale.work import FileShard, Task

if TYPE_CHECKING:
    from sightword.update.read import Intake, ReadSettings

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
    named : bool
        Somebody asked for every one of these files by name: one that is not there is a failure.

    Attributes
    ----------
    absent : list of ScanProblem
        Files asked for that are not there and whose picture the index knows: it is treated like any that
        vanished, and its file is told of here.
    """

    def __init__(self, engine: BulkEngine, pipeline: Pipeline, *, named: bool = False) -> None:
        self._engine = engine
        self._pipeline = pipeline
        self._named = named
        self.absent: list[ScanProblem] = []

    def __call__(
        self,
        parts: Iterable[Sequence[FoundFile]],
        root: bytes,
        intake: Intake,
        settings: ReadSettings,
    ) -> None:
        """Hand every file of all parts to the intake; see `read_pictures`."""
        tasks = [
            Task(file.path, os.path.join(root, file.path), file.size, file.mtime_ns)  # noqa: PTH118 - bytes
            for files in parts
            for file in files
        ]
        if tasks and not settings.stop.is_set():
            intake.progress.description("reading pictures")
            decoding = replace(self._pipeline.decoding, preset=settings.preset)
            pipeline = replace(self._pipeline, decoding=decoding)
            self._read(pipeline, FileShard("", tuple(tasks)), intake, settings.stop)
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
                    self._vanished(result, intake)
                else:
                    intake.failed(result)
                if len(seen) % _COMMIT == 0:
                    intake.commit()
        if len(seen) < shard.count and not stop.is_set():
            raise SightwordError(
                f"{shard.count - len(seen):,} of {shard.count:,} pictures did not come back.",
                "What came is kept; run it again.",
            )

    def _vanished(self, file: UnreadablePicture, intake: Intake) -> None:
        if self._named and not intake.holds(file.path):
            intake.failed(file)
            return
        if self._named:
            self.absent.append(ScanProblem(file.path, file.reason, False))
        intake.vanished(file.path)


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
