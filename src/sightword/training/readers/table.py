"""Tables of pictures and captions; CC3M's file has tabs and the columns ``filepath`` and ``title``."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator
from pathlib import Path

from sightword.errors import UsageError
from sightword.training.readers.base import Columns, Item, Source, file_state, picture_of
from sightword.training.readers.utf8 import utf8

__all__ = ["TableSource"]


class TableSource(Source[Item]):
    """A CSV or TSV file.

    Parameters
    ----------
    path : Path
        Relative pictures are looked for beside it.
    columns : Columns
        Numbers (``--caption-column 0``) mean a table without a header.
    """

    def __init__(self, path: Path, columns: Columns) -> None:
        self.name = str(path)
        self._path = path
        named = [name for name in (columns.picture, columns.caption) if name is not None]
        self._header = not (named and all(name.isdigit() for name in named))
        with utf8(path, newline="") as stream:
            first = stream.readline()
        self._separator = "\t" if path.suffix.lower() == ".tsv" or "\t" in first else ","
        row = next(csv.reader([first], delimiter=self._separator), [])
        if not row:
            raise UsageError(f"{path} is empty.")
        names = row if self._header else [str(number) for number in range(len(row))]
        found = columns.find([name.strip() for name in names], str(path))
        self._at = [None if name is None else [n.strip() for n in names].index(name) for name in found]

    def __iter__(self) -> Iterator[Item]:
        with utf8(self._path, newline="") as stream:
            rows = csv.reader(stream, delimiter=self._separator)
            for number, row in enumerate(
                itertools.islice(rows, int(self._header), None), int(self._header) + 1
            ):
                picture, caption = (row[at] if at is not None and at < len(row) else None for at in self._at)
                found = picture_of(picture, self._path.parent)
                name = str(found) if isinstance(found, Path) else f"{self._path}:{number}"
                yield Item(name, found, () if caption is None else (caption,))

    def identity(self) -> str:
        """The file's state."""
        return f"{file_state(self._path)}|{self._at}"
