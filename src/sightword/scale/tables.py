"""Parquet with pictures: which columns hold them, and their rows."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sightword.errors import UsageError
from sightword.pictures.names import display
from sightword.scale.need import need_arrow
from sightword.scale.places import listed, opened
from sightword.scale.work import TableShard, shard_name

__all__ = ["Table", "open_table", "read_group"]

_CONTENTS = tuple("bytes image image_bytes jpg jpeg png webp img picture content data".split())  # noqa: SIM905
_PATHS = tuple("path filepath file_path file_name filename file image_path url uri image".split())  # noqa: SIM905
_NAMES = (*_PATHS[:-1], "name", "key", "__key__", "id")
"""Usual names of columns, the likeliest first."""


@dataclass(frozen=True)
class Table:
    """Parquet files of one shape.

    Attributes
    ----------
    files : tuple of (place, name, state)
    picture : str
        The column of pictures.
    inline : bool
        True when it holds their contents, False when it holds paths or addresses.
    path : str or None
        The column of names.
    """

    files: tuple[tuple[str, str, str], ...]
    picture: str
    inline: bool
    path: str | None

    def shards(self, identity: str) -> Iterator[TableShard]:
        """Row groups with contents, in the order of the files."""
        for place, name, state in self.files:
            first = 0
            metadata = _file(place).metadata
            for group in range(metadata.num_row_groups):
                count = metadata.row_group(group).num_rows
                facts = [name, state, group, self.picture, self.path]
                if count:
                    known = shard_name(identity, facts)
                    yield TableShard(known, count, place, group, self.picture, self.path, name, first)
                first += count

    def paths(self) -> Iterator[str]:
        """The paths of all rows; empty cells are left out."""
        for place, _, _ in self.files:
            for batch in _file(place).iter_batches(columns=[self.picture]):
                yield from (value for value in batch.column(0).to_pylist() if value)


def open_table(place: str, picture: str | None = None, path: str | None = None) -> Table:
    """Look at a Parquet file, or a folder of them.

    Parameters
    ----------
    place : str
        A path or an address.
    picture, path : str, optional
        Columns of pictures and of their names, where the usual names do not fit.

    Raises
    ------
    UsageError
        It is no Parquet, holds no files, or no column is recognised.
    """
    files = listed(place, ".parquet")
    if not files:
        raise UsageError(f"There are no .parquet files in {display(place)}.")
    schema = _file(files[0][0]).schema_arrow
    found, inline = _picture_column(schema, picture, place)
    named = path or next((name for name in _likely(schema, _NAMES, _is_text)), None)
    if path is not None and path not in schema.names:
        raise _no_column(place, path, schema.names)
    return Table(tuple(files), found, inline, named if inline else found)


def read_group(shard: TableShard, rows: int) -> Iterator[tuple[list[bytes], list[bytes | str | None]]]:
    """Names and contents of a row group, at most so many rows at a time.

    Rows that cannot be read are there with the reason, a string, instead of a content.
    """
    names = [f"{shard.title}#{shard.first + number}" for number in range(shard.count)]
    done = 0
    try:
        columns = [name for name in (shard.picture, shard.path) if name is not None]
        for batch in _file(shard.place).iter_batches(rows, row_groups=[shard.group], columns=columns):
            pictures = batch.column(shard.picture).to_pylist()
            paths = batch.column(shard.path).to_pylist() if shard.path else [None] * len(pictures)
            found: list[bytes] = []
            data: list[bytes | str | None] = []
            for value, path in zip(pictures, paths):
                inside = value if isinstance(value, dict) else {"bytes": value}
                name = path if path is not None else inside.get("path")
                found.append(os.fsencode(str(name) if name else names[done + len(found)]))
                data.append(inside.get("bytes"))
            yield found, data
            done += len(found)
    except (OSError, ValueError, KeyError, UsageError) as error:
        reason = f"The table cannot be read here ({str(error).strip().splitlines()[0].rstrip('.')})."
        for start in range(done, shard.count, rows):
            some = names[start : min(start + rows, shard.count)]
            yield [os.fsencode(name) for name in some], [reason] * len(some)


def _picture_column(schema: Any, named: str | None, place: str) -> tuple[str, bool]:
    if named is not None:
        if named not in schema.names:
            raise _no_column(place, named, schema.names)
        kind = schema.field(named).type
        if not (_is_content(kind) or _is_text(kind)):
            raise UsageError(f"The column {named!r} of {display(place)} holds {kind}, no pictures or paths.")
        return named, _is_content(kind)
    for names, fits, inline in ((_CONTENTS, _is_content, True), (_PATHS, _is_text, False)):
        for name in _likely(schema, names, fits):
            return name, inline
    raise UsageError(
        f"{display(place)} has no column of pictures or paths that is recognised; "
        f"it has {', '.join(map(repr, schema.names)) or 'none'}.",
        "Name it with --column.",
    )


def _likely(schema: Any, names: Sequence[str], fits: Any) -> Iterator[str]:
    for want in names:
        for field in schema:
            if field.name.lower() == want and fits(field.type):
                yield field.name


def _is_content(kind: Any) -> bool:
    types = need_arrow().types
    if types.is_struct(kind):  # as data sets of the Hugging Face hub: {"bytes", "path"}
        return any(field.name == "bytes" and _is_content(field.type) for field in kind)
    return bool(types.is_binary(kind) or types.is_large_binary(kind))


def _is_text(kind: Any) -> bool:
    types = need_arrow().types
    return bool(types.is_string(kind) or types.is_large_string(kind))


def _file(place: str) -> Any:
    parquet = need_arrow("pyarrow.parquet")
    system, path = opened(place)
    try:
        return parquet.ParquetFile(system.open_input_file(path))
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0].rstrip(".")
        raise UsageError(f"{display(place)} cannot be read as Parquet ({reason}).") from None


def _no_column(place: str, name: str, names: Sequence[str]) -> UsageError:
    return UsageError(f"{display(place)} has no column {name!r}; it has {', '.join(map(repr, names))}.")
