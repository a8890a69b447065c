"""StyleShift builds offline from packages, the same every time, and keeps its own rules."""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from made_packages import THINGS, pinned
from PIL import Image

from sightword.datasets.sources import sha256_of
from sightword.datasets.styleshift.build import build
from sightword.datasets.styleshift.phrases import RESERVED
from sightword.datasets.styleshift.styles import STYLES
from sightword.errors import ModelUnavailable, SightwordError, UsageError
from sightword.evaluation.composed import ComposedQuery, Picture, read_rows
from sightword.evaluation.concepts import base_concept, split_of

TASKS = {"domain", "attribute", "object", "compose", "negation", "conflict"}


@pytest.fixture(scope="module")
def pictures(styleshift: Path) -> dict[str, Picture]:
    return {row.id: row for row in read_rows(styleshift / "gallery.jsonl", Picture)}


@pytest.fixture(scope="module")
def queries(styleshift: Path) -> list[ComposedQuery]:
    return read_rows(styleshift / "queries.jsonl", ComposedQuery)


def test_every_split_has_every_task(queries: list[ComposedQuery]) -> None:
    found = defaultdict(set)
    for query in queries:
        found[query.split].add(query.task)
    assert dict(found) == dict.fromkeys(("test", "validation", "train"), TASKS)


def test_two_builds_are_equal_byte_for_byte_and_splits_do_not_depend_on_each_other(
    styleshift: Path, packages: dict[str, Path], tmp_path: Path
) -> None:
    roots = [tmp_path / "one", tmp_path / "two"]
    for root in roots:
        build(root, packages, splits=("validation",), pinned=pinned(packages))
    one, two = ({p.relative_to(r): sha256_of(p) for p in r.rglob("*") if p.is_file()} for r in roots)
    assert len(one) > 100
    assert one == two
    alone, all_three = (read_rows(r / "gallery.jsonl", Picture) for r in (roots[0], styleshift))
    assert alone == [row for row in all_three if row.split == "validation"]
    asked, all_asked = (read_rows(r / "queries.jsonl", ComposedQuery) for r in (roots[0], styleshift))
    assert asked == [query for query in all_asked if query.split == "validation"]


def test_no_base_concept_crosses_splits(pictures: dict[str, Picture], queries: list[ComposedQuery]) -> None:
    splits = defaultdict(set)
    for picture in pictures.values():
        for concept in picture.concepts:
            splits[concept].add(picture.split)
            assert split_of(concept) == picture.split
    assert len(splits) > 25
    assert all(len(found) == 1 for found in splits.values())
    for picture in pictures.values():
        if picture.kind == "emoji":
            assert base_concept(picture.name) in picture.concepts
    for query in queries:
        named = (
            *query.references,
            *query.targets,
            *query.ignored,
            *(i for s in query.agree.values() for i in s),
        )
        assert {pictures[name].split for name in named} == {query.split}


def test_references_answers_and_unjudged_pictures_are_apart(queries: list[ComposedQuery]) -> None:
    for query in queries:
        assert query.targets or query.agree
        assert not set(query.references) & set(query.targets)
        assert not set(query.ignored) & {*query.references, *query.targets}
        assert not set(query.references) & {name for names in query.agree.values() for name in names}
        assert query.text or query.without
        assert query.caption


def test_ids_are_unique_and_files_are_as_listed(styleshift: Path, queries: list[ComposedQuery]) -> None:
    assert max(Counter(query.id for query in queries).values()) == 1
    rows = read_rows(styleshift / "gallery.jsonl", Picture)
    assert max(Counter(row.id for row in rows).values()) == 1
    manifest = json.loads((styleshift / "manifest.json").read_text())
    listed = {name: digest for name, digest in manifest["files"].items() if name.startswith("pictures/")}
    assert listed == {row.file: row.sha256 for row in rows}
    assert {str(path.relative_to(styleshift)) for path in (styleshift / "pictures").rglob("*.png")} == set(
        listed
    )
    for row in rows[::7]:
        assert sha256_of(styleshift / row.file) == row.sha256
        with Image.open(styleshift / row.file) as picture:
            assert picture.mode == "RGB"
            assert max(picture.size) <= 256


def test_domain_answers_satisfy_the_words(pictures: dict[str, Picture], queries: list[ComposedQuery]) -> None:
    asked = [query for query in queries if query.task == "domain"]
    for query in asked:
        (reference,) = query.references
        code = pictures[reference].code
        right = {
            row.id
            for row in pictures.values()
            if row.kind == "emoji" and row.code == code and query.aspect in STYLES[row.style].satisfies
        }
        assert set(query.targets) == right
        assert query.aspect not in STYLES[pictures[reference].style].satisfies
    banana = [query for query in asked if query.group == "banana" and query.aspect == "line"]
    assert {pictures[query.references[0]].style for query in banana} == set(STYLES) - {"openmoji-black"}


