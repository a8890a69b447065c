"""Decode in workers, encode here, remember in batches: the three overlap."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from sightword.backbones.base import Array
from sightword.index.base import Failure, FileState, Picture, Writer
from sightword.pictures.limits import Limits
from sightword.pictures.pool import DecodePool
from sightword.pictures.scan import FoundFile
from sightword.pictures.settling import being_written, wait_until_settled
from sightword.pictures.types import DecodedPicture, Preset, UnreadablePicture
from sightword.update.encoder import Encoder
from sightword.update.progress import Progress

if TYPE_CHECKING:
    from sightword.backbones.base import Backbone, PreprocessSpec

__all__ = ["Intake", "ReadSettings", "Tally", "read_pictures"]

_COMMIT_PICTURES, _COMMIT_SECONDS = 256, 2.0
"""A transaction waits for the disk: not for every batch, but often enough to lose little."""


@dataclass
class Tally:
    """Counts for the report."""

    added: int = 0
    changed: int = 0
    moved: int = 0
    gone: int = 0
    failed: int = 0
    revived: int = 0
    waiting: int = 0
    moved_from: set[bytes] = field(default_factory=set)
    vanished: list[bytes] = field(default_factory=list)
    """Known pictures whose file went away while the update ran."""
    vanished_failures: list[bytes] = field(default_factory=list)


@dataclass(frozen=True)
class ReadSettings:
    """How files become features; see the parameters of `sightword.update.update`.

    Attributes
    ----------
    spec : PreprocessSpec or None
        None: the backbone's, once that is loaded.
    preset : {"clip", "product"}
    workers : int or None
    limits : Limits
    stop : threading.Event
    settle : float
    """

    spec: PreprocessSpec | None
    preset: Preset
    workers: int | None
    limits: Limits
    stop: threading.Event
    settle: float


class Intake:
    """Collects pictures, encodes them in batches and hands them to the writer.

    Parameters
    ----------
    writer : Writer
    backbone_loader : callable
        Called when the first batch is encoded.
    batch : int
    known : mapping of path to FileState
    tally : Tally
    progress : Progress
    """

    def __init__(
        self,
        writer: Writer,
        backbone_loader: Callable[[], Backbone],
        batch: int,
        known: Mapping[bytes, FileState],
        tally: Tally,
        progress: Progress,
    ) -> None:
        self.tally = tally
        self.progress = progress
        self._known = known
        self._writer = writer
        self._encoder = Encoder(backbone_loader, batch)
        self._batch = batch
        self._decoded: list[DecodedPicture] = []
        self._ready: list[Picture] = []
        self._failures: list[Failure] = []
        self._committed = time.monotonic()

    @property
    def backbone(self) -> Backbone:
        """The backbone, loaded when first asked for."""
        return self._encoder.backbone

    def encoded(self, picture: Picture) -> None:
        """Take a picture whose feature is already known."""
        self._count(picture.path)
        self._ready.append(picture)
        self.progress.advance()

    def decoded(self, picture: DecodedPicture) -> None:
        """Take a decoded picture; every full batch is encoded."""
        self._decoded.append(picture)
        if len(self._decoded) >= self._batch:
            self._encode()
            waiting = len(self._ready) + len(self._failures)
            if waiting >= _COMMIT_PICTURES or time.monotonic() - self._committed > _COMMIT_SECONDS:
                self._write()

    def failed(self, file: UnreadablePicture) -> None:
        """Take a file that cannot be read."""
        self._fail(file.path, file.size, file.mtime_ns, file.reason)

    def holds(self, path: bytes) -> bool:
        """Whether the index has a picture of this path, shown or hidden."""
        state = self._known.get(path)
        return state is not None and state.id is not None

    def vanished(self, path: bytes) -> None:
        """A file went away before it was read."""
        state = self._known.get(path)
        if state is not None and state.status == "live":
            self.tally.vanished.append(path)
        elif state is not None and state.status == "failed":
            self.tally.vanished_failures.append(path)
        self.progress.advance()

    def commit(self) -> None:
        """Encode and write what is held."""
        self._encode()
        self._write()

    def _encode(self) -> None:
        if not self._decoded:
            return
        pictures, self._decoded = self._decoded, []
        encoded = self._encoder({"pixels": np.stack([picture.pixels for picture in pictures])})
        for picture, feature, reason in zip(pictures, encoded["feature"], encoded["reason"]):
            if reason:
                self._fail(picture.path, picture.size, picture.mtime_ns, reason)
            else:
                self.encoded(_remembered(picture, feature))

    def _write(self) -> None:
        if self._ready:
            self._writer.add(self._ready)
        if self._failures:
            self._writer.fail(self._failures)
        self._ready, self._failures, self._committed = [], [], time.monotonic()

    def _fail(self, path: bytes, size: int, mtime_ns: int, reason: str) -> None:
        self.tally.failed += 1
        self._failures.append(Failure(path, size, mtime_ns, reason))
        self.progress.advance()

    def _count(self, path: bytes) -> None:
        if self.holds(path):
            self.tally.changed += 1
        else:  # unknown, or never readable before
            self.tally.added += 1


def read_pictures(
    parts: Iterable[Sequence[FoundFile]],
    root: bytes,
    intake: Intake,
    settings: ReadSettings,
) -> None:
    """Decode, encode and remember files, which come in parts."""
    stop, settle = settings.stop, settings.settle
    pool: DecodePool | None = None
    unsettled: list[FoundFile] = []
    with contextlib.ExitStack() as stack:
        for files in parts:
            if not files or stop.is_set():
                continue
            if pool is None:
                intake.progress.description("reading pictures")
                spec = settings.spec or intake.backbone.spec.preprocess
                made = DecodePool(spec, settings.preset, workers=settings.workers, limits=settings.limits)
                pool = stack.enter_context(made)
            unsettled += _one_pass(pool, files, root, intake, stop, patient=settle > 0)
        if pool is not None and unsettled:
            settled = wait_until_settled(root, unsettled, settle, stop)
            intake.tally.waiting += len(unsettled) - len(settled)
            again = _one_pass(pool, settled, root, intake, stop, patient=True)
            intake.tally.waiting += len(again)
    intake.commit()


def _one_pass(
    pool: DecodePool,
    files: Sequence[FoundFile],
    root: bytes,
    intake: Intake,
    stop: threading.Event,
    *,
    patient: bool,
) -> list[FoundFile]:
    """Read the files; returns those that failed but are still being written, when `patient`."""
    later: list[FoundFile] = []
    tasks = [(file.path, os.path.join(root, file.path)) for file in files]  # noqa: PTH118 - bytes
    with contextlib.closing(pool.run(tasks, stop)) as results:
        for result in results:
            if isinstance(result, DecodedPicture):
                intake.decoded(result)
            elif result.vanished:
                intake.vanished(result.path)
            elif patient and being_written(root, result):
                later.append(FoundFile(result.path, result.size, result.mtime_ns))
            else:
                intake.failed(result)
    return later


def _remembered(picture: DecodedPicture, feature: Array) -> Picture:
    return Picture(
        path=picture.path,
        size=picture.size,
        mtime_ns=picture.mtime_ns,
        content_hash=picture.content_hash,
        width=picture.width,
        height=picture.height,
        format=picture.format,
        taken=picture.taken,
        feature=feature,
    )
