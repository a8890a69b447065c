"""Filters as parameterised SQL: values travel as parameters, never in the text."""

from __future__ import annotations

import fnmatch
import math
import os
import re
import sqlite3
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from sightword.errors import UsageError
from sightword.index.where import And, Compare, Expr, Glob, Not

__all__ = ["compile_where", "matches_format", "matches_path", "nanoseconds", "register_functions"]

_COLUMNS = {"width": "width", "height": "height", "size": "size", "taken": "taken", "modified": "mtime_ns"}
_OPERATORS = {"<", "<=", "=", "!=", ">=", ">"}

MOST_CONDITIONS = 500
"""SQLite allows 1,000 levels and at least 999 parameters."""


def compile_where(expr: Expr) -> tuple[str, list[Any]]:
    """A condition over the table ``pictures``, and its parameters.

    A picture without a date of taking satisfies no comparison of ``taken``, and `Not` inverts exactly what
    was found: there is no third truth value.

    Raises
    ------
    UsageError
        When the tree is larger than any person writes, or holds a value that is not finite.
    """
    parameters: list[Any] = []
    return _compile(expr, parameters), parameters


def _compile(expr: Expr, parameters: list[Any]) -> str:
    if len(parameters) > MOST_CONDITIONS:
        raise UsageError(f"The filter has more than {MOST_CONDITIONS} conditions.")
    if isinstance(expr, Compare):
        return _compare(expr, parameters)
    if isinstance(expr, Glob):
        return _glob(expr, parameters)
    if isinstance(expr, Not):
        return f"(NOT {_compile(expr.item, parameters)})"
    word, empty = (" AND ", "1") if isinstance(expr, And) else (" OR ", "0")
    return f"({word.join(_compile(item, parameters) for item in expr.items) or empty})"


def _compare(expr: Compare, parameters: list[Any]) -> str:
    column, operator = _COLUMNS[expr.field], expr.op
    if operator not in _OPERATORS or not math.isfinite(expr.value):
        raise UsageError(
            f"The filter compares {expr.field} with {expr.op} {expr.value}, which has no meaning."
        )
    value: float = expr.value
    if expr.field == "modified":
        value = nanoseconds(value)
    parameters.append(value)
    condition = f"{column} {operator} ?"
    return f"({column} IS NOT NULL AND {condition})" if expr.field == "taken" else f"({condition})"


def nanoseconds(seconds: float) -> int:
    """A time as it is kept: nanoseconds in 64 bits, the years 1684 to 2255."""
    return round(max(-9e9, min(9e9, seconds)) * 1e9)


def _glob(expr: Glob, parameters: list[Any]) -> str:
    pattern = expr.pattern
    if expr.field == "format":
        parameters.append(pattern.lower())
        return "(format GLOB ?)" if _plain(pattern) else "sightword_format(format, ?)"
    # SQLite's own GLOB works on bytes and is several times faster; it agrees for plain ASCII with stars only.
    if _plain(pattern) and ("/" in pattern or pattern.startswith("*")):
        parameters.append(pattern)
        return "(CAST(path AS TEXT) GLOB ?)"
    if _plain(pattern) and "*" not in pattern:
        parameters.extend((pattern, "*/" + pattern))
        return "(CAST(path AS TEXT) GLOB ? OR CAST(path AS TEXT) GLOB ?)"
    parameters.append(pattern)
    return "sightword_path(path, ?)"


def _plain(pattern: str) -> bool:
    return pattern.isascii() and not any(sign in pattern for sign in "?[]")


@lru_cache(maxsize=64)
def _matcher(pattern: str) -> Callable[[str], object]:
    return re.compile(fnmatch.translate(pattern)).match


def matches_path(path: bytes, pattern: str) -> bool:
    """Whether a relative path, or without ``/`` in the pattern its file name, matches; case matters.

    A ``?`` is one character, or one byte that is no UTF-8. Composed and decomposed letters are the same.
    """
    text = os.fsdecode(path)
    names = [text]
    if "/" not in pattern:
        names.append(text.rpartition("/")[2])
    if any(map(_matcher(pattern), names)):
        return True
    if text.isascii() and pattern.isascii():
        return False
    composed = _matcher(unicodedata.normalize("NFC", pattern))
    return any(composed(unicodedata.normalize("NFC", name)) for name in names)


def matches_format(name: object, pattern: str) -> bool:
    """Whether a format's name matches a pattern in lower case."""
    return isinstance(name, str) and bool(_matcher(pattern)(name))


def register_functions(connection: sqlite3.Connection) -> None:
    """Make the functions that conditions use known to a connection."""

    def path(value: object, pattern: str) -> bool:
        return isinstance(value, bytes) and matches_path(value, pattern)

    connection.create_function("sightword_path", 2, path, deterministic=True)
    connection.create_function("sightword_format", 2, matches_format, deterministic=True)
