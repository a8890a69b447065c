"""What may be asked, and how thresholds are read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightword.errors import UsageError
from sightword.search.query import MinScore, Query, as_query, describe, parse_min_score


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.3", MinScore(0.3)),
        (0.25, MinScore(0.25)),
        ("2z", MinScore(2, "z")),
        (" 1.5Z ", MinScore(1.5, "z")),
        ("-1z", MinScore(-1, "z")),
    ],
)
def test_thresholds(text: str | float, expected: MinScore) -> None:
    assert parse_min_score(text) == expected
    assert parse_min_score(str(expected)) == expected


@pytest.mark.parametrize("text", ["", "z", "high", "nan", "infz", "1.5", "-3", "2zz"])
def test_wrong_thresholds_are_told(text: str) -> None:
    with pytest.raises(UsageError, match="smallest score"):
        parse_min_score(text)


def test_a_threshold_as_a_cosine() -> None:
    assert MinScore(0.3).cosine(0.9, 0.5) == 0.3
    assert MinScore(2, "z").cosine(0.1, 0.05) == pytest.approx(0.2)


def test_one_reference_needs_no_list() -> None:
    assert Query("cat.png").images == ("cat.png",)
    assert Query(Path("cat.png")).images == (Path("cat.png"),)
    assert Query(7).images == (7,)
    assert len(Query(np.zeros((4, 4, 3), np.uint8)).images) == 1
    assert Query(["a.png", 7], without="dogs").without == ("dogs",)


def test_text_is_one_line_without_spare_spaces() -> None:
    assert Query(text="  at \n night ").text == "at night"


@pytest.mark.parametrize("asked", [{}, {"text": "  "}, {"without": "dogs"}])
def test_an_empty_question_is_refused(asked: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="nothing to look for"):
        Query(**asked)  # type: ignore[arg-type]


@pytest.mark.parametrize("k", [0, -1, True, 2.5, "3"])
def test_k_is_checked(k: object) -> None:
    with pytest.raises(UsageError, match="whole number"):
        Query(text="a", k=k)  # type: ignore[arg-type]


def test_as_json_names_what_has_no_path() -> None:
    query = Query(
        [Path("a.png"), 3, Image.new("RGB", (8, 6)), np.zeros((5, 9, 3), np.uint8)], "x", min_score="2z"
    )
    entry = query.as_json()
    assert entry["images"] == [
        "a.png",
        "picture 3 of the index",
        "a picture of 8 x 6 pixels",
        describe(query.images[3]),
    ]
    assert entry["images"][3] == "a picture of 9 x 5 pixels"
    assert entry["min_score"] == "2z"


def test_prompts_are_a_list_or_none() -> None:
    assert Query(text="x").prompts is None
    assert Query(text="x", prompt="a {*}").prompts == ["a {*}"]
    assert Query(text="x", prompt=("a {*}", "b {*}")).prompts == ["a {*}", "b {*}"]


def test_a_string_is_the_text() -> None:
    assert as_query("a red bus", {"k": 3}) == Query(text="a red bus", k=3)
    with pytest.raises(UsageError, match="once"):
        as_query("a red bus", {"text": "a blue bus"})
