"""Annotation files of strangers: found under several names, read with sentences for errors."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from sightword.errors import SightwordError

__all__ = ["few", "field_of", "find", "read_json", "read_text"]

SHOWN = 5


def few(names: Iterable[Any]) -> str:
    """The first names, and how many more there are."""
    listed = list(dict.fromkeys(str(name) for name in names))
    more = f" and {len(listed) - SHOWN:,} more" if len(listed) > SHOWN else ""
    return ", ".join(listed[:SHOWN]) + more


def find(folder: Path, choices: Sequence[str], what: str) -> Path:
    """The first of several places, relative to a folder, that exists.

    Raises
    ------
    SightwordError
        None does; all are named.
    """
    for choice in choices:
        if (folder / choice).exists():
            return folder / choice
    raise SightwordError(
        f"{folder} has no {what} (looked for {', '.join(choices)}).",
        "docs/evaluating.md draws the folders of every benchmark.",
    )


def read_text(path: Path) -> str:
    """A text file.

    Raises
    ------
    SightwordError
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SightwordError(f"{path} cannot be read ({reason}).", "Get the file again.") from None


def read_json(path: Path, kind: type) -> Any:
    """A JSON file whose outermost value is of that kind.

    Raises
    ------
    SightwordError
    """
    try:
        read = json.loads(read_text(path))
    except ValueError as error:
        raise SightwordError(f"{path} is not JSON ({error}).", "Get the file again.") from None
    if not isinstance(read, kind):
        raise SightwordError(
            f"{path} holds no {'list' if kind is list else 'object'}.", "Get the file again."
        )
    return read


def field_of(entry: Any, path: Path, *keys: str) -> Any:
    """``entry[a][b]...``, with a sentence when that is not there.

    Raises
    ------
    SightwordError
    """
    value = entry
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            raise SightwordError(
                f"An entry of {path} has no {'.'.join(keys)}: {str(entry)[:120]}", "Get the file again."
            )
        value = value[key]
    return value
