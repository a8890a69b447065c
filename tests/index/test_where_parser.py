"""Filters as people write them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import datetime, timezone

import pytest

from sightword.errors import UsageError
from sightword.index.where import And, Compare, Expr, Glob, Not, Or, parse_where


def utc(*parts: int) -> float:
    """Seconds since 1970 of a moment in UTC."""
    return datetime(*parts, tzinfo=timezone.utc).timestamp()  # type: ignore[misc]


@pytest.fixture
def tokyo() -> Iterator[None]:
    """A computer nine hours east of Greenwich."""
    if not hasattr(time, "tzset"):
        pytest.skip("time zones cannot be set here")
    before = os.environ.get("TZ")
    os.environ["TZ"] = "JST-9"
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("width > 1000", Compare("width", ">", 1000.0)),
        ("WIDTH>=1e", None),
        ("height == 2.5", Compare("height", "=", 2.5)),
        ("size >= 2MB", Compare("size", ">=", 2_000_000.0)),
        ("size < 1.5 KiB", None),
        ("size < '1.5 KiB'", Compare("size", "<", 1536.0)),
        ("size != 3k", Compare("size", "!=", 3000.0)),
        ("path ~ 'trip/*'", Glob("path", "trip/*")),
        ("path~trip/*", Glob("path", "trip/*")),
        ('path !~ "it\'s"', Not(Glob("path", "it's"))),
        (r"path = 'a\'b[1]*.png'", Glob("path", "a'b[[]1][*].png")),
        ("format = PNG", Glob("format", "png")),
        ("format != jpg", Not(Glob("format", "jpeg"))),
        ("not not width = 1", Not(Not(Compare("width", "=", 1.0)))),
        ("not (width = 1)", Not(Compare("width", "=", 1.0))),
        ("path = 'and'", Glob("path", "and")),
    ],
)
def test_single_conditions(text: str, expected: Expr | None) -> None:
    if expected is None:
        with pytest.raises(UsageError):
            parse_where(text)
    else:
        assert parse_where(text) == expected


def test_and_binds_more_closely_than_or() -> None:
    a, b, c = (Compare("width", "=", float(n)) for n in (1, 2, 3))
    assert parse_where("width=1 or width=2 AND width=3") == Or((a, And((b, c))))
    assert parse_where("(width=1 or width=2) and width=3") == And((Or((a, b)), c))
    assert parse_where("width=1 and width=2 and not width=3") == And((a, b, Not(c)))


def test_the_example_of_the_manual() -> None:
    expr = parse_where("path ~ 'trip/*' and taken >= 2024-01-01 and width > 1000 and not format = png")
    assert expr == And(
        (
            Glob("path", "trip/*"),
            Compare("taken", ">=", utc(2024, 1, 1)),
            Compare("width", ">", 1000.0),
            Not(Glob("format", "png")),
        )
    )


def test_a_date_means_all_of_its_span() -> None:
    start, end = utc(2024, 5, 1), utc(2024, 6, 1)
    assert parse_where("taken = 2024-05") == And((Compare("taken", ">=", start), Compare("taken", "<", end)))
    assert parse_where("taken != 2024-05") == Or((Compare("taken", "<", start), Compare("taken", ">=", end)))
    assert parse_where("taken > 2024-05") == Compare("taken", ">=", end)
    assert parse_where("taken >= 2024-05") == Compare("taken", ">=", start)
    assert parse_where("taken <= 2024-05") == Compare("taken", "<", end)
    assert parse_where("taken < 2024-05") == Compare("taken", "<", start)


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("2023", utc(2024, 1, 1)),
        ("2023-12", utc(2024, 1, 1)),
        ("2024-02-29", utc(2024, 3, 1)),
        ("2024-02-28T23:59", utc(2024, 2, 29)),
        ("'2024-02-28 23:59:58'", utc(2024, 2, 28, 23, 59, 59)),
    ],
)
def test_spans_end_where_the_next_begins(text: str, end: float) -> None:
    assert parse_where(f"taken > {text}") == Compare("taken", ">=", end)


def test_changes_of_files_are_read_in_the_local_time(tokyo: None) -> None:
    assert parse_where("modified >= 2024-01-01") == Compare("modified", ">=", utc(2023, 12, 31, 15))
    assert parse_where("taken >= 2024-01-01") == Compare("taken", ">=", utc(2024, 1, 1))


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("", 1, "empty"),
        ("   ", 4, "empty"),
        ("widht > 3", 1, "width"),
        ("width 3", 7, "after width"),
        ("width >", 8, "the end"),
        ("width > wide", 9, "a number"),
        ("width > 3 an height > 3", 11, "'and'"),
        ("size > 3 parsecs", 10, "'or'"),
        ("size > 3parsecs", 8, "200KB"),
        ("taken > yesterday", 9, "2024-05-17"),
        ("taken > 2023-02-30", 9, "2024-05-17"),
        ("path > 3", 6, "~, = or !="),
        ("width ~ 3", 7, "not with ~"),
        ("(width > 3", 11, "')'"),
        ("width > 3)", 10, "not ')'"),
        ("path ~ 'open", 8, "not closed"),
        ("path ~ ''", 8, "empty"),
        ("width > 3 & x", 11, "'&'"),
        ("width > 9e999", 9, "number"),
        ("width > " + "9" * 400, 9, "number"),
    ],
)
def test_mistakes_are_pointed_at(text: str, place: int, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_where(text)
    assert f"at character {place}:" in caught.value.message
    assert words in caught.value.message
    assert ">>" in caught.value.message
    assert caught.value.hint is not None


def test_monsters_are_refused() -> None:
    with pytest.raises(UsageError, match="nested"):
        parse_where("(" * 1000 + "width > 1" + ")" * 1000)
    with pytest.raises(UsageError, match="nested"):
        parse_where("not " * 1000 + "width > 1")
    with pytest.raises(UsageError, match="characters"):
        parse_where("width > 1 or " * 10_000 + "width > 2")
