"""Files for the servers of CIRR and CIRCO: what is written passes the check, and every fault is found."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import made_field
from sightword.backbones import Backbone
from sightword.errors import SightwordError
from sightword.evaluation.benchmark import Loaded
from sightword.evaluation.circo import CIRCO
from sightword.evaluation.cirr import CIRR
from sightword.evaluation.judging import MethodScores
from sightword.evaluation.run import run
from sightword.evaluation.submissions import check_submission, submissions


def published_cirr(kind: str) -> dict[str, Any]:
    """As large as the real one."""
    length = {"recall": 50, "recall_subset": 3}[kind]
    names = [f"test1-{n}-0-img0" for n in range(length)]
    return {"version": "rc2", "metric": kind, **{str(12063 + 3 * n): names for n in range(4148)}}


def published_circo() -> dict[str, Any]:
    return {str(n): list(range(1000, 1050)) for n in range(800)}


def check(tmp_path: Path, content: Any) -> list[str]:
    path = tmp_path / "file.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return check_submission(path).problems


@pytest.mark.parametrize(
    "content", [published_cirr("recall"), published_cirr("recall_subset"), published_circo()]
)
def test_files_of_the_published_sizes_pass(tmp_path: Path, content: dict[str, Any]) -> None:
    assert check(tmp_path, content) == []


def test_circo_takes_ids_as_text_too(tmp_path: Path) -> None:
    assert check(tmp_path, {key: [str(i) for i in ids] for key, ids in published_circo().items()}) == []


def change(content: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    return {**content, key: value}


def headless(content: dict[str, Any]) -> dict[str, Any]:
    """A file for CIRR that somebody forgot to say so in."""
    return {key: value for key, value in content.items() if isinstance(value, list)}


def test_a_file_without_a_head_is_known_by_its_names(tmp_path: Path) -> None:
    for kind in ("recall", "recall_subset"):
        path = tmp_path / kind
        path.write_text(json.dumps(headless(published_cirr(kind))))
        found = check_submission(path)
        assert (found.kind, found.queries, len(found.problems)) == (kind, 4148, 2)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: change(published_cirr("recall"), "version", "rc1"), "'rc1'"),
        (lambda: change(published_cirr("recall"), "metric", "precision"), "'precision'"),
        (lambda: change(published_cirr("recall"), "metric", ["recall"]), "['recall']"),
        (lambda: change(published_cirr("recall"), "12063", ["a"] * 50), "an entry twice: 12063"),
        (lambda: change(published_cirr("recall"), "12063", ["a"]), "exactly 50 entries: 12063 (1)"),
        (lambda: change(published_cirr("recall"), "abc", []), "no pair ids: abc"),
        (lambda: change(published_cirr("recall_subset"), "12063", ["a.png", "b", "c"]), "no name: 12063"),
        (lambda: change(published_circo(), "800", list(range(50))), "1 unknown queries: 800"),
        (lambda: change(published_circo(), "7", "text"), "no list: 7"),
        (lambda: change(published_circo(), "7", [*range(49), "x"]), "no id: 7"),
        (lambda: {k: v for k, v in published_cirr("recall").items() if k != "version"}, '"version" is None'),
        (lambda: headless(published_cirr("recall_subset")), '"metric" is None, not "recall" or'),
        (lambda: {k: v for k, v in published_circo().items() if k != "5"}, "1 queries are missing: 5"),
        (lambda: {k: v for k, v in published_cirr("recall").items() if k != "12063"}, "4,147 queries"),
    ],
)
def test_faults_are_found(tmp_path: Path, make: Callable[[], dict[str, Any]], told: str) -> None:
    assert any(told in problem for problem in check(tmp_path, make()))


def test_keys_that_are_listed_twice_are_found(tmp_path: Path) -> None:
    """A JSON reader would silently keep the last one."""
    text = json.dumps(published_circo())
    problems = check(tmp_path, text[:-1] + ', "3": ' + json.dumps(list(range(50))) + "}")
    assert any("listed more than once: 3" in problem for problem in problems)


def test_large_cirr_files_are_found(tmp_path: Path) -> None:
    content = published_cirr("recall")
    content = {k: [f"{name:>40}" for name in v] if isinstance(v, list) else v for k, v in content.items()}
    assert any("bytes" in problem for problem in check(tmp_path, content))


@pytest.mark.parametrize("text", ["[]", "{", '"x"'])
def test_what_is_no_object_is_an_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(SightwordError):
        check(tmp_path, text)


def padded(loaded: Loaded) -> Loaded:
    """The made gallery has 24 pictures; a submission needs 50."""
    from dataclasses import replace

    from sightword.evaluation.field import shot

    more = [shot(str(9000 + n), loaded.pictures[n % 24].file, loaded.split) for n in range(40)]
    return replace(loaded, pictures=[*loaded.pictures, *more])


@pytest.mark.parametrize("name", ["cirr", "circo"])
def test_what_a_run_writes_passes_against_the_split(
    name: str, tmp_path: Path, tiny_backbone: Backbone
) -> None:
    if name == "cirr":
        benchmark, split = CIRR(allow_missing=True), "test1"
        loaded = padded(benchmark.load(made_field.cirr(tmp_path / "data", "test1"), split))
    else:
        benchmark, split = CIRCO(allow_missing=True), "test"  # type: ignore[assignment]
        loaded = padded(benchmark.load(made_field.circo(tmp_path / "data"), split))
    report = run(benchmark, loaded, tiny_backbone, ["average"], cache=tmp_path / "cache")
    assert "not public" in report.markdown()
    assert report.as_json()["tasks"]["average"][name] == {"queries": 18}
    contents = submissions(name, report.methods["average"], loaded)
    assert set(contents) == ({"recall", "recall_subset"} if name == "cirr" else {"circo"})
    for kind, content in contents.items():
        path = tmp_path / f"{kind}.json"
        path.write_text(json.dumps(content))
        found = check_submission(path, loaded)
        assert (found.kind, found.queries, found.problems) == (kind, 18, [])
        key = loaded.queries[0].id
        reference = loaded.queries[0].references[0]
        if name == "cirr":
            path.write_text(json.dumps({**content, key: [reference, *content[key][1:]]}))
            problems = check_submission(path, loaded).problems
            assert any(f"own reference: {key}" in problem for problem in problems)
        if kind == "recall_subset":
            path.write_text(json.dumps({**content, key: ["9001", *content[key][1:]]}))
            assert any("outside the group" in problem for problem in check_submission(path, loaded).problems)
        stranger: Any = 77 if name == "circo" else "test1-nobody"
        path.write_text(json.dumps({**content, key: [stranger, *content[key][1:]]}))
        assert any("not in the gallery" in problem for problem in check_submission(path, loaded).problems)


def test_other_benchmarks_have_no_server() -> None:
    assert submissions("fashioniq", MethodScores([]), Loaded(Path(), "val", [], [])) == {}
