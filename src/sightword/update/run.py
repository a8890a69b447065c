"""Bring an index up to date with its folder: scan, compare, recognise, decode, encode, remember.

Files are recognised before they are decoded: a touched, moved or copied picture is known by the hash of its
content and costs no decoding, and when nothing must be encoded the model is never loaded.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sightword.errors import IndexProblem
from sightword.index.origin import learn, origin_of
from sightword.pictures.changes import Changes, compare, vanished_notice
from sightword.pictures.limits import Limits
from sightword.pictures.names import display
from sightword.pictures.scan import FoundFile, ScanProblem, scan
from sightword.update.guard import Guard
from sightword.update.progress import Progress
from sightword.update.read import Intake, ReadSettings, Tally, read_pictures
from sightword.update.recognise import recognise

if TYPE_CHECKING:
    from sightword.backbones.base import Backbone, PreprocessSpec
    from sightword.index.base import FileState, VectorStore, Writer
    from sightword.pictures.types import Preset

__all__ = ["Progress", "Reading", "UpdateReport", "update"]

_TOLD_EVERY = 500


@dataclass(frozen=True)
class UpdateReport:
    """What an update did.

    Attributes
    ----------
    added, changed, moved, gone, failed : int
        Pictures new to the index, with new content, at a new path, no longer there, and unreadable.
    revived : int
        Pictures that had vanished and are back unchanged.
    waiting : int
        Files somebody is still writing; the next update looks again (only when it was asked to wait).
    skipped_notice : str or None
        Why vanished pictures were kept.
    problems : tuple of ScanProblem
        Folders that could not be read and links that were not followed.
    seconds : float
    interrupted : bool
        True when `stop` was set: everything done so far is in the index.
    left : int
        Files that an interrupted update has not looked at.
    """

    added: int = 0
    changed: int = 0
    moved: int = 0
    gone: int = 0
    failed: int = 0
    revived: int = 0
    waiting: int = 0
    skipped_notice: str | None = None
    problems: tuple[ScanProblem, ...] = field(default=())
    seconds: float = 0.0
    interrupted: bool = False
    left: int = 0


Reading = Callable[[Iterable[Sequence[FoundFile]], bytes, Intake, ReadSettings], None]
"""How files become features: `read_pictures` here, a cluster in `sightword.scale`.

