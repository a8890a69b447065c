"""Follow a folder: bring the index up to date whenever something in it changes."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sightword.errors import IndexBusy, IndexOfAnotherFolder
from sightword.pictures.formats import has_picture_name
from sightword.pictures.settling import FRESH_SECONDS
from sightword.update import UpdateReport, update

if TYPE_CHECKING:
    from sightword.backbones.base import Backbone
    from sightword.index.base import VectorStore

__all__ = ["changes_in", "watch"]

POLL_SECONDS = 5.0
"""How often the folder is walked where the system does not tell of changes."""

_QUIET_MS, _LONGEST_BURST_MS, _WAKE_MS = 500, 2000, 200
_BUSY_SECONDS = 2.0


def watch(
    store: VectorStore,
    folder: str | bytes | os.PathLike[str],
    backbone_loader: Callable[[], Backbone],
    *,
    stop: threading.Event,
    report: Callable[[UpdateReport], None] | None = None,
    poll: float | None = None,
    **options: Any,
) -> None:
    """Update now, and after every change, until `stop` is set.

    Files that are being copied are waited for: they are neither taken in half nor called broken.

    Parameters
    ----------
    store, folder, backbone_loader
        As for `update`; the backbone is loaded at most once.
    stop : threading.Event
        Ends the watching; a running update finishes its batch.
    report : callable, optional
        Called after every update that did anything.
    poll : float, optional
        Walk the folder every so many seconds instead of asking the system for changes (for network drives).
    **options
        For `update`.

    Raises
    ------
    SightwordError
        As `update`, but another process that is writing is waited for. That most of the index is not in the
        folder ends the watching at its start alone: later it is an unplugged drive, which is reported.
    """
    options.setdefault("settle", FRESH_SECONDS)
    loaded: list[Backbone] = []
    begun = False
    told: str | None = None

    def backbone() -> Backbone:
        if not loaded:
            loaded.append(backbone_loader())
        return loaded[0]

    # Listening starts before the first update: nothing that changes meanwhile is missed.
    for _ in changes_in(folder, stop, poll):
        while not stop.is_set():
            try:
                done = update(store, folder, backbone, stop=stop, **options)
            except IndexBusy:
                stop.wait(_BUSY_SECONDS)
                continue
            except IndexOfAnotherFolder as error:
                if not begun:
                    raise
                if report is not None and told != error.message:
                    report(UpdateReport(skipped_notice=error.message))
                told = error.message
                break
            begun, told = True, None
            if report is not None and _did_anything(done):
                report(done)
            # A file that is still being copied will announce its end; until then look again by ourselves.
            if not done.waiting or stop.wait(FRESH_SECONDS):
                break


def changes_in(
    folder: str | bytes | os.PathLike[str], stop: threading.Event, poll: float | None = None
) -> Iterator[None]:
    """Yield at once, and whenever pictures in the folder may have changed, until `stop` is set.

    The system is asked (inotify and its like); where it does not tell, the ticks come regularly.
    """
    if poll is None:
        try:
            yield from _told(folder, stop)
            return
        except (OSError, RuntimeError):
            poll = POLL_SECONDS  # too many folders for the system's limit, or a drive that does not tell
    yield None
    while not stop.wait(poll):
        yield None


def _told(folder: str | bytes | os.PathLike[str], stop: threading.Event) -> Iterator[None]:
    from watchfiles import watch as listen

    root = os.path.realpath(os.fsdecode(folder))

    def concerns_pictures(_: object, path: str) -> bool:
        """Everything but hidden things (our index lies in a hidden folder) and files that are no pictures."""
        parts = Path(path[len(root) + 1 :]).parts
        if any(part.startswith(".") for part in parts):
            return False
        # What is not there any more may have been a folder of pictures.
        return not parts or has_picture_name(os.fsencode(parts[-1])) or not Path(path).is_file()

    changes = listen(
        root,
        watch_filter=concerns_pictures,
        debounce=_LONGEST_BURST_MS,
        step=_QUIET_MS,
        rust_timeout=_WAKE_MS,  # also the delay before the first update
        yield_on_timeout=True,
        stop_event=stop,
        force_polling=False,
        ignore_permission_denied=True,
    )
    first = True
    for change in changes:
        if first or change:
            first = False
            yield None


def _did_anything(done: UpdateReport) -> bool:
    counts = (done.added, done.changed, done.moved, done.gone, done.failed, done.revived, done.waiting)
    return any(counts) or done.skipped_notice is not None
