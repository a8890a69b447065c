"""Rows as they come out of a database that a stranger may have written."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import Any

from sightword.errors import IndexCorrupt
from sightword.index.base import PictureRow

__all__ = ["PICTURE_COLUMNS", "check_path", "is_inside", "joined", "picture_row"]

PICTURE_COLUMNS = "id, path, size, mtime_ns, content_hash, width, height, format, taken"

# An empty part (absolute paths start with one), ".", "..", or a NUL.
_OUTSIDE = re.compile(rb"(?:\A|/)\.{0,2}(?:/|\Z)|\0")
_OUTSIDE_WINDOWS = re.compile(_OUTSIDE.pattern + rb"|\\|\A[A-Za-z]:")

_outside = (_OUTSIDE_WINDOWS if os.name == "nt" else _OUTSIDE).search


def is_inside(path: object) -> bool:
    """True for a relative path of bytes that stays inside its folder."""
    return type(path) is bytes and _outside(path) is None


def check_path(path: object) -> bytes:
    """The path, if it stays inside its folder; else IndexCorrupt."""
    if type(path) is bytes and _outside(path) is None:
        return path
    raise IndexCorrupt(
        f"The index names the file {path!r}, which is not inside its folder.",
        "Run `sightword check` to drop such rows.",
    )


def joined(units: Iterable[object], width: int) -> bytes:
    """Stored vectors one after the other, each of `width` bytes; else IndexCorrupt."""
    for unit in units:
        if type(unit) is not bytes or len(unit) != width:
            raise IndexCorrupt(
                "The index holds a vector of the wrong length.", "Run `sightword check` to mend it."
            )
    return b"".join(units)  # type: ignore[arg-type]


def picture_row(row: tuple[Any, ...]) -> PictureRow:
    """One row of `PICTURE_COLUMNS`, every value of the type it should be; else IndexCorrupt."""
    picture, path, size, mtime_ns, content_hash, width, height, kind, taken = row
    check_path(path)
    numbers = (size, mtime_ns, width, height)
    if (
        any(type(number) is not int for number in numbers)
        or type(content_hash) is not bytes
        or type(kind) is not str
        or not (taken is None or type(taken) is float)
    ):
        raise IndexCorrupt(
            f"The index row of {os.fsdecode(path)!r} is damaged.", "Run `sightword check` to mend it."
        )
    return PictureRow(picture, path, size, mtime_ns, content_hash, width, height, kind, taken)
