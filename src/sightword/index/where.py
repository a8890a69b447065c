"""Filters: a small typed expression tree, never raw strings for an engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["And", "Compare", "Expr", "Glob", "Not", "Or", "parse_where"]

Field = Literal["width", "height", "size", "taken", "modified"]
Op = Literal["<", "<=", "=", "!=", ">=", ">"]


@dataclass(frozen=True)
class Compare:
    """A number or a time against a constant: size in bytes, times in seconds since 1970.

    A picture without a date of taking satisfies no comparison of ``taken``, not even ``!=``.
    """

    field: Field
    op: Op
    value: float


@dataclass(frozen=True)
class Glob:
    """The path, or the format, matches a shell pattern (``*`` also crosses folders).

    A path pattern without ``/`` may also match the file name alone. Case matters, except in the format.
    """

    field: Literal["path", "format"]
    pattern: str


@dataclass(frozen=True)
class Not:
    """Negation: exactly the pictures that do not satisfy the item."""

    item: Expr


@dataclass(frozen=True)
class And:
    """All of them."""

    items: tuple[Expr, ...]


@dataclass(frozen=True)
class Or:
    """Any of them."""

    items: tuple[Expr, ...]


Expr: TypeAlias = Compare | Glob | Not | And | Or


def parse_where(text: str) -> Expr:
    """Parse a filter that a person wrote; see `sightword.index.where_parser.parse_where`."""
    from sightword.index import where_parser  # it is made of the classes above

    return where_parser.parse_where(text)
