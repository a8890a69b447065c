"""Whether a scan is to be believed: much that is missing at once is an unplugged drive, or the wrong folder.

Then nothing is hidden, and nothing is renamed either: a file that has the content of a missing picture is a
copy of it, and the picture stays where it was. An index that knows which folder it was filled from refuses
another one altogether.
"""

from __future__ import annotations

import os
import shlex
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sightword.errors import IndexOfAnotherFolder, PictureError
from sightword.index.origin import origin_of, same_origin, shown_origin
from sightword.pictures.changes import MOST_VANISHED, Changes, vanished_notice
from sightword.pictures.names import display
from sightword.pictures.reading import hash_file
from sightword.pictures.scan import FoundFile
from sightword.update.progress import Progress

if TYPE_CHECKING:
    from sightword.index.base import FileState, VectorStore

__all__ = ["Guard", "hashed"]

_AT_ONCE = 256
_THREADS = 4  # hashing waits for the disk most of the time


@dataclass
class Guard:
    """Looks at the changes of one scan before anything is written.

    Attributes
    ----------
    store : VectorStore
    root : bytes
        The folder.
    prune : bool
        The person says that it is meant: everything is believed.
    stop : threading.Event
    progress : Progress
    digests : dict
        Contents that had to be looked at, by path.
    notice : str or None
        Why nothing is hidden or renamed.
    believed : bool
        Whether pictures may be hidden and renamed.
    """

    store: VectorStore
    root: bytes
    prune: bool
    stop: threading.Event
    progress: Progress
    digests: dict[bytes, bytes] = field(default_factory=dict)
    notice: str | None = None
    believed: bool = True

    def look(self, known: Mapping[bytes, FileState], changes: Changes) -> None:
        """Judge changes; those that are not believed get their other Unicode forms back as new files.

        Raises
        ------
        IndexOfAnotherFolder
            The index was filled from another folder, and most of that is not here.
        """
        self.notice, self.believed = None, True
        if self.prune or not changes.live:
            return
        most = MOST_VANISHED * changes.live
        replaced = [file for file in changes.changed if known[file.path].status == "live"]
        if len(changes.missing) + len(replaced) <= most:
            return
        origin = self.store.origin
        other = origin is not None and not same_origin(origin, origin_of(self.root))
        if not other and len(changes.missing) <= most:
            return
        missing = self._without_moved(known, changes)
        self.notice = vanished_notice(missing, changes.live, prune=False)
        if self.stop.is_set():  # not all was looked at: nothing can be said
            self.believed, self.notice = False, None
        elif other and (lost := missing + self._replaced(known, replaced)) > most:
            raise self._refusal(origin or "", lost, changes)
        self.believed = self.believed and self.notice is None
        if not self.believed and changes.renamed:
            changes.missing += [old for old, _ in changes.renamed]
            changes.added += [file for _, file in changes.renamed]
            changes.renamed = []

    def _without_moved(self, known: Mapping[bytes, FileState], changes: Changes) -> int:
        """How many missing pictures are not among the new files, by content."""
        gone = Counter(known[path].content_hash for path in changes.missing)
        sizes = {known[path].size for path in changes.missing}
        for digest in self._contents([file for file in changes.added if file.size in sizes]):
            if gone[digest] > 0:
                gone[digest] -= 1
        return gone.total()

    def _replaced(self, known: Mapping[bytes, FileState], files: Sequence[FoundFile]) -> int:
        """How many files have another content than the picture of their path."""
        same = [file for file in files if file.size == known[file.path].size]
        digests = zip(same, self._contents(same))
        return len(files) - sum(digest == known[file.path].content_hash for file, digest in digests)

    def _contents(self, files: Sequence[FoundFile]) -> Iterator[bytes]:
        """The hash of each file; empty for one that cannot be read."""
        if files:
            self.progress.description("recognising files")
        for start in range(0, len(files), _AT_ONCE):
            for file, digest in hashed(self.root, files[start : start + _AT_ONCE], self.digests):
                if digest is not None:
                    self.digests[file.path] = digest
                yield digest or b""
            if self.stop.is_set():
                return

    def _refusal(self, origin: str, lost: int, changes: Changes) -> IndexOfAnotherFolder:
        folder, place = display(self.root), str(self.store.info()["location"])
        filled = f", which was filled from {shown_origin(origin)}," if origin else ""
        command = shlex.join(["sightword", "index", folder, "--index", place, "--prune"])
        error = IndexOfAnotherFolder(
            f"{lost:,} of the {changes.live:,} pictures of {place}{filled} are not in {folder}, so nothing "
            "was changed.",
            f"Name the right folder or another index; `sightword search {place}` asks without a folder. "
            f"If these pictures are to take their place: {command}",
        )
        error.public = (
            f"{lost:,} of the {changes.live:,} pictures of the index are not in the folder, so nothing was "
            "changed."
        )
        error.waiting = len(changes.added) + len(changes.changed)
        return error


def hashed(
    root: bytes, files: Sequence[FoundFile], known: Mapping[bytes, bytes]
) -> Iterator[tuple[FoundFile, bytes | None]]:
    """Each file with its hash; None when it cannot be read or is being written: decoding will say why.

    Parameters
    ----------
    root : bytes
    files : sequence of FoundFile
    known : mapping
        Hashes that need not be taken again, by path.
    """

    def digest(file: FoundFile) -> bytes | None:
        if file.path in known:
            return known[file.path]
        try:
            found, size, mtime_ns = hash_file(os.path.join(root, file.path))  # noqa: PTH118 - bytes
        except (OSError, PictureError):
            return None
        return found if (size, mtime_ns) == (file.size, file.mtime_ns) else None

    with ThreadPoolExecutor(_THREADS) as threads:
        yield from zip(files, threads.map(digest, files))
