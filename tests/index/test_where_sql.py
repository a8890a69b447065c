"""Filters in SQL find what a plain reading of the tree finds."""

from __future__ import annotations

import fnmatch
import os
import sqlite3
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightword.errors import UsageError
from sightword.index.where import And, Compare, Expr, Glob, Not, Or
from sightword.index.where_sql import compile_where, matches_path, register_functions

Row = tuple[bytes, int, int, int, int, str, float | None]


def holds(expr: Expr, row: Row) -> bool:
    """The meaning of a filter, spelled out."""
    path, size, mtime_ns, width, height, kind, taken = row
    if isinstance(expr, And):
        return all(holds(item, row) for item in expr.items)
    if isinstance(expr, Or):
        return any(holds(item, row) for item in expr.items)
    if isinstance(expr, Not):
        return not holds(expr.item, row)
    if isinstance(expr, Glob):
        if expr.field == "format":
            return fnmatch.fnmatchcase(kind, expr.pattern.lower())
        return matches_path(path, expr.pattern)
    values = {"size": size, "modified": mtime_ns, "width": width, "height": height, "taken": taken}
    value = values[expr.field]
    if value is None:
        return False
    against = round(expr.value * 1e9) if expr.field == "modified" else expr.value
    return {
        "<": value < against,
        "<=": value <= against,
        "=": value == against,
        "!=": value != against,
        ">=": value >= against,
        ">": value > against,
    }[expr.op]


small = st.integers(0, 4)
names = st.text(alphabet="ab/.é*[?", min_size=1, max_size=6)
rows = st.tuples(
    names.map(os.fsencode),
    small,
    small.map(lambda n: n * 500_000_000),
    small,
    small,
    st.sampled_from(["png", "jpeg"]),
    st.none() | small.map(float),
)
leaves = st.builds(
    Compare,
    st.sampled_from(["width", "height", "size", "taken", "modified"]),
    st.sampled_from(["<", "<=", "=", "!=", ">=", ">"]),
    st.integers(0, 8).map(lambda n: n / 2),
) | st.builds(
    Glob, st.just("path"), st.text(alphabet="ab/.é*[]?!", min_size=1, max_size=5)
) | st.builds(Glob, st.just("format"), st.sampled_from(["png", "*e*", "PNG", "j?eg", "[jp]*"]))  # fmt: skip
trees = st.recursive(
    leaves,
    lambda inner: (
        inner.map(Not)
        | st.lists(inner, max_size=3).map(lambda items: And(tuple(items)))
        | st.lists(inner, max_size=3).map(lambda items: Or(tuple(items)))
    ),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(st.lists(rows, max_size=8), trees)
def test_sql_means_what_the_tree_says(table: list[Row], expr: Expr) -> None:
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        register_functions(connection)
        connection.execute("CREATE TABLE pictures (path, size, mtime_ns, width, height, format, taken)")
        connection.executemany("INSERT INTO pictures VALUES (?, ?, ?, ?, ?, ?, ?)", table)
        condition, parameters = compile_where(expr)
        found = connection.execute(f"SELECT rowid FROM pictures WHERE {condition}", parameters).fetchall()
        assert [row[0] - 1 for row in found] == [at for at, row in enumerate(table) if holds(expr, row)]
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("path", "pattern", "matches"),
    [
        (b"trip/day 1/a.jpg", "trip/*", True),
        (b"trip/day 1/a.jpg", "a.jpg", True),
        (b"trip/day 1/a.jpg", "?.jpg", True),
        (b"trip/day 1/a.jpg", "day*", False),
        (b"trip/day 1/a.jpg", "*day*", True),
        (b"trip/day 1/a.jpg", "A.jpg", False),
        (b"trip/day 1/a.jpg", "trip/[!d]*", False),
        (b"\xff.jpg", "?.jpg", True),
        (b"a\nb.jpg", "a*.jpg", True),
        (unicodedata.normalize("NFD", "é.jpg").encode(), "é.jpg", True),
        (unicodedata.normalize("NFC", "é.jpg").encode(), unicodedata.normalize("NFD", "é*"), True),
        ("é.jpg".encode(), "?.jpg", True),
        (b"[1].jpg", "[[]1].jpg", True),
    ],
)
def test_paths_are_matched_as_bytes_that_people_can_write(path: bytes, pattern: str, matches: bool) -> None:
    assert matches_path(path, pattern) is matches


def test_values_never_reach_the_text() -> None:
    evil = "x') OR 1=1; DROP TABLE pictures; --"
    condition, parameters = compile_where(And((Glob("path", evil), Compare("width", "=", 3.0))))
    assert "DROP" not in condition
    assert evil in parameters


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_must_be_finite(value: float) -> None:
    with pytest.raises(UsageError):
        compile_where(Compare("width", ">", value))


def test_operators_must_be_known() -> None:
    with pytest.raises(UsageError):
        compile_where(Compare("width", "; DROP TABLE pictures; --", 1.0))  # type: ignore[arg-type]


def test_far_dates_do_not_overflow() -> None:
    _, parameters = compile_where(Compare("modified", ">", 1e300))
    assert parameters == [9 * 10**18]


def test_too_many_conditions_are_refused() -> None:
    compile_where(Or(tuple(Compare("width", "=", float(n)) for n in range(500))))
    with pytest.raises(UsageError, match="500"):
        compile_where(Or(tuple(Compare("width", "=", float(n)) for n in range(2000))))
