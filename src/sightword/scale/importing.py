"""Features that were made before -> an index, without encoding anything."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sightword.errors import IndexForAnotherBackbone, PictureError
from sightword.index.base import FileState, Manifest, Stored, VectorStore
from sightword.index.rows import is_inside
from sightword.pictures.reading import hash_file
from sightword.scale.features import Features
from sightword.update.progress import Progress

__all__ = ["ImportReport", "bring_in"]


@dataclass
class ImportReport:
    """What bringing features in did.

    Attributes
    ----------
    added, failed : int
        Pictures and unreadable files recorded.
    already : int
        Pictures that the index had just so.
    left_out : int
        Pictures whose file is not in the folder, or another one now, and names that no index can hold.
    """

    added: int = 0
    failed: int = 0
    already: int = 0
    left_out: int = 0


def bring_in(
    features: Features,
    store: VectorStore,
    folder: Path | None,
    *,
    progress: Progress,
    stop: threading.Event,
) -> ImportReport:
    """Record features in an index.

    Parameters
    ----------
    features : Features
    store : VectorStore
        Of the same backbone and preset.
    folder : Path or None
        The pictures of an index on this disk: only what is in the folder, unchanged, is taken, so that the
        next search finds nothing to do. None takes everything.
    progress : Progress
    stop : threading.Event

    Raises
    ------
    IndexForAnotherBackbone
    """
    require_same(features, store.manifest)
    report = ImportReport()
    pictures, _ = features.counts()
    progress.description("bringing features in")
    progress.total(pictures)
    with store.writer() as writer:
        known = store.known()
        for items in features.stored():
            if stop.is_set():
                return report
            ready = list(_wanted(items, known, folder, report))
            if ready:
                writer.restore(ready)
            report.added += len(ready)
            progress.advance(len(items))
        for failures in features.failures():
            new = [
                failure
                for failure in failures
                if is_inside(failure.path)
                and failure.path not in known
                and (folder is None or _state(folder, failure.path) == (failure.size, failure.mtime_ns))
            ]
            if new:
                writer.fail(new)
            report.failed += len(new)
    return report


def require_same(features: Features, manifest: Manifest) -> None:
    """Raise IndexForAnotherBackbone unless both hold the same backbone's vectors of the same preset."""
    theirs = features.manifest
    if (theirs.weights_hash, theirs.dim) != (manifest.weights_hash, manifest.dim):
        raise IndexForAnotherBackbone(
            f"{features.directory} holds vectors of {theirs.backbone}, the index those of {manifest.backbone}"
            f"{' (same name, other weights)' if theirs.backbone == manifest.backbone else ''}.",
            "Encode the pictures again, or write to another index.",
        )
    if theirs.preprocess != manifest.preprocess:
        raise IndexForAnotherBackbone(
            f"{features.directory} was prepared by the preset {theirs.preprocess}, the index by "
            f"{manifest.preprocess}.",
            "Encode the pictures again, or write to another index.",
        )


def _wanted(
    items: Sequence[Stored], known: Mapping[bytes, FileState], folder: Path | None, report: ImportReport
) -> Iterator[Stored]:
    """What is new, with the state of the file in the folder; each path once."""
    fresh: dict[bytes, Stored] = {}
    for item in items:
        placed = _placed(item, folder) if is_inside(item.row.path) else None
        if placed is None:
            report.left_out += 1
            continue
        row, state = placed.row, known.get(placed.row.path)
        kept = (row.size, row.mtime_ns, row.content_hash, "live")
        if state is not None and (state.size, state.mtime_ns, state.content_hash, state.status) == kept:
            report.already += 1
        else:
            fresh[row.path] = placed
    yield from fresh.values()


def _placed(item: Stored, folder: Path | None) -> Stored | None:
    if folder is None:
        return item
    row = item.row
    state = _state(folder, row.path)
    if state is None or state[0] != row.size:
        return None
    if state[1] != row.mtime_ns:
        try:
            digest, *state_then = hash_file(folder / os.fsdecode(row.path))
        except (OSError, PictureError):
            return None
        if digest != row.content_hash:
            return None
        state = (state_then[0], state_then[1])
    return replace(item, row=replace(row, size=state[0], mtime_ns=state[1]))


def _state(folder: Path, path: bytes) -> tuple[int, int] | None:
    try:
        state = (folder / os.fsdecode(path)).stat()
    except OSError:
        return None
    return state.st_size, state.st_mtime_ns
