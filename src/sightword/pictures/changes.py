"""What is different between the folder and the index."""

from __future__ import annotations

import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from sightword.pictures.scan import FoundFile, ScanProblem

__all__ = ["MOST_VANISHED", "Changes", "KnownFile", "MoveFinder", "compare", "vanished_notice"]

MOST_VANISHED = 0.3
"""If a larger share of the pictures is missing at once, a drive was probably unplugged."""


class KnownFile(Protocol):
    """What an index knows of one path: its `FileState`, seen from below (nothing here imports the index)."""

    @property
    def size(self) -> int:
        """Bytes."""

    @property
    def mtime_ns(self) -> int:
        """Time of the last change."""

    @property
    def content_hash(self) -> bytes:
        """sha256; empty when the file could not be read."""

    @property
    def status(self) -> str:
        """``live``, ``gone`` or ``failed``."""


@dataclass
class Changes:
    """The folder against the index, before any file was opened."""

    added: list[FoundFile] = field(default_factory=list)
    """Paths the index does not know; some will turn out to be moved or copied."""
    changed: list[FoundFile] = field(default_factory=list)
    """Known paths with another size or time; failed files among them get another chance."""
    renamed: list[tuple[bytes, FoundFile]] = field(default_factory=list)
    """The same name written in another Unicode form, as file systems do on their own."""
    revived: list[FoundFile] = field(default_factory=list)
    """Vanished pictures that are back as they were."""
    missing: list[bytes] = field(default_factory=list)
    """Live pictures whose file was not seen."""
    lost_failures: list[bytes] = field(default_factory=list)
    """Unreadable files that are no longer there."""
    live: int = 0
    """Live pictures in the index before."""

    def __bool__(self) -> bool:
        """Whether there is anything to do or to say."""
        return any((self.added, self.changed, self.renamed, self.revived, self.missing, self.lost_failures))


def compare(
    known: Mapping[bytes, KnownFile], found: Iterable[FoundFile], problems: Iterable[ScanProblem] = ()
) -> Changes:
    """Compare a scan with what the index remembers.

    Parameters
    ----------
    known : mapping of path to KnownFile
        ``store.known()``.
    found : iterable of FoundFile
    problems : iterable of ScanProblem
        Files hidden behind them do not count as missing. Read after `found` is exhausted, so that the list
        which `scan` fills may be passed.
    """
    changes = Changes()
    seen: set[bytes] = set()
    for file in found:
        seen.add(file.path)
        state = known.get(file.path)
        if state is None:
            changes.added.append(file)
        elif (state.size, state.mtime_ns) != (file.size, file.mtime_ns):
            changes.changed.append(file)
        elif state.status == "gone":
            changes.revived.append(file)
    hidden = tuple(problem.path for problem in problems if problem.hides)
    below = tuple(path + b"/" for path in hidden)
    for path, state in known.items():
        if state.status == "live":
            changes.live += 1
        if path in seen or state.status == "gone" or path in hidden or (below and path.startswith(below)):
            continue
        (changes.missing if state.status == "live" else changes.lost_failures).append(path)
    _match_unicode_forms(changes, known)
    return changes


def _match_unicode_forms(changes: Changes, known: Mapping[bytes, KnownFile]) -> None:
    if not (changes.added and changes.missing):
        return
    old = {_composed(path): path for path in changes.missing if not path.isascii()}
    kept: list[FoundFile] = []
    for file in changes.added:
        before = old.get(_composed(file.path)) if old and not file.path.isascii() else None
        same = before is not None and (known[before].size, known[before].mtime_ns) == (
            file.size,
            file.mtime_ns,
        )
        if before is not None and same:
            changes.renamed.append((before, file))
            del old[_composed(file.path)]
        else:
            kept.append(file)
    if changes.renamed:
        matched = {before for before, _ in changes.renamed}
        changes.added = kept
        changes.missing = [path for path in changes.missing if path not in matched]


def _composed(path: bytes) -> str:
    return unicodedata.normalize("NFC", os.fsdecode(path))


class MoveFinder:
    """Finds the old place of a file by its content, among pictures whose file is not where it was.

    Parameters
    ----------
    known : mapping of path to KnownFile
    missing : iterable of bytes
        Live pictures not seen by the scan; pictures marked gone earlier are added from `known`.
    """

    def __init__(self, known: Mapping[bytes, KnownFile], missing: Iterable[bytes]) -> None:
        self._known = known
        self._places: dict[bytes, list[bytes]] = defaultdict(list)
        gone = (path for path, state in known.items() if state.status == "gone")
        for path in (*missing, *gone):
            if known[path].content_hash:
                self._places[known[path].content_hash].append(path)

    def take(self, content_hash: bytes, new_path: bytes) -> bytes | None:
        """The old path of this content, each given out once; one with the same file name if there is one."""
        places = self._places.get(content_hash)
        if not places:
            return None
        name = new_path.rpartition(b"/")[2]
        best = next((path for path in places if path.rpartition(b"/")[2] == name), places[0])
        places.remove(best)
        return best


def vanished_notice(missing: int, live: int, *, prune: bool) -> str | None:
    """Why vanished pictures are kept, as a sentence; None when they may be marked.

    Examples
    --------
    >>> vanished_notice(3, 10, prune=False) is None
    True
    >>> vanished_notice(4, 10, prune=False)
    '4 of 10 pictures are not there; as this looks like an unplugged drive, they are kept. Run ...'
    """
    if prune or missing <= MOST_VANISHED * live:
        return None
    return (
        f"{missing:,} of {live:,} pictures are not there; as this looks like an unplugged drive, "
        "they are kept. Run `sightword index FOLDER --prune` if they are gone for good."
    )
