"""What every reader yields."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from sightword.errors import UsageError
from sightword.training.readers.utf8 import utf8

__all__ = ["CAPTIONS", "PICTURES", "Columns", "Item", "Source", "file_state", "json_rows"]

PICTURES = ("filepath", "file_path", "file_name", "filename", "file", "path", "image", "jpg", "picture")
CAPTIONS = ("title", "caption", "captions", "text", "txt", "sentence", "prompt")
"""Usual names, the likeliest first."""

Row = TypeVar("Row")
"""What a source is made of: `Item`, or `sightword.training.triplets.Triplet`."""


@dataclass(frozen=True)
class Item:
    """One training example, as far as its source has it.

    Attributes
    ----------
    name : str
        For messages and lists: a path, or ``shard.tar/key``.
    picture : Path, bytes or None
        A file, or its content.
    captions : tuple of str
    """

    name: str
    picture: Path | bytes | None = None
    captions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Columns:
    """Names of columns, where the usual ones do not fit.

    Attributes
    ----------
    picture, caption : str, optional
        A name, or the number of a column in a table without a header.
    """

    picture: str | None = None
    caption: str | None = None

    def find(self, columns: Sequence[str], where: str) -> tuple[str | None, str | None]:
        """The columns of pictures and captions among those that there are.

        Raises
        ------
        UsageError
            A named column is missing, or neither kind is there.
        """
        named = (self.picture, self.caption)
        found: list[str | None] = []
        for name, usual in zip(named, (PICTURES, CAPTIONS)):
            if name is not None and name not in columns:
                raise UsageError(f"{where} has no column {name!r}; it has {_list(columns)}.")
            likely = (column for want in usual for column in columns if column.lower() == want)
            found.append(name if name is not None else next(likely, None))
        if found == [None, None]:
            raise UsageError(
                f"{where} has no column of pictures or captions that is recognised; it has {_list(columns)}.",
                "Name them with --picture-column and --caption-column.",
            )
        return found[0], found[1]


class Source(ABC, Generic[Row]):
    """Training data that can be read more than once.

    Attributes
    ----------
    name : str
        For reports.
    """

    name: str

    @abstractmethod
    def __iter__(self) -> Iterator[Row]:
        """The examples, always in the same order; what is wrong with one is left to who reads them."""

    @abstractmethod
    def identity(self) -> str:
        """Changes when the data does; the key of caches and of resuming."""


def json_rows(path: Path, example: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of a JSON Lines file, each with ``path:line``; empty lines are passed over.

    Raises
    ------
    UsageError
        A line is no object, `example` shows one; or the file is not UTF-8.
    """
    with utf8(path) as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError:
                row = None
            if not isinstance(row, dict):
                raise UsageError(f"{path}:{number} is not a JSON object.", f"A line looks like {example}.")
            yield f"{path}:{number}", row


def texts_of(value: Any) -> tuple[str, ...]:
    """Captions of one cell: a text, or a list of texts."""
    if isinstance(value, str):
        return (value,)
    if isinstance(value, (list, tuple)):
        return tuple(item for item in value if isinstance(item, str))
    return ()


def picture_of(value: Any, home: Path) -> Path | bytes | None:
    """A picture of one cell: a path, its content, or the hub's ``{"bytes", "path"}``."""
    if isinstance(value, str) and value.strip():
        path = Path(value.strip())
        return path if path.is_absolute() else home / path
    if isinstance(value, bytes):
        return value
    if isinstance(value, Mapping):
        return picture_of(value.get("bytes") or value.get("path"), home)
    return None


def file_state(path: Path) -> str:
    """Name, size and time of a file."""
    state = path.stat()
    return f"{path.resolve()}|{state.st_size}|{state.st_mtime_ns}"


def _list(columns: Sequence[str]) -> str:
    return ", ".join(map(repr, columns)) or "none"
