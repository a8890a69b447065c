"""Filters on one row at a time: the plain meaning of the tree, for back ends that can only narrow down."""

from __future__ import annotations

import operator
from collections.abc import Callable

from sightword.index.base import PictureRow
from sightword.index.where import And, Compare, Expr, Glob, Not
from sightword.index.where_sql import matches_format, matches_path, nanoseconds

__all__ = ["holds"]

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    ">": operator.gt,
}


def holds(expr: Expr, row: PictureRow) -> bool:
    """Whether a picture satisfies a filter; as `sightword.index.where_sql.compile_where` finds it.

    Parameters
    ----------
    expr : Expr
        Already checked by `compile_where`.
    row : PictureRow
    """
    if isinstance(expr, Compare):
        return _compares(expr, row)
    if isinstance(expr, Glob):
        if expr.field == "format":
            return matches_format(row.format, expr.pattern.lower())
        return matches_path(row.path, expr.pattern)
    if isinstance(expr, Not):
        return not holds(expr.item, row)
    if isinstance(expr, And):
        return all(holds(item, row) for item in expr.items)
    return any(holds(item, row) for item in expr.items)


def _compares(expr: Compare, row: PictureRow) -> bool:
    compare = _OPERATORS[expr.op]
    if expr.field == "modified":
        return compare(row.mtime_ns, nanoseconds(expr.value))
    if expr.field == "taken":
        return row.taken is not None and compare(row.taken, expr.value)
    value: int = getattr(row, expr.field)
    return compare(value, expr.value)