def test_attribute_answers_differ_in_that_alone(
    pictures: dict[str, Picture], queries: list[ComposedQuery]
) -> None:
    asked = [query for query in queries if query.task == "attribute"]
    by_aspect = Counter(query.aspect for query in asked)
    assert set(by_aspect) >= {"skin tone", "gender", "hair", "named colour", "turned", "count"}
    for query in asked:
        reference, targets = pictures[query.references[0]], [pictures[name] for name in query.targets]
        if query.aspect == "skin tone":
            assert {t.name.split(":")[0] for t in targets} == {reference.name.split(":")[0]}
            assert f": {query.words['word']} skin tone" in targets[0].name
        elif query.aspect == "gender":
            assert query.words["word"] in targets[0].name
            assert {t.name.partition(":")[2] for t in targets} == {reference.name.partition(":")[2]}
        elif query.aspect in ("count", "turned", "colour changed"):
            assert {t.code for t in targets} == {reference.code}
            assert {t.made[query.aspect] for t in targets} == {query.words["word"]}


def test_scenes_answer_scene_questions(pictures: dict[str, Picture], queries: list[ComposedQuery]) -> None:
    names = {row.code: row.name for row in pictures.values() if row.kind == "emoji"}
    for query in queries:
        reference = pictures[query.references[0]]
        shown = [{names[code] for code in pictures[name].code.split("+")} for name in query.targets]
        if query.task == "compose":
            assert all(reference.name in pair and len(pair) == 2 for pair in shown)
        elif query.aspect == "swapped":
            old = {names[code] for code in reference.code.split("+")}
            assert all(len(old & pair) == 1 for pair in shown)
        elif query.task == "negation" and reference.kind == "scene":
            assert all(len(pair) == 1 and pair < set(names.values()) for pair in shown)
            assert pictures[query.targets[0]].name in reference.name


def test_training_never_uses_reserved_phrasings(queries: list[ComposedQuery]) -> None:
    assert not any(query.reserved for query in queries if query.split == "train")
    held_out = [query for query in queries if query.split != "train" and query.text]
    assert 0.3 < sum(query.reserved for query in held_out) / len(held_out) < 0.7
    domain = {text for kind in ("line", "3d", "flat", "mono", "colour") for text in RESERVED[kind]}
    assert not domain & {query.text for query in queries if query.split == "train"}


def test_the_readme_tells_counts_chance_and_licences(styleshift: Path) -> None:
    text = (styleshift / "README.md").read_text()
    assert "| domain | line |" in text
    assert "CC-BY-SA-4.0" in text
    assert "pkg:npm/openmoji@17.0.0" in text
    assert "cannot" in text


def test_a_folder_with_other_things_is_refused(packages: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("mine")
    with pytest.raises(UsageError, match="not empty"):
        build(tmp_path, packages)
    assert [path.name for path in tmp_path.iterdir()] == ["letters.txt"]


def test_an_earlier_build_is_replaced(packages: dict[str, Path], tmp_path: Path) -> None:
    build(tmp_path / "built", packages, splits=("train",), pinned=pinned(packages))
    stray = tmp_path / "built" / "pictures" / "emoji" / "noto" / "stray.png"
    stray.touch()
    built = build(tmp_path / "built", packages, splits=("train",), pinned=pinned(packages))
    assert set(built.pictures) == {"train"}
    assert not stray.exists()


def test_without_the_renderer_the_extra_is_named(
    packages: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(ModelUnavailable) as caught:
        build(tmp_path / "new", packages)
    assert "pip install 'sightword[data]'" in str(caught.value)
    assert not (tmp_path / "new").exists()


def test_wrong_splits_and_damaged_packages_are_told(packages: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no split 'dev'"):
        build(tmp_path / "a", packages, splits=("dev",))
    (tmp_path / "bad.tgz").write_bytes(packages["openmoji"].read_bytes()[:500])
    with pytest.raises(SightwordError, match=r"bad\.tgz cannot be unpacked"):
        build(tmp_path / "b", {**packages, "openmoji": tmp_path / "bad.tgz"})
    # What was begun may be begun again.
    build(tmp_path / "b", packages, splits=("train",), pinned=pinned(packages))


def test_the_made_sample_lies_in_the_splits_it_says() -> None:
    for split, names in THINGS.items():
        assert {split_of(base_concept(name)) for name in names} == {split}
