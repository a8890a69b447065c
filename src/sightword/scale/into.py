"""The steps of a bulk run: into a directory of features, or into an index."""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sightword.errors import UsageError
from sightword.index.base import Manifest
from sightword.index.opening import as_place, open_index
from sightword.index.store import require
from sightword.pictures.names import display
from sightword.pictures.scan import ScanProblem
from sightword.scale.decoding import Decoding
from sightword.scale.engines import EngineChoice, open_engine
from sightword.scale.exporting import ExportReport, make_features
from sightword.scale.features import Features, FeaturesManifest
from sightword.scale.importing import bring_in
from sightword.scale.pipeline import BulkEngine, NamedBackbone, Pipeline
from sightword.scale.places import is_address
from sightword.scale.reading import EngineReading
from sightword.scale.sources import Files, Inline, Made, Source
from sightword.update import Progress, UpdateReport, update

if TYPE_CHECKING:
    from sightword.backbones.base import Backbone
    from sightword.index.base import VectorStore

__all__ = ["BulkReport", "Job", "into_features", "into_index"]


@dataclass
class BulkReport:
    """What a bulk run did.

    Attributes
    ----------
    pictures, not_readable : int
        In the target now.
    added : int
        Recorded in this run; `encoded` of them were encoded in it, the others had been before.
    failed, already, left_out : int
        Files that could not be read in this run; pictures that needed nothing; features without their file.
    seconds : float
    interrupted : bool
    problems : list of ScanProblem
    update : UpdateReport or None
        When the target is an index and the source files.
    """

    pictures: int = 0
    not_readable: int = 0
    added: int = 0
    encoded: int = 0
    failed: int = 0
    already: int = 0
    left_out: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    problems: list[ScanProblem] = field(default_factory=list)
    update: UpdateReport | None = None


@dataclass
class Job:
    """Everything that the steps share."""

    backbone_name: str
    choice: EngineChoice
    program: str
    index: str | os.PathLike[str] | None
    work: Path | None
    prune: bool
    progress: Progress
    stop: threading.Event
    told: Callable[[str], None]
    stack: ExitStack
    average: int | None

    def backbone(self) -> Backbone:
        from sightword.backbones import load_backbone

        return load_backbone(self.backbone_name, device=self.choice.device)

    def pipeline(self, backbone: Backbone) -> Pipeline:
        named = NamedBackbone.of(self.backbone_name, backbone, self.choice.device)
        return Pipeline(Decoding(backbone.spec.preprocess, program=self.program), named)

    def engine(self, backbone: Backbone) -> BulkEngine:
        return open_engine(self.choice, backbone, self.stack, self.told)


def into_features(source: Source, directory: Path, job: Job) -> BulkReport:
    if isinstance(source, Made):
        raise UsageError(f"{display(source.name)} holds features already.", "Copy the directory.")
    features, done = _made(source, directory, job)
    pictures, failures = features.counts()
    return BulkReport(
        pictures, failures, done.added, done.added, done.failed, done.already, interrupted=done.interrupted
    )


def _made(source: Files | Inline, directory: Path, job: Job) -> tuple[Features, ExportReport]:
    backbone = job.backbone()
    pipeline = job.pipeline(backbone)
    spec = backbone.spec
    manifest = FeaturesManifest(
        spec.name, spec.weights_hash, "product", _precision(backbone), spec.dim, source.name
    )
    features = Features.create(directory, manifest)
    done = make_features(
        source,
        features,
        pipeline,
        job.engine(backbone),
        progress=job.progress,
        stop=job.stop,
        average=job.average,
    )
    return features, done


def _precision(backbone: Backbone) -> str:
    """What pictures are computed in; part of what a shard is."""
    each = getattr(backbone, "precisions", None)
    return str(each["image"] if each else getattr(backbone, "precision", "f32"))


def into_index(source: Source, target: str, folder: Path | None, job: Job) -> BulkReport:
    """Read a source into an index, of a folder or (None) on a cluster."""
    index = job.index if folder is not None else target
    if isinstance(source, Files):
        return _updated(source, target, folder, index, job)
    if isinstance(source, Made):
        return _brought(source.features, folder, index, ExportReport(), job)
    if folder is not None and source.table.path is None:
        raise UsageError(
            f"{display(source.name)} names no files, and the index of a folder is of its files.",
            "Name the column with --name-column, or write --to DIR.parquet or milvus://HOST/COLLECTION.",
        )
    features, made = _made(source, job.work or _work(folder, index), job)
    report = _brought(features, folder, index, made, job)
    if job.work is None and features.manifest.complete and not job.stop.is_set():
        shutil.rmtree(features.directory)
    return report


def _updated(source: Files, target: str, folder: Path | None, index: Any, job: Job) -> BulkReport:
    """Files: the index itself is the record of what is done."""
    _check_names(source, target)
    backbone = job.backbone()
    spec = backbone.spec
    store = _store(folder, index, Manifest(spec.name, spec.weights_hash, "product", spec.dim), job)
    require(store.manifest, spec)
    named = source.absent is not None
    reading = EngineReading(job.engine(backbone), job.pipeline(backbone), named=named)
    brought = update(
        store,
        source.root,
        lambda: backbone,
        spec=spec.preprocess,
        prune=job.prune,
        progress=job.progress,
        stop=job.stop,
        files=None if source.whole else source.found(),
        reading=reading,
    )
    source.problems += reading.absent
    new = brought.added + brought.changed
    return _counted(store, BulkReport(added=new, encoded=new, failed=brought.failed, update=brought))


def _brought(features: Features, folder: Path | None, index: Any, made: ExportReport, job: Job) -> BulkReport:
    """Features that are there: nothing is encoded."""
    facts = features.manifest
    if not facts.complete:
        job.told(f"{features.directory} is not complete; what is there is taken.")
    manifest = Manifest(facts.backbone, facts.weights_hash, facts.preprocess, facts.dim)  # type: ignore[arg-type]
    store = _store(folder, index, manifest, job)
    done = bring_in(features, store, folder, progress=job.progress, stop=job.stop)
    report = BulkReport(added=done.added, encoded=made.added, failed=done.failed)
    report.already, report.left_out = done.already, done.left_out
    return _counted(store, report)


def _store(folder: Path | None, index: Any, manifest: Manifest, job: Job) -> VectorStore:
    store = open_index(folder or Path(), index=index, create=manifest)
    job.stack.callback(store.close)
    return store


def _counted(store: VectorStore, report: BulkReport) -> BulkReport:
    facts = store.info()
    report.pictures, report.not_readable = int(facts["pictures"]), int(facts["failed"])
    return report


def _check_names(source: Files, target: str) -> None:
    """An index holds relative paths only."""
    for task in source.tasks:
        if is_address(task.place) or os.path.isabs(task.name):  # noqa: PTH117 - bytes
            raise UsageError(
                f"{display(task.place)} is not inside {display(source.root)}, so {display(target)} cannot "
                "name it.",
                "Give the folder that all pictures are in with --root, or write --to DIR.parquet.",
            )


def _work(folder: Path | None, index: Any) -> Path:
    """Where finished shards are kept until they are in the index."""
    from sightword.config import cache_home
    from sightword.index.location import locate

    if folder is not None:
        return locate(folder, index=as_place(index) if index is not None else None).directory / "bulk"  # type: ignore[arg-type]
    return cache_home() / "bulk" / hashlib.sha256(str(index).encode()).hexdigest()[:24]
