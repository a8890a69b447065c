"""The example pictures: complete table, known licences, sizes, no metadata, queries held out."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import pytest
from PIL import Image

from sightword.evaluation.concepts import base_concept, split_of

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
PICTURES = EXAMPLES / "pictures"
QUERIES = ("query.png", "query-2.png", "query-3.jpg")
LICENCES = {
    *("public domain", "CC0-1.0", "MIT", "Apache-2.0"),
    *("CC-BY-2.0", "CC-BY-2.5", "CC-BY-4.0", "CC-BY-SA-4.0"),
}
LINE_STYLES = ("openmoji-line", "high-contrast")


def _table() -> list[dict[str, str]]:
    with (EXAMPLES / "LICENCES.tsv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def _files() -> list[Path]:
    # Searching the examples leaves an index beside them.
    return sorted(path for path in PICTURES.rglob("*") if path.is_file() and ".sightword" not in path.parts)


ROWS = _table()


def test_every_picture_is_in_the_table_once_and_there_are_no_others() -> None:
    listed = sorted(row["path"] for row in ROWS)
    present = sorted([*QUERIES, *(path.relative_to(EXAMPLES).as_posix() for path in _files())])
    assert listed == present


def test_number_and_size_of_the_folder() -> None:
    files = _files()
    assert 200 <= len(files) <= 400
    assert sum(path.stat().st_size for path in files) <= 9_000_000
    assert max(path.stat().st_size for path in files) <= 150_000


def test_every_row_is_complete_and_its_licence_is_allowed() -> None:
    for row in ROWS:
        assert row["licence"] in LICENCES, row["path"]
        for column in ("title", "author", "source", "file", "concept", "changes"):
            assert row[column].strip(), (row["path"], column)
        assert row["seen"] in ("yes", "no")


def test_attribution_licences_name_an_author() -> None:
    for row in ROWS:
        if row["licence"].startswith("CC-BY"):
            assert row["author"].casefold() not in ("unknown", "anonymous", "various"), row["path"]


def test_splits_are_those_of_the_concepts_and_test_concepts_were_not_seen() -> None:
    for row in ROWS:
        assert row["concept"] == base_concept(row["concept"]), row["path"]
        assert row["split"] == split_of(row["concept"]), row["path"]
        assert row["split"] == "train" or row["seen"] == "no", row["path"]
        if row["path"].startswith(("pictures/photos/", "pictures/paintings/")):
            assert row["seen"] == ("yes" if row["split"] == "train" else "no"), row["path"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["path"])
def test_picture_opens_within_limits_and_carries_no_metadata(row: dict[str, str]) -> None:
    with Image.open(EXAMPLES / row["path"]) as picture:
        picture.load()
        assert picture.format == {".png": "PNG", ".jpg": "JPEG"}[Path(row["path"]).suffix]
        assert 128 <= max(picture.size) <= 512
        assert min(picture.size) >= 90
        assert picture.mode in ("RGB", "P")
        assert not set(picture.info) & {"exif", "icc_profile", "xmp", "photoshop", "comment", "transparency"}
        assert len(picture.getexif()) == 0
        low_high = picture.convert("L").getextrema()
        assert low_high[1] - low_high[0] > 60, "blank"


def test_no_two_files_are_the_same() -> None:
    digests = [hashlib.sha256((EXAMPLES / row["path"]).read_bytes()).hexdigest() for row in ROWS]
    assert len(set(digests)) == len(digests)


@pytest.mark.parametrize("query", QUERIES)
def test_queries_are_held_out_and_have_answers(query: str) -> None:
    by_path = {row["path"]: row for row in ROWS}
    asked = by_path[query]
    assert asked["split"] == "test"
    answers = [row for row in ROWS if row["concept"] == asked["concept"] and row["path"] not in QUERIES]
    styles = {Path(row["path"]).parts[1] for row in answers}
    assert styles.issuperset(LINE_STYLES)
    assert len(styles) >= 6
    assert all((row["source"], row["file"]) != (asked["source"], asked["file"]) for row in answers)


@pytest.mark.parametrize(
    "style", ["noto", "twemoji", "fluent-3d", "fluent-flat", "openmoji", "openmoji-line"]
)
def test_styles_show_the_same_concepts(style: str) -> None:
    concepts = {row["concept"] for row in ROWS if row["path"].startswith(f"pictures/{style}/")}
    queried = {row["concept"] for row in ROWS if row["path"] == "query-2.png"}
    reference = {row["concept"] for row in ROWS if row["path"].startswith("pictures/high-contrast/")}
    assert concepts | queried == reference
    assert len(reference) >= 30
