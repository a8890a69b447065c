"""Make one index equal to another without encoding anything: vectors, norms and marks travel as they are.

Every step is one durable call of the target's writer, and additions come before marks: a transfer that dies
leaves the target with everything it had and part of what is new.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

import numpy as np

from sightword.errors import IndexCorrupt
from sightword.index.base import Manifest, Stored, VectorStore
from sightword.index.files import failpoint
from sightword.index.origin import learn
from sightword.index.rows import is_inside
from sightword.index.transfer_plan import Plan

__all__ = ["Damaged", "TransferReport", "transfer"]

_BATCH_BYTES = 4 << 20
_MOST_ROWS = 2000
_MOST_PATHS = 20_000

T = TypeVar("T")


@dataclass(frozen=True)
class Damaged:
    """A picture that was left out, because what the source has of it cannot be right."""

    path: bytes
    reason: str


@dataclass
class TransferReport:
    """What a transfer did.

    Attributes
    ----------
    sent, updated, not_readable, hidden : int
        Paths sent with their vectors; given a new size and date, or shown again; recorded as unreadable;
        marked as gone.
    damaged : list of Damaged
    missed : int
        Pictures that another process replaced in the source meanwhile; the next transfer takes them.
    interrupted : bool
        `stop` was set: what was done stays.
    """

    sent: int = 0
    updated: int = 0
    not_readable: int = 0
    hidden: int = 0
    damaged: list[Damaged] = field(default_factory=list)
    missed: int = 0
    interrupted: bool = False

    @property
    def done(self) -> int:
        """Paths that have been dealt with."""
        pictures = self.sent + len(self.damaged) + self.missed
        return pictures + self.updated + self.not_readable + self.hidden


def transfer(
    source: VectorStore,
    target: VectorStore,
    plan: Plan,
    report: TransferReport,
    *,
    told: Callable[[int], None] = lambda count: None,
    stop: threading.Event | None = None,
    origin: str | None = None,
) -> None:
    """Carry out a plan.

    Parameters
    ----------
    source, target : VectorStore
    plan : Plan
        From `compare`; with nothing in it the target at most learns its origin.
    report : TransferReport
        Filled while it goes on, so that it also tells how far a transfer came that failed.
    told : callable
        Gets how many more paths are done.
    stop : threading.Event, optional
        Once set, the current batch is finished and the rest is left.
    origin : str, optional
        The folder (`index/origin.py`) whose pictures these are; the target keeps it.

    Raises
    ------
    IndexBusy
        Another process writes to the target.
    SightwordError
        The target cannot be reached or is full; the same transfer, planned again, goes on from there.
    """
    if not len(plan):
        if origin is not None and plan.live and not plan.kept and target.origin == "":
            learn(target, origin)
        return
    stop = stop or threading.Event()
    with target.writer() as writer:
        if origin is not None:
            writer.filled_from(origin)
        for some in _batches(plan.send, _rows_at_once(source.manifest), stop):
            before = report.done
            items = list(_readable(source, some, report))
            if items:
                writer.restore(items)
            report.sent += len(items)
            failpoint("transfer.after_batch")
            told(report.done - before)
        for paths in _batches(list(plan.touch), _MOST_PATHS, stop):
            writer.touch({path: plan.touch[path] for path in paths})
            report.updated += len(paths)
            told(len(paths))
        for failures in _batches(plan.fail, _MOST_PATHS, stop):
            writer.fail(failures)
            report.not_readable += len(failures)
            told(len(failures))
        # Last: a picture that moved is there under its new path before the old one is hidden.
        for paths in _batches(plan.hide, _MOST_PATHS, stop):
            writer.mark_gone(paths)
            report.hidden += len(paths)
            told(len(paths))
    report.interrupted = report.done < len(plan)


def _rows_at_once(manifest: Manifest) -> int:
    return max(1, min(_MOST_ROWS, _BATCH_BYTES // (4 * manifest.dim)))


def _batches(items: Sequence[T], size: int, stop: threading.Event) -> Iterator[list[T]]:
    rest = iter(items)
    while not stop.is_set() and (some := list(islice(rest, size))):
        yield some


def _readable(
    source: VectorStore, some: Sequence[tuple[int, bytes]], report: TransferReport
) -> Iterator[Stored]:
    """The pictures of a batch that are sound; the others are noted."""
    try:
        found = source.stored([number for number, _ in some])
    except IndexCorrupt as error:
        if len(some) == 1:
            report.damaged.append(Damaged(some[0][1], error.message))
            return
        for one in some:  # so that one bad row costs itself alone
            yield from _readable(source, [one], report)
        return
    report.missed += len(some) - len(found)
    for item in found:
        reason = _wrong(item, source.manifest)
        if reason is None:
            yield item
        else:
            report.damaged.append(Damaged(item.row.path, reason))


def _wrong(item: Stored, manifest: Manifest) -> str | None:
    """Why a row cannot be right; what comes from elsewhere may be anything."""
    row, unit = item.row, item.unit
    tolerance = 1e-5 if manifest.dtype == "float32" else 2.0**-7
    if not is_inside(row.path):
        return "It names a file outside the folder."
    if len(row.content_hash) != 32:
        return "It has no whole content hash."
    if row.width < 1 or row.height < 1:
        return "It has no size."
    if unit.shape != (manifest.dim,) or unit.dtype != np.float32:
        return "Its vector has the wrong length."
    with np.errstate(all="ignore"):
        length = float(np.sqrt((unit.astype(np.float64) ** 2).sum()))
    if not abs(length - 1.0) <= tolerance:
        return "Its vector is not of unit length."
    if not 0.0 < item.norm < np.inf:
        return "Its norm is not a positive number."
    return None
