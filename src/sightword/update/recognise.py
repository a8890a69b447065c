"""Recognise files by their content before they are decoded: touched, moved or copied pictures."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping

from sightword.index.base import FileState, Picture, VectorStore, Writer
from sightword.pictures.changes import Changes, MoveFinder
from sightword.pictures.scan import FoundFile
from sightword.update.guard import Guard, hashed
from sightword.update.read import Intake

__all__ = ["recognise"]

_AT_ONCE = 256
"""Files hashed, and then recorded in one transaction; what is left of them is read before the next are
hashed: hashing 50,000 files first would keep the person waiting, and read them from the disk twice."""


def recognise(
    store: VectorStore,
    known: Mapping[bytes, FileState],
    changes: Changes,
    guard: Guard,
    writer: Writer,
    intake: Intake,
    stop: threading.Event,
) -> Iterator[list[FoundFile]]:
    """Record what needs no decoding. Nothing is moved when the guard does not believe the scan.

    Yields
    ------
    list of FoundFile
        Files that must be read as pictures, a part at a time.
    """
    tally, progress = intake.tally, intake.progress
    progress.total(len(changes.added) + len(changes.changed))
    if changes.renamed:
        writer.move([(old, file.path, file.size, file.mtime_ns) for old, file in changes.renamed])
        tally.moved += len(changes.renamed)
    if changes.revived:
        writer.touch({file.path: (file.size, file.mtime_ns) for file in changes.revived})
        tally.revived += len(changes.revived)
    # Only a file of the same size can have the same content: in a new folder nothing is hashed here.
    sizes = {state.size for state in known.values() if state.content_hash}
    suspects = [file for file in (*changes.added, *changes.changed) if file.size in sizes]
    others = [file for file in (*changes.added, *changes.changed) if file.size not in sizes]
    if suspects:
        progress.description("recognising files")
    hashes = {state.content_hash for state in known.values() if state.status == "live"}
    finder = MoveFinder(known, changes.missing) if guard.believed else MoveFinder({}, [])
    for start in range(0, len(suspects), _AT_ONCE):
        if stop.is_set():
            return
        unread: list[FoundFile] = []
        copied = False
        moves: list[tuple[bytes, bytes, int, int]] = []
        touched: dict[bytes, tuple[int, int]] = {}
        for file, digest in hashed(guard.root, suspects[start : start + _AT_ONCE], guard.digests):
            state = known.get(file.path)
            if digest is None:
                unread.append(file)
            elif state is not None and state.content_hash == digest:
                touched[file.path] = (file.size, file.mtime_ns)
                tally.revived += state.status == "gone"
            elif state is None and (old := finder.take(digest, file.path)) is not None:
                moves.append((old, file.path, file.size, file.mtime_ns))
                # A picture that was marked gone must be shown again, wherever it is now.
                touched[file.path] = (file.size, file.mtime_ns)
            elif digest in hashes and (copy := _copy(store, file, digest)) is not None:
                intake.encoded(copy)
                copied = True
            else:
                unread.append(file)
        if moves:
            writer.move(moves)
            tally.moved += len(moves)
            tally.moved_from.update(old for old, *_ in moves)
        if touched:
            writer.touch(touched)
            progress.advance(len(touched))
        if copied:
            intake.commit()
        yield unread
    yield others


def _copy(store: VectorStore, file: FoundFile, digest: bytes) -> Picture | None:
    """The picture at this path, made from a remembered one with the same content."""
    for row in store.by_hash(digest):
        return Picture(
            path=file.path,
            size=file.size,
            mtime_ns=file.mtime_ns,
            content_hash=digest,
            width=row.width,
            height=row.height,
            format=row.format,
            taken=row.taken,
            feature=store.get(row.id),
        )
    return None
