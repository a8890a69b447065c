"""Triplets in a table or one JSON object a line.

Columns, by their usual names: **reference**, **text** and **target**; optional are **also** (further right
answers: a list, or names with ``|`` between them) and **group** (held out together).
In ``.jsonl``, ``text`` may be a list of equally likely ways to put it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sightword.errors import UsageError
from sightword.training.readers.base import Item, Source, file_state, json_rows, picture_of, texts_of
from sightword.training.readers.utf8 import utf8
from sightword.training.triplets import Triplet

if TYPE_CHECKING:
    from sightword.training.readers.triplets import TripletColumns

__all__ = ["LinesTriplets", "TableTriplets"]

_EXAMPLE = '{"reference": "a.jpg", "text": "in red", "target": "b.jpg"}'

USUAL = {
    "reference": ("reference", "reference_image", "candidate", "ref", "source", "query", "query_image"),
    "text": ("text", "texts", "caption", "captions", "modification", "relative_caption", "edit", "words"),
    "target": ("target", "target_image", "target_hard", "answer"),
}
OPTIONS = {"reference": "--reference-column", "text": "--text-column", "target": "--target-column"}


class TableTriplets(Source[Triplet]):
    """A CSV or TSV file with a header.

    Parameters
    ----------
    path : Path
        Relative pictures are looked for beside it.
    columns : TripletColumns
    """

    def __init__(self, path: Path, columns: TripletColumns) -> None:
        self.name = str(path)
        self._path = path
        with utf8(path, newline="") as stream:
            first = stream.readline()
        self._separator = "\t" if path.suffix.lower() == ".tsv" or "\t" in first else ","
        self._names = [name.strip() for name in next(csv.reader([first], delimiter=self._separator), [])]
        if not self._names:
            raise UsageError(f"{path} is empty.")
        self._found = _columns(self._names, columns, str(path))

    def __iter__(self) -> Iterator[Triplet]:
        with utf8(self._path, newline="") as stream:
            rows = csv.reader(stream, delimiter=self._separator)
            next(rows, None)
            for row in rows:
                if row:
                    name = f"{self._path}:{rows.line_num}"
                    yield _triplet(dict(zip(self._names, row)), self._found, name, self._path.parent)

    def identity(self) -> str:
        """The file's state."""
        return f"{file_state(self._path)}|{self._found}"


class LinesTriplets(Source[Triplet]):
    """A JSON Lines file.

    Parameters
    ----------
    path : Path
    columns : TripletColumns
    """

    def __init__(self, path: Path, columns: TripletColumns) -> None:
        self.name = str(path)
        self._path, self._columns = path, columns

    def __iter__(self) -> Iterator[Triplet]:
        found: dict[str, str] | None = None
        for name, row in json_rows(self._path, _EXAMPLE):
            found = found or _columns(list(row), self._columns, name)
            yield _triplet(row, found, name, self._path.parent)

    def identity(self) -> str:
        """The file's state."""
        return f"{file_state(self._path)}|{self._columns}"


def _columns(names: Sequence[str], wanted: TripletColumns, where: str) -> dict[str, str]:
    found = {}
    listed = ", ".join(map(repr, names)) or "none"
    for role, usual in USUAL.items():
        named = getattr(wanted, role)
        if named is not None and named not in names:
            raise UsageError(f"{where} has no column {named!r}; it has {listed}.")
        likely = next((name for want in usual for name in names if name.lower() == want), None)
        if named is None and likely is None:
            raise UsageError(
                f"{where} has no column for the {role} that is recognised; it has {listed}.",
                f"Name it with {OPTIONS[role]}.",
            )
        found[role] = named if named is not None else str(likely)
    return found


def _triplet(row: Mapping[str, Any], found: dict[str, str], name: str, home: Path) -> Triplet:
    also = row.get("also") or ()
    others = also.split("|") if isinstance(also, str) else also if isinstance(also, (list, tuple)) else ()
    return Triplet(
        _item(row.get(found["reference"]), name, "reference", home),
        texts_of(row.get(found["text"])),
        _item(row.get(found["target"]), name, "target", home),
        also=tuple(_item(other, name, "also", home).name for other in others if str(other).strip()),
        group=str(row.get("group") or ""),
        name=name,
    )


def _item(value: Any, name: str, role: str, home: Path) -> Item:
    picture = picture_of(value, home)
    return Item(str(picture) if isinstance(picture, Path) else f"{name}:{role}", picture)
