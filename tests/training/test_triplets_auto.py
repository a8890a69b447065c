"""Triplets made from captions by their difference."""

from __future__ import annotations

from pathlib import Path

import pytest

from sightword.errors import UsageError
from sightword.training.readers.triplets import open_triplets
from sightword.training.readers.triplets_auto import NEIGHBOURS, changes, say, words_of
from sightword.training.triplets import collect


def told(*captions: str) -> dict[tuple[str, str], tuple[str, ...]]:
    found = changes([words_of(caption) for caption in captions])
    return {(" ".join(old), " ".join((*c[0], *c[2], *c[3]))): say(c) for old, c in found}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("A red car.", "a blue car", "is blue instead of red"),
        ("a dog on a sofa", "an owl on a sofa", "an owl instead of a dog"),
        ("a car in town", "a car in town at night", "at night"),
        ("a cat at night", "a cat", "not at night"),
        ("two cats and a dog", "two cats", "without a dog"),
        ("a big cat", "a cat", "not big"),
        ("a cat on grass", "a cat under grass", None),
        ("a red car", "two green houses", None),
        ("a red car", "a red car", None),
        ("red", "blue", None),
    ],
)
def test_what_a_difference_says(old: str, new: str, words: str | None) -> None:
    found = told(*dict.fromkeys((old, new)))
    key = (" ".join(words_of(old)), " ".join(words_of(new)))
    assert (found[key][0] if key in found else None) == words


def test_the_change_turns_the_one_caption_into_the_other() -> None:
    captions = [
        words_of(f"a {c} {t} on a {p}") for c in ("red", "blue") for t in ("cat", "dog") for p in ("bed",)
    ]
    for old, (before, here, there, behind) in changes(captions):
        assert (*before, *here, *behind) == old
        assert (*before, *there, *behind) in captions


def test_frequent_patterns_do_not_swamp_the_rest() -> None:
    captions = [words_of(f"a w{n} car") for n in range(300)]
    count: dict[tuple[str, ...], int] = {}
    for old, _ in changes(captions):
        count[old] = count.get(old, 0) + 1
    assert set(count) == set(captions)
    assert max(count.values()) == NEIGHBOURS


def folder(tmp_path: Path, captions: dict[str, str]) -> str:
    table = tmp_path / "captions.csv"
    rows = ["filepath,title", *(f"{name},{text}" for name, text in captions.items())]
    table.write_text("\n".join(rows))
    return f"auto:{table}"


def test_pictures_with_the_targets_caption_are_right_as_well(tmp_path: Path) -> None:
    name = folder(tmp_path, {"1.png": "a red car", "2.png": "a blue car", "3.png": "A blue car!"})
    found = collect(open_triplets(name))
    assert len(found) == 2
    towards = next(row for row in found.rows if row.reference.name.endswith("1.png"))
    names = {Path(towards.target.name).name, *(Path(other).name for other in towards.also)}
    assert names == {"2.png", "3.png"}
    assert towards.texts[0] == "is blue instead of red"
    assert [row.name for row in open_triplets(name)] == [row.name for row in found.rows]


def test_captions_that_give_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no triplet can be made"):
        list(open_triplets(folder(tmp_path, {"1.png": "a red car", "2.png": "two green houses"})))


def test_pictures_without_captions(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    with pytest.raises(UsageError, match="has no captioned pictures"):
        list(open_triplets(f"auto:{tmp_path / 'plain'}"))
