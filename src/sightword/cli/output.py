"""Results on standard output: a table for people, JSON for programs, paths for pipes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from decimal import ROUND_FLOOR, Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sightword.pictures.names import display, json_name

if TYPE_CHECKING:
    from sightword.search import Hit

__all__ = [
    "hit_json",
    "path_json",
    "plain",
    "print_json",
    "print_table",
    "rounded_down",
    "size_text",
    "write_paths",
]


def plain(text: str | os.PathLike[str]) -> str:
    """Text that is safe on a terminal, on one line; see :func:`sightword.pictures.names.display`."""
    return display(text)


def path_json(path: Path) -> dict[str, str]:
    """A path as JSON: display text, and the exact bytes in base64 when they are not UTF-8."""
    return json_name(os.fsencode(path))


def hit_json(hit: Hit) -> dict[str, Any]:
    """One hit as JSON."""
    return {
        **path_json(hit.path),
        "score": hit.score,
        "z": hit.z,
        "rank": hit.rank,
        "id": hit.id,
        "width": hit.width,
        "height": hit.height,
        "format": hit.format,
        "size": hit.size,
        "modified": hit.modified,
        "taken": hit.taken.isoformat() if hit.taken else None,
        "duplicates": [path_json(path) for path in hit.duplicates],
        "url": hit.url,
    }


def print_json(document: Any, indent: int | None = 2) -> None:
    """One document on standard output, in UTF-8 whatever the locale says."""
    text = json.dumps(document, ensure_ascii=False, indent=indent, allow_nan=False, default=_plain_value)
    _binary(f"{text}\n".encode())


def write_paths(paths: Iterable[Path], null: bool) -> None:
    """Raw bytes of the paths, one a line or each ended by a zero byte."""
    end = b"\0" if null else b"\n"
    _binary(b"".join(os.fsencode(path) + end for path in paths))


def print_table(rows: Sequence[Sequence[object]]) -> None:
    """Rows with aligned columns; the last one may be any length."""
    shown = [[plain(str(cell)) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in shown) for i in range(len(shown[0]) - 1)] if shown else []
    for row in shown:
        click.echo("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths)), row[-1]]))


def rounded_down(value: float, digits: int) -> str:
    """A figure with so many digits, never above the value.

    What is shown can be typed as a limit, and the hit still passes: 1.96 shown as 2.0 would not.

    Examples
    --------
    >>> rounded_down(1.96, 1), rounded_down(2.3, 1), rounded_down(-0.01, 1)
    ('1.9', '2.3', '-0.1')
    """
    exact = Decimal(str(value)).quantize(Decimal(1).scaleb(-digits), ROUND_FLOOR)
    return f"{exact + 0:f}"  # minus nought is nought


def size_text(count: int) -> str:
    """Bytes with a unit.

    Examples
    --------
    >>> size_text(3_400_000)
    '3.4 MB'
    """
    size = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError


def _plain_value(value: object) -> object:
    if isinstance(value, (bytes, os.PathLike)):
        return os.fsencode(value).decode("utf-8", "replace")
    if isinstance(value, (set, frozenset, tuple)):
        return sorted(value) if isinstance(value, (set, frozenset)) else list(value)
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _binary(data: bytes) -> None:
    sys.stdout.flush()
    stream = getattr(sys.stdout, "buffer", None)
    if stream is None:  # a replaced standard output, as in notebooks
        sys.stdout.write(data.decode("utf-8", "replace"))
        return
    stream.write(data)
    stream.flush()
