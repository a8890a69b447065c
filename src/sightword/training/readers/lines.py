"""Captions one a line (``.txt``), objects one a line (``.jsonl``), or columns (``.parquet``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sightword.errors import UsageError
from sightword.training.need import need
from sightword.training.readers.base import Columns, Item, Source, file_state, json_rows, picture_of, texts_of
from sightword.training.readers.utf8 import utf8

__all__ = ["LinesSource", "ParquetSource", "item_of"]


class LinesSource(Source[Item]):
    """A text file.

    Parameters
    ----------
    path : Path
    columns : Columns
        For ``.jsonl``.
    """

    def __init__(self, path: Path, columns: Columns) -> None:
        self.name = str(path)
        self._path, self._columns = path, columns

    def __iter__(self) -> Iterator[Item]:
        if self._path.suffix.lower() != ".jsonl":
            with utf8(self._path) as stream:
                for number, line in enumerate(stream, start=1):
                    yield Item(f"{self._path}:{number}", None, (line.rstrip("\r\n"),))
            return
        found: tuple[str | None, str | None] | None = None
        for name, row in json_rows(self._path, '{"caption": "a cat"}'):
            found = found or self._columns.find(list(row), name)
            yield item_of(row, found, name, self._path.parent)

    def identity(self) -> str:
        """The file's state."""
        return f"{file_state(self._path)}|{self._columns}"


class ParquetSource(Source[Item]):
    """A Parquet file.

    Parameters
    ----------
    path : Path
    columns : Columns
    """

    def __init__(self, path: Path, columns: Columns) -> None:
        self.name = str(path)
        self._path = path
        parquet = need("pyarrow.parquet", "Reading Parquet", "pip install 'sightword[train]'")
        try:
            self._file = parquet.ParquetFile(path)
        except Exception as error:  # pyarrow raises its own kinds, some of them bare
            raise UsageError(f"{path} cannot be read as Parquet: {error}.") from None
        self._found = columns.find(self._file.schema_arrow.names, str(path))

    def __iter__(self) -> Iterator[Item]:
        wanted = [name for name in self._found if name is not None]
        number = 0
        for batch in self._file.iter_batches(batch_size=1024, columns=wanted):
            for row in batch.to_pylist():
                number += 1
                yield item_of(row, self._found, f"{self._path}:{number}", self._path.parent)

    def identity(self) -> str:
        """The file's state."""
        return f"{file_state(self._path)}|{self._found}"


def item_of(row: Mapping[str, Any], found: tuple[str | None, str | None], name: str, home: Path) -> Item:
    """One example from a row and the names of its two columns."""
    picture = picture_of(row.get(found[0]), home) if found[0] is not None else None
    texts = texts_of(row.get(found[1])) if found[1] is not None else ()
    return Item(str(picture) if isinstance(picture, Path) else name, picture, texts)
