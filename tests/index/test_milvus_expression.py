"""Filters as Milvus expressions let through what the tree says, and more only where they say so.

The language of the server is close enough to Python's to be evaluated here; that the server reads it in the
same way is tested on a real one (test_milvus_filters.py).
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import picture

from sightword.errors import UsageError
from sightword.index.base import PictureRow
from sightword.index.milvus.entities import picture_entity, row_of
from sightword.index.milvus.expression import compile_expression, quoted
from sightword.index.milvus.names import MARK, path_of, text_of
from sightword.index.rows import is_inside
from sightword.index.where import And, Compare, Expr, Glob, Not, Or
from sightword.index.where_rows import holds

ALPHABET = "ab/.é\u0301\u212b*[?%_\\\"'\n" + MARK
names = (
    st.lists(
        st.text(alphabet=ALPHABET, min_size=1, max_size=4).map(os.fsencode)
        | st.sampled_from([b"\xff", b"\xe9a"]),
        min_size=1,
        max_size=3,
    )
    .map(b"".join)
    .filter(is_inside)
)
numbers = st.integers(0, 4)
rows = st.builds(
    PictureRow,
    st.integers(1, 9),
    names,
    numbers,
    numbers.map(lambda n: n * 500_000_000),
    st.just(b"\x01" * 32),
    numbers,
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from(["png", "jpeg", "p_g", 'p"g']),
    st.none() | numbers.map(float),
)
values = st.integers(-2, 8).map(lambda n: n / 2) | st.floats(allow_nan=False, allow_infinity=False)
formats = st.sampled_from(["png", "*e*", "P*", "j?eg", "[jp]*", 'p"*', "*"])
leaves = (
    st.builds(
        Compare,
        st.sampled_from(["width", "height", "size", "taken", "modified"]),
        st.sampled_from(["<", "<=", "=", "!=", ">=", ">"]),
        values,
    )
    | st.builds(Glob, st.just("path"), st.text(alphabet=ALPHABET + "]!", max_size=5))
    | st.builds(Glob, st.just("format"), formats)
)
trees = st.recursive(
    leaves,
    lambda inner: (
        inner.map(Not)
        | st.lists(inner, max_size=3).map(lambda items: And(tuple(items)))
        | st.lists(inner, max_size=3).map(lambda items: Or(tuple(items)))
    ),
    max_leaves=6,
)


def entity(row: PictureRow) -> dict[str, Any]:
    made = picture(1)
    return picture_entity(row, row.id, made.feature, 1.0)


def evaluated(text: str | bool, row: PictureRow) -> bool:
    """What the server would say."""
    if isinstance(text, bool):
        return text
    return bool(eval(text, {"__builtins__": {}, "true": True}, entity(row)))


@settings(max_examples=400, deadline=None)
@given(rows, trees)
def test_nothing_is_lost_and_what_is_exact_is_exact(row: PictureRow, expr: Expr) -> None:
    compiled = compile_expression(expr)
    said, meant = evaluated(compiled.text, row), holds(expr, row)
    assert said or not meant
    if compiled.exact:
        assert said == meant


@settings(max_examples=300, deadline=None)
@given(rows)
def test_rows_come_back(row: PictureRow) -> None:
    kept = entity(row)
    assert row_of(kept) == row
    assert path_of(kept["path"]) == row.path
    kept["path"].encode()  # a server takes no lone surrogates
    kept["composed"].encode()


@given(st.binary(max_size=12), st.binary(max_size=6))
def test_texts_begin_alike_when_paths_do(path: bytes, more: bytes) -> None:
    whole = path.decode("utf-8", "replace").encode() + more
    start = path.decode("utf-8", "replace").replace(MARK, "")
    assert path_of(text_of(whole)) == whole
    if start.encode() and whole.startswith(start.encode()):
        assert text_of(whole).startswith(start)


@given(st.text(max_size=20))
def test_constants_are_plain_ascii_and_mean_the_same(text: str) -> None:
    constant = quoted(text)
    assert constant.isascii() and constant.isprintable()
    assert constant[1:-1].count('"') == 0
    assert eval(constant) == text


@pytest.mark.parametrize(
    ("expr", "text", "exact"),
    [
        (Compare("width", ">", 250.5), "width > 250", True),
        (Compare("width", "<", 250.5), "width < 251", True),
        (Compare("size", "=", 0.5), False, True),
        (Compare("size", "!=", 0.5), True, True),
        (Compare("size", "<", 1e300), True, True),
        (Compare("taken", ">=", 1e16), "has_taken == true and taken >= 1.0e+16", True),
        (Glob("path", "*"), True, True),
        (Glob("path", "*.jpg"), True, False),
        (Not(Glob("path", "*.jpg")), True, False),
        (Glob("format", "PNG"), 'format == "png"', True),
        (And(()), True, True),
        (Or(()), False, True),
        (And((Glob("path", "x*"), Compare("width", "=", 3))), "width == 3", False),
    ],
)
def test_expressions(expr: Expr, text: str | bool, exact: bool) -> None:
    compiled = compile_expression(expr)
    assert (compiled.text, compiled.exact) == (text, exact)


def test_a_folder_is_asked_of_the_server() -> None:
    compiled = compile_expression(Glob("path", "trips/*"))
    assert compiled.exact
    assert 'path >= "trips/" and path < "trips0"' in str(compiled.text)


def test_values_never_reach_the_text() -> None:
    evil = 'x" or status == 1 or path == "/*'
    assert '"x" or' not in str(compile_expression(Glob("path", evil)).text)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_has_no_meaning_is_refused_as_everywhere(value: float) -> None:
    with pytest.raises(UsageError):
        compile_expression(Compare("width", ">", value))