Called with parts of files, the folder that they are in, and where every one of them is to be handed; commits.
"""


def update(
    store: VectorStore,
    folder: str | bytes | os.PathLike[str],
    backbone_loader: Callable[[], Backbone],
    *,
    spec: PreprocessSpec | None = None,
    preset: Preset | None = None,
    prune: bool = False,
    batch: int = 32,
    workers: int | None = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
    settle: float = 0.0,
    files: Iterable[FoundFile] | None = None,
    reading: Reading = read_pictures,
) -> UpdateReport:
    """Bring the index up to date with the folder.

    Parameters
    ----------
    store : VectorStore
    folder : str, bytes or os.PathLike
        The folder that the store's paths are relative to.
    backbone_loader : callable
        Returns the backbone; called at most once, and only when a picture must be encoded.
    spec : PreprocessSpec, optional
        The backbone's; when given, decoding starts before the backbone is loaded.
    preset : {"clip", "product"}, optional
        By default what the manifest says.
    prune : bool
        Mark vanished pictures as gone even when they are more than 30 % of all.
    batch : int
        Pictures encoded at once.
    workers : int, optional
        Decoding processes; by default one for each core.
    limits : Limits, optional
        Bounds on one picture.
    progress : Progress, optional
    stop : threading.Event, optional
        Once set, the current batch is finished and committed, and the report says ``interrupted``.
    settle : float
        Seconds to leave a file alone that cannot be read and was just written: it is probably still being
        copied. With 0 it is recorded as unreadable, and looked at again when it has changed.
    files : iterable of FoundFile, optional
        Look at these files only, and believe that all others are as they were.
    reading : Reading
        What decodes and encodes.

    Returns
    -------
    UpdateReport

    Raises
    ------
    UsageError
        The folder is not there.
    IndexBusy
        Another process is writing. Not raised when there is nothing to do.
    IndexOfAnotherFolder
        The index was filled from another folder, and most of that is not in this one.
    SightwordError
        From the backbone's loader, or from the store (a full disk); never because of single files.
    """
    started = time.monotonic()
    progress, stop = progress or Progress(), stop or threading.Event()
    root = os.fsencode(folder)
    problems: list[ScanProblem] = []
    progress.description(f"looking for changes in {display(root)}")
    found = list(_told(scan(root, problems) if files is None else files, progress))
    chosen = files is not None
    known = store.known()
    changes = _changes(known, found, problems, chosen)
    # Files that somebody named say nothing of the others.
    guard = Guard(store, root, prune or chosen, stop, progress)
    guard.look(known, changes)
    tally, notice = Tally(), guard.notice
    if _anything_to_write(changes, guard):
        with _counting(changes), store.writer() as writer:
            # Another process may have written while this one waited for its turn.
            known = store.known()
            changes = _changes(known, found, problems, chosen)
            guard.look(known, changes)
            if guard.believed and (store.origin is not None if not chosen else store.origin == ""):
                writer.filled_from(origin_of(root))
            intake = Intake(writer, backbone_loader, batch, known, tally, progress)
            progress.already(len(found) - len(changes.added) - len(changes.changed))
            new = recognise(store, known, changes, guard, writer, intake, stop)
            preset = preset or store.manifest.preprocess
            settings = ReadSettings(spec, preset, workers, limits or Limits(), stop, settle)
            reading(new, root, intake, settings)
            notice = guard.notice
            if guard.believed and not stop.is_set():
                notice = _mark_gone(changes, tally, writer, prune)
    elif _all_here(changes, guard, problems) and not chosen and store.origin == "":
        learn(store, origin_of(root))  # all of it is here; when it is unplugged one day, that is known
    return UpdateReport(
        added=tally.added,
        changed=tally.changed,
        moved=tally.moved,
        gone=tally.gone,
        failed=tally.failed,
        revived=tally.revived,
        waiting=tally.waiting,
        skipped_notice=notice,
        problems=tuple(problems),
        seconds=time.monotonic() - started,
        interrupted=stop.is_set(),
        left=_left(_changes(store.known(), found, problems, chosen)) if stop.is_set() else 0,
    )


def _told(files: Iterable[FoundFile], progress: Progress) -> Iterator[FoundFile]:
    """The same files, counted aloud."""
    for count, file in enumerate(files, start=1):
        if count % _TOLD_EVERY == 0:
            progress.found(count)
        yield file


def _changes(
    known: Mapping[bytes, FileState],
    found: Sequence[FoundFile],
    problems: Sequence[ScanProblem],
    chosen: bool,
) -> Changes:
    """The files against the index; what is not among chosen ones is not missing."""
    changes = compare(known, found, problems)
    if chosen:
        changes.missing, changes.lost_failures = [], []
    return changes


def _left(changes: Changes) -> int:
    return len(changes.added) + len(changes.changed)


@contextmanager
def _counting(changes: Changes) -> Iterator[None]:
    """Let an index that cannot be written just now say how many files that leaves unread."""
    try:
        yield
    except IndexProblem as error:
        error.waiting = _left(changes)
        raise


def _anything_to_write(changes: Changes, guard: Guard) -> bool:
    if changes.added or changes.changed or changes.renamed or changes.revived:
        return True
    return bool(changes.missing or changes.lost_failures) and guard.believed


def _all_here(changes: Changes, guard: Guard, problems: Sequence[ScanProblem]) -> bool:
    """With nothing to write: whether the folder was seen to hold all pictures of the index."""
    return guard.believed and changes.live > 0 and not any(problem.hides for problem in problems)


def _mark_gone(changes: Changes, tally: Tally, writer: Writer, prune: bool) -> str | None:
    """Hide what is not there, unless it is suspiciously much. Last, as a missing file may have moved."""
    missing = [path for path in changes.missing if path not in tally.moved_from] + tally.vanished
    notice = vanished_notice(len(missing), changes.live, prune=prune)
    lost_failures = changes.lost_failures + tally.vanished_failures
    if notice is None and (missing or lost_failures):
        writer.mark_gone([*missing, *lost_failures])
        tally.gone += len(missing)
    return notice
