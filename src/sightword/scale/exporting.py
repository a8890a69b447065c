"""Pictures -> a directory of features: shards that are finished are kept, and never done again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain

from sightword.errors import SightwordError
from sightword.index.base import Picture
from sightword.index.locking import WriterLock
from sightword.pictures.scan import ScanProblem
from sightword.pictures.types import UnreadablePicture
from sightword.scale.absent import shared, without
from sightword.scale.features import Features
from sightword.scale.pipeline import BulkEngine, Pipeline, Shards
from sightword.scale.reading import check_vanished
from sightword.scale.results import Result, each, gathered
from sightword.scale.sources import Files, Inline
from sightword.scale.work import FileShard, TableShard
from sightword.update.progress import Progress

__all__ = ["ExportReport", "make_features"]

_SCHEMA = "features 1"


@dataclass
class ExportReport:
    """What making features did.

    Attributes
    ----------
    added, failed : int
        Pictures encoded and files that could not be read, in this run.
    already : int
        Pictures and failures in shards that were finished before.
    vanished : int
        Files that went away meanwhile.
    interrupted : bool
    """

    added: int = 0
    failed: int = 0
    already: int = 0
    vanished: int = 0
    interrupted: bool = False


def make_features(
    source: Files | Inline,
    features: Features,
    pipeline: Pipeline,
    engine: BulkEngine,
    *,
    progress: Progress,
    stop: threading.Event,
    average: int | None = None,
) -> ExportReport:
    """Bring a directory of features up to date with its source.

    Parameters
    ----------
    source : Files or Inline
    features : Features
    pipeline : Pipeline
    engine : BulkEngine
    progress : Progress
    stop : threading.Event
    average : int, optional
        Files in a shard.

    Raises
    ------
    IndexBusy
        Another process writes there.
    SightwordError
        From the engine; what is finished is kept.
    """
    with WriterLock(features.directory):
        done = features.finished()
        shards, moved = _shards(source, features, done, average)
        stale = done - {shard.name for shard in shards}
        todo: Shards = [shard for shard in shards if shard.name not in done]  # type: ignore[assignment]
        report = ExportReport(already=sum(shard.count for shard in shards if shard.name in done))
        progress.already(report.already)
        progress.total(sum(shard.count for shard in todo))
        if todo or stale:
            features.mark(complete=False)
        if todo:
            progress.description("reading pictures")
            left = set(range(len(todo)))
            rows = _told(engine.run(pipeline, todo, stop), progress)
            for number, results in gathered(rows, [shard.count for shard in todo]):
                name, settled = _settled(results, todo[number], source, moved, features, stale)
                _count(settled, report)
                features.keep(name, settled)
                stale.discard(name)
                left.remove(number)
            if stop.is_set() and left:
                report.interrupted = True
                return report
            if left:
                raise SightwordError(
                    f"{len(left):,} of {len(todo):,} shards did not come back whole.",
                    "What is finished is kept; run it again.",
                )
        unseen = [problem.path for problem in getattr(source, "problems", ()) if problem.hides]
        for name in stale:
            features.forget(name, unseen, moved)
        features.mark(complete=True)
        return report


def _shards(
    source: Files | Inline, features: Features, done: set[str], average: int | None
) -> tuple[Shards, set[bytes]]:
    """The shards, and pictures to be kept that are not in them: their files are not there."""
    identity = _identity(features)
    if isinstance(source, Inline):
        return list(source.table.shards(identity)), set()
    parts = shared(source, features, done, identity, *(() if average is None else (average,)))
    source.problems += parts.problems
    return list(parts.shards), parts.moved


def _identity(features: Features) -> str:
    made = features.manifest
    return f"{_SCHEMA}|{made.weights_hash}|{made.preprocess}|{made.precision}"


def _told(batches: Iterator[dict[str, object]], progress: Progress) -> Iterator[tuple[int, int, Result]]:
    for shard, row, result in chain.from_iterable(map(each, batches)):
        progress.advance()
        yield shard, row, result


def _settled(
    results: list[Result],
    shard: FileShard | TableShard,
    source: Files | Inline,
    moved: set[bytes],
    features: Features,
    stale: set[str],
) -> tuple[str, list[Result]]:
    """The name and the rows of a shard that was read.

    A file of a list that is not there is a failure: somebody asked for it by name. It is none if its picture
    is kept, which `moved` says; what goes away while it is read is added there, and what is back leaves it.
    """
    moved -= {result.path for result in results if isinstance(result, Picture)}
    gone = {row for row, result in enumerate(results) if not isinstance(result, Picture) and result.vanished}
    if not gone or not isinstance(shard, FileShard) or not isinstance(source, Files):
        return shard.name, results
    for row in gone:
        check_vanished(shard.tasks[row])
    if source.absent is None:
        return without(shard, gone, _identity(features), named=False), results
    left = {results[row].path: row for row in gone if results[row].path not in moved}
    for path in features.states(left, stale)[0]:
        moved.add(path)
        source.problems.append(ScanProblem(path, getattr(results[left[path]], "reason", ""), False))
    settled = list(results)
    for row in gone:
        result = results[row]
        assert isinstance(result, UnreadablePicture)
        settled[row] = replace(result, vanished=result.path in moved)
    return without(shard, gone, _identity(features), named=True), settled


def _count(results: list[Result], report: ExportReport) -> None:
    for result in results:
        if isinstance(result, Picture):
            report.added += 1
        elif result.vanished:
            report.vanished += 1
        else:
            report.failed += 1
