"""The columns of a directory of features: pictures and failures as Arrow tables, and back."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator, Sequence
from typing import Any

from sightword.index.base import Failure, Picture, PictureRow, Stored
from sightword.index.writer import unit_and_norm
from sightword.pictures.names import path_b64
from sightword.pictures.types import UnreadablePicture
from sightword.scale.need import need_arrow
from sightword.scale.results import Result

__all__ = ["failure_rows", "failure_table", "picture_rows", "picture_table", "row_paths", "row_states"]


def picture_table(pictures: Sequence[Picture], dim: int) -> Any:
    """An Arrow table: path, size, mtime_ns, content_hash, width, height, format, taken, norm, unit.

    ``path_b64`` is filled for names that are no text. Unit vector (float32 [D]) and norm (float64) are what
    the index on this disk keeps, bit for bit.
    """
    arrow = need_arrow()
    own = [
        ("content_hash", arrow.binary(32)),
        ("width", arrow.int32()),
        ("height", arrow.int32()),
        ("format", arrow.string()),
        ("taken", arrow.float64()),
        ("norm", arrow.float64()),
        ("unit", arrow.list_(arrow.float32(), dim)),
    ]
    units = [unit_and_norm(picture.feature) for picture in pictures]
    plain = ("content_hash", "width", "height", "format", "taken")
    columns = {
        **_file_columns(pictures),
        **{name: [getattr(picture, name) for picture in pictures] for name in plain},
        "norm": [norm for _, norm in units],
        "unit": [unit for unit, _ in units],
    }
    return arrow.table(columns, schema=arrow.schema([*_fields(arrow), *own]))


def failure_table(failures: Sequence[UnreadablePicture]) -> Any:
    """An Arrow table: path, size, mtime_ns, reason."""
    arrow = need_arrow()
    columns = {**_file_columns(failures), "reason": [failure.reason for failure in failures]}
    return arrow.table(columns, schema=arrow.schema([*_fields(arrow), ("reason", arrow.string())]))


def picture_rows(batch: Any, dim: int) -> Iterator[Stored]:
    """The pictures of an Arrow batch; ids are 0."""
    units = batch.column("unit").flatten().to_numpy().reshape(-1, dim)
    facts = ("size", "mtime_ns", "content_hash", "width", "height", "format", "taken")
    for row, unit in zip(batch.drop_columns(["unit"]).to_pylist(), units):
        picture = PictureRow(id=0, path=_path(row), **{name: row[name] for name in facts})
        yield Stored(picture, unit, row["norm"], gone=False)


def failure_rows(batch: Any) -> Iterator[Failure]:
    """The failures of an Arrow batch."""
    for row in batch.to_pylist():
        yield Failure(_path(row), row["size"], row["mtime_ns"], row["reason"])


def row_paths(table: Any) -> list[bytes]:
    """The path of every row of either kind of table."""
    return [_path(row) for row in table.select(["path", "path_b64"]).to_pylist()]


def row_states(file: Any) -> Iterator[tuple[bytes, tuple[int, int]]]:
    """Path, size and mtime_ns of every row of a Parquet file of either kind."""
    for row in file.read(columns=["path", "path_b64", "size", "mtime_ns"]).to_pylist():
        yield _path(row), (row["size"], row["mtime_ns"])


def _fields(arrow: Any) -> list[tuple[str, Any]]:
    text, number = arrow.string(), arrow.int64()
    return [("path", text), ("path_b64", text), ("size", number), ("mtime_ns", number)]


def _file_columns(files: Sequence[Result]) -> dict[str, list[Any]]:
    return {
        "path": [file.path.decode("utf-8", "replace") for file in files],
        "path_b64": [path_b64(file.path) for file in files],
        "size": [file.size for file in files],
        "mtime_ns": [file.mtime_ns for file in files],
    }


def _path(row: dict[str, Any]) -> bytes:
    return base64.b64decode(row["path_b64"]) if row["path_b64"] else os.fsencode(row["path"])
