"""A folder of pictures; ``cat.txt`` beside ``cat.jpg`` holds its captions, one a line."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from sightword.pictures.scan import FoundFile, scan
from sightword.training.readers.base import Item, Source
from sightword.training.readers.utf8 import utf8

__all__ = ["FolderSource"]


class FolderSource(Source[Item]):
    """Pictures of a folder and its subfolders, by name.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path) -> None:
        self.name = str(folder)
        self._folder = folder

    def __iter__(self) -> Iterator[Item]:
        for found in self._files():
            path = self._folder / os.fsdecode(found.path)
            yield Item(str(path), path, _captions(path.with_suffix(".txt")))

    def identity(self) -> str:
        """Names, sizes and times of the pictures."""
        parts = [f"{found.path!r}|{found.size}|{found.mtime_ns}" for found in self._files()]
        return hashlib.sha256("\n".join([str(self._folder.resolve()), *parts]).encode()).hexdigest()

    def _files(self) -> list[FoundFile]:
        found = [item for item in scan(self._folder) if isinstance(item, FoundFile)]
        return sorted(found, key=lambda item: item.path)


def _captions(path: Path) -> tuple[str, ...]:
    try:
        with utf8(path) as stream:
            return tuple(stream.read().splitlines())
    except OSError:
        return ()
