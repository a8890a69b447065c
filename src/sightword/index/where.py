"""Filters: a small typed expression tree, never raw strings for an engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["And", "Compare", "Expr", "Glob", "Not", "Or"]

Field = Literal["width", "height", "size", "taken", "modified"]
Op = Literal["<", "<=", "=", "!=", ">=", ">"]


@dataclass(frozen=True)
class Compare:
    """A number or a time against a constant: size in bytes, times in seconds since 1970."""

    field: Field
    op: Op
    value: float


@dataclass(frozen=True)
class Glob:
    """The path, or the format, matches a shell pattern (``*`` also crosses folders)."""

    field: Literal["path", "format"]
    pattern: str


@dataclass(frozen=True)
class Not:
    """Negation."""

    item: Expr


@dataclass(frozen=True)
class And:
    """All of them."""

    items: tuple[Expr, ...]


@dataclass(frozen=True)
class Or:
    """Any of them."""

    items: tuple[Expr, ...]


Expr = Compare | Glob | Not | And | Or
