"""Rows of a composed-retrieval benchmark on disk: pictures of the gallery, and queries.

``gallery.jsonl`` and ``queries.jsonl`` hold one JSON object a line, with the fields of `Picture` and
`ComposedQuery`. Ids are strings; a query names pictures by id only.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from sightword.errors import SightwordError

__all__ = ["ComposedQuery", "Picture", "read_rows", "write_rows"]


@dataclass(frozen=True)
class Picture:
    """A picture of the gallery.

    Attributes
    ----------
    id : str
    file : str
        Relative to the benchmark's folder.
    sha256 : str
        Of the file.
    split : str
    kind : str
        Where it comes from: ``emoji``, ``clipart``, ``stamp``, ``made`` or ``scene``.
    style : str
    name : str
    concepts : tuple of str
        Base concepts that it shows; a scene has two.
    code : str
        Code points of an emoji, or of the emoji it was made from.
    made : dict of str to str
        What was done to it, for instance ``{"colour changed": "blue"}``.
    licence, author, package : str
    """

    id: str
    file: str
    sha256: str
    split: str
    kind: str
    style: str
    name: str
    concepts: tuple[str, ...]
    code: str = ""
    made: Mapping[str, str] = field(default_factory=dict)
    licence: str = ""
    author: str = ""
    package: str = ""


@dataclass(frozen=True)
class ComposedQuery:
    """One question: pictures and words, and which pictures answer it.

    Attributes
    ----------
    id : str
    task, aspect : str
        Such as ``attribute`` and ``skin tone``.
    split : str
    references : tuple of str
        They are left out of their own ranking.
    text : str
        May be empty when `without` says something.
    targets : tuple of str
        Right answers; empty only where `agree` is judged instead.
    without : tuple of str
        Words for the option ``--without``.
    words : dict of str to str
        What fills prompts of one's own, for instance ``{"b": "a drum"}``.
    caption : str
        What the best answer shows, in words: for the ceiling "perfect caption".
    ignored : tuple of str
        Pictures that are neither right nor wrong; left out of the ranking.
    agree : dict of str to tuple of str
        Sets of pictures whose share of the first ten is measured: ``picture``, ``text``, ``both`` ...
    group : str
        Queries of one group share a concept; intervals and tests resample groups, not queries.
    reserved : bool
        Whether the phrasing is one that nobody should train on.
    """

    id: str
    task: str
    aspect: str
    split: str
    references: tuple[str, ...]
    text: str
    targets: tuple[str, ...]
    without: tuple[str, ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)
    caption: str = ""
    ignored: tuple[str, ...] = ()
    agree: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    group: str = ""
    reserved: bool = False


Row = TypeVar("Row", Picture, ComposedQuery)


def write_rows(path: Path, rows: Iterable[Picture | ComposedQuery]) -> None:
    """One JSON object a line, in UTF-8, with sorted keys."""
    lines = (json.dumps(asdict(row), ensure_ascii=False, sort_keys=True) for row in rows)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")


def read_rows(path: Path, kind: type[Row]) -> list[Row]:
    """Read rows back.

    Raises
    ------
    SightwordError
        The file is not there, or a line is not such a row; its number is told.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SightwordError(f"{path} cannot be read ({error}).", "Build the benchmark again.") from None
    rows = []
    for number, line in enumerate(lines, start=1):
        try:
            rows.append(_row(json.loads(line), kind))
        except (TypeError, ValueError, KeyError) as error:
            raise SightwordError(
                f"Line {number} of {path} is not a {kind.__name__} ({error}).", "Build the benchmark again."
            ) from None
    return rows


def _row(read: Any, kind: type[Row]) -> Row:
    if not isinstance(read, dict):
        raise TypeError("not an object")
    known = {item.name for item in fields(kind)}
    if unknown := set(read) - known:
        raise ValueError(f"unknown fields {', '.join(sorted(unknown))}")
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in read.items()
    }
    if "agree" in values:
        values["agree"] = {key: tuple(value) for key, value in values["agree"].items()}
    return kind(**values)
