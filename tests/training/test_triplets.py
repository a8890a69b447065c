"""Reading triplets: tables, FashionIQ, CIRR, StyleShift; what is wrong with them is counted and said."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from made_benchmark import write_benchmark
from made_field import cirr, dump, fashioniq
from sightword.errors import SightwordError, UsageError
from sightword.evaluation.composed import ComposedQuery, Picture, read_rows, write_rows
from sightword.training.readers.base import Item
from sightword.training.readers.triplets import TripletColumns, open_triplets
from sightword.training.triplets import PICTURELESS, SAME, TWICE, WORDLESS, Triplet, collect


def item(name: str) -> Item:
    return Item(name, Path(name))


def triplet(reference: str = "a", target: str = "b", *texts: str) -> Triplet:
    return Triplet(item(reference), texts or ("but red",), item(target), name=f"{reference}->{target}")


def test_what_cannot_be_learnt_from_is_counted() -> None:
    good = [triplet(f"r{n}", f"t{n}") for n in range(200)]
    wrong = [
        triplet("a", "a"), triplet("a", "b", " ", ""), Triplet(Item("c"), ("x",), item("d"), name="row 4"),
        good[0],
    ]  # fmt: skip
    found = collect([*good, *wrong])
    assert found.left_out == {SAME: 1, WORDLESS: 1, PICTURELESS: 1, TWICE: 1}
    assert found.first[PICTURELESS] == "row 4"
    assert len(found) == 200
    assert len(found.pictures) == 400
    assert "1 without words (the first: a->b)" in found.sentence()


def test_too_many_wrong_ones_end_it() -> None:
    rows = [triplet("a", "a"), triplet("a", "b"), triplet("c", "d")]
    with pytest.raises(
        SightwordError, match=r"1 of 3 triplets of t\.csv cannot be learnt from, more than 5%"
    ):
        collect(rows, where="t.csv")
    assert len(collect(rows, cap=0.5)) == 2


def test_doubles_alone_are_no_reason_to_end() -> None:
    assert len(collect([triplet()] * 10)) == 1


def test_no_triplets_at_all() -> None:
    with pytest.raises(UsageError, match="has no triplets"):
        collect([], where="t.csv")


def test_groups_are_references_unless_said_and_texts_are_taken_once() -> None:
    found = collect([triplet("a", "b", "x ", "x", "y"), dataclasses.replace(triplet("c", "d"), group="g")])
    assert [row.group for row in found.rows] == ["a", "g"]
    assert found.rows[0].texts == ("x", "y")
    assert found.rows[0].text == "x"


def test_a_limit_takes_the_first_good_ones() -> None:
    found = collect([triplet("a", "a"), *(triplet(f"{n}", "t") for n in range(9))], limit=2, cap=1)
    assert [row.reference.name for row in found.rows] == ["0", "1"]


@pytest.mark.parametrize("ending", [".csv", ".tsv"])
def test_a_table(tmp_path: Path, ending: str) -> None:
    cells = [
        ["Candidate", "caption", "target", "also", "group"],
        ["a.png", "but red", "b.png", "c.png|d.png", "g"],
    ]
    separator = "," if ending == ".csv" else "\t"
    path = tmp_path / f"t{ending}"
    path.write_text("\n".join(separator.join(row) for row in cells), encoding="utf-8-sig")
    (found,) = open_triplets(str(path))
    assert (found.reference.name, found.target.name) == (str(tmp_path / "a.png"), str(tmp_path / "b.png"))
    assert found.also == (str(tmp_path / "c.png"), str(tmp_path / "d.png"))
    assert (found.text, found.group, found.name) == ("but red", "g", f"{path}:2")


def test_lines_with_several_texts(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    row = {"ref": "/a.png", "text": ["one", "two"], "answer": "/b.png", "also": ["/c.png"]}
    path.write_text(f"{json.dumps(row)}\n\n", encoding="utf-8")
    (found,) = open_triplets(str(path), TripletColumns(target="answer"))
    assert found.texts == ("one", "two")
    assert found.also == ("/c.png",)


@pytest.mark.parametrize(
    ("content", "columns", "told"),
    [
        (
            "reference,text\na,b\n",
            {},
            "no column for the target that is recognised; it has 'reference', 'text'",
        ),
        ("a,b,c\n1,2,3\n", {"reference": "x"}, "no column 'x'; it has 'a', 'b', 'c'"),
        ("", {}, "is empty"),
    ],
)
def test_columns_that_are_not_there(tmp_path: Path, content: str, columns: dict[str, str], told: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(content)
    with pytest.raises(UsageError, match=told):
        open_triplets(str(path), TripletColumns(**columns))


def test_a_line_that_is_no_object(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text("[1]\n")
    with pytest.raises(UsageError, match=r"t\.jsonl:1 is not a JSON object"):
        list(open_triplets(str(path)))


def test_names_that_are_nothing(tmp_path: Path) -> None:
    (tmp_path / "t.txt").touch()
    (tmp_path / "folder").mkdir()
    for name, told in (
        ("t.txt", "no kind"),
        ("folder", "neither StyleShift nor"),
        ("gone.csv", "There is no"),
    ):
        with pytest.raises(UsageError, match=told):
            open_triplets(str(tmp_path / name))


def renamed(root: Path, old: str, new: str) -> None:
    for path in list(root.rglob(f"*.{old}.json")):
        path.rename(path.with_name(path.name.replace(f".{old}.", f".{new}.")))


def test_fashioniq_has_four_equally_likely_captions(tmp_path: Path) -> None:
    root = fashioniq(tmp_path / "FashionIQ")
    renamed(root, "val", "train")
    found = collect(open_triplets(str(root)))
    assert len(found) == 18
    assert found.left_out == {}
    first = found.rows[0]
    assert first.texts == (
        "Is green and has the same shape", "Has the same shape and is green",
        "Is green", "Has the same shape",
    )  # fmt: skip
    assert first.text == "Is green and has the same shape"
    assert isinstance(first.reference.picture, Path)
    assert first.reference.picture.is_file()


def test_fashioniq_without_its_training_half(tmp_path: Path) -> None:
    with pytest.raises(SightwordError, match="no training captions of dress"):
        open_triplets(str(fashioniq(tmp_path / "FashionIQ")))


def test_cirr_knows_what_else_is_right(tmp_path: Path) -> None:
    root = cirr(tmp_path / "CIRR")
    renamed(root, "val", "train")
    captions = root / "cirr/captions/cap.rc2.train.json"
    entries = json.loads(captions.read_text())
    other = entries[1]["target_hard"]
    entries[0]["target_soft"] |= {other: 1.0, entries[2]["target_hard"]: 0.5}
    dump(captions, entries)
    found = collect(open_triplets(str(root)))
    assert len(found) == 18
    assert found.rows[0].also == tuple(p.name for p in found.pictures if other in p.name)
    assert found.rows[0].group == found.rows[1].group == "set 0"
    assert all(isinstance(p.picture, Path) and p.picture.is_file() for p in found.pictures)


def as_training_half(folder: Path) -> None:
    for name, kind in (("gallery.jsonl", Picture), ("queries.jsonl", ComposedQuery)):
        rows = read_rows(folder / name, kind)  # type: ignore[type-var]
        write_rows(folder / name, [dataclasses.replace(row, split="train") for row in rows])
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"splits": ["train"]}))


def test_styleshift_gives_its_training_half_only(tmp_path: Path) -> None:
    folder = write_benchmark(tmp_path / "styleshift")
    with pytest.raises(UsageError, match="without its training half"):
        open_triplets(str(folder))
    as_training_half(folder)
    asked = [q for q in read_rows(folder / "queries.jsonl", ComposedQuery) if q.text and q.targets]
    found = collect(open_triplets(str(folder)), cap=0)
    assert sorted(row.name for row in found.rows) == sorted(q.id for q in asked)
    by_name = {row.name: row for row in found.rows}
    for query in asked:
        row = by_name[query.id]
        names = {path.rpartition("/")[2].removesuffix(".png") for path in (row.target.name, *row.also)}
        assert names == {*query.targets, *query.ignored}
        assert row.group == query.group
    assert [row.name for row in found.rows] == [row.name for row in open_triplets(str(folder))]
