"""Every benchmark of the field, from a folder of its exact layout to results."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import made_field
from sightword.backbones import Backbone
from sightword.errors import SightwordError
from sightword.evaluation.benchmark import Loaded
from sightword.evaluation.catalog import benchmark_named
from sightword.evaluation.coco_csv import write_coco_compose
from sightword.evaluation.field import FieldBenchmark
from sightword.evaluation.judging import Galleries, judge, sizes
from sightword.evaluation.run import run
from sightword.methods.vectors import unit


def coco(root: Path) -> Path:
    assert write_coco_compose(made_field.coco(root), seed=1) == 18
    return root


MADE: dict[str, Callable[[Path], Path]] = {
    "fashioniq": made_field.fashioniq,
    "cirr": made_field.cirr,
    "circo": made_field.circo,
    "genecis": made_field.genecis,
    "imagenet-r": made_field.imagenet_r,
    "coco-compose": coco,
}
TASKS = {
    "fashioniq": {"dress": 6, "shirt": 6, "toptee": 6},
    "cirr": {"cirr": 18},
    "circo": {"circo": 18},
    "genecis": {f"{w}_{k}": 18 for k in ("attribute", "object") for w in ("focus", "change")},
    "imagenet-r": dict.fromkeys(("cartoon", "origami", "toy", "sculpture"), 12),
    "coco-compose": {"coco": 18},
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {name: make(tmp_path_factory.mktemp(name)) for name, make in MADE.items()}


def load(name: str, folder: Path) -> tuple[FieldBenchmark, Loaded]:
    benchmark = benchmark_named(name, allow_missing=True)
    assert isinstance(benchmark, FieldBenchmark)
    return benchmark, benchmark.load(folder, benchmark.splits[0])


@pytest.mark.parametrize("name", MADE)
def test_end_to_end(name: str, folders: dict[str, Path], tiny_backbone: Backbone, tmp_path: Path) -> None:
    benchmark, loaded = load(name, folders[name])
    report = run(benchmark, loaded, tiny_backbone, ["image", "text", "average"], cache=tmp_path)
    found = report.as_json()
    assert {task: len(n) for task, n in report.tasks.items() if task != "overall"} == TASKS[name]
    assert found["sizes"]["left out"]  # far fewer than the published ones, and it says so
    assert all(item["found"] != item["published"] for item in found["sizes"]["beside the published ones"])
    means = {m: tasks["overall"][benchmark.main]["mean"] for m, tasks in found["tasks"].items()}
    assert all(0 <= value <= 1 for value in means.values())
    if name in ("fashioniq", "cirr", "circo", "genecis"):  # the others ask for what tiny does not know
        places = {name: np.mean(scores.places) for name, scores in report.methods.items()}
        assert places["average"] < places["image"] / 1.3
    json.dumps(found, allow_nan=False)
    page = report.markdown()
    assert "Not the whole benchmark" in page
    assert ("MegaPairs" in page) == (name in ("fashioniq", "cirr", "circo", "genecis"))


@pytest.mark.parametrize("name", MADE)
def test_the_published_sizes_are_insisted_on(name: str, folders: dict[str, Path]) -> None:
    benchmark = benchmark_named(name)
    with pytest.raises(SightwordError, match="instead of") as caught:
        benchmark.load(folders[name], benchmark.splits[0])
    assert "--allow-missing" in str(caught.value)


@pytest.mark.parametrize("name", MADE)
def test_random_features_score_chance(name: str, folders: dict[str, Path]) -> None:
    benchmark, loaded = load(name, folders[name])
    dice, scored, chance = np.random.default_rng(0), [], []
    for _ in range(60):
        galleries = Galleries(loaded, dice.normal(size=(len(loaded.pictures), 8)).astype(np.float32))
        vectors = unit(dice.normal(size=(len(loaded.queries), 8)).astype(np.float32))
        scored += judge(benchmark, galleries, vectors).rows
    chance = [benchmark.chance(query, size) for query, size in zip(loaded.queries, sizes(loaded))]
    for metric in chance[0]:
        level = np.mean([row[metric] for row in chance])
        assert np.mean([row[metric] for row in scored]) == pytest.approx(level, rel=0.15, abs=0.01)


@pytest.mark.parametrize("name", MADE)
def test_perfect_vectors_score_one(name: str, folders: dict[str, Path]) -> None:
    """One direction for each right answer: what can be reached is reached."""
    benchmark, loaded = load(name, folders[name])
    features = np.eye(len(loaded.pictures), dtype=np.float32)
    galleries = Galleries(loaded, features)
    vectors = unit(
        np.stack([features[[galleries.row[t] for t in q.targets]].sum(axis=0) for q in loaded.queries])
    )
    scores = judge(benchmark, galleries, vectors)
    for query, row, place in zip(loaded.queries, scores.rows, scores.places):
        assert place == (1 if query.targets else 0)
        assert row[benchmark.main] == pytest.approx(1.0 if query.targets else 0.0)


@pytest.mark.parametrize("name", MADE)
def test_missing_pictures_are_listed_or_told(name: str, tmp_path: Path, tiny_backbone: Backbone) -> None:
    folder = MADE[name](tmp_path)
    benchmark, loaded = load(name, folder)
    gone = loaded.pictures[1 if name == "coco-compose" else 2]
    (folder / gone.file).unlink()
    strict = benchmark_named(name)
    with pytest.raises(SightwordError) as caught:
        strict.load(folder, strict.splits[0])
    assert gone.file in str(caught.value)
    _, shrunk = load(name, folder)
    assert len(shrunk.pictures) < len(loaded.pictures)
    assert any("missing" in lost for lost in shrunk.lost)
    named = [q for q in shrunk.queries if gone.id in (*q.references, *q.targets)]
    assert not named
    report = run(benchmark, shrunk, tiny_backbone, ["image"], cache=tmp_path / "cache")
    assert "missing" in " ".join(report.as_json()["sizes"]["left out"])
    assert "missing" in report.markdown()


def test_foreign_and_double_ids_are_errors(tmp_path: Path) -> None:
    folder = made_field.cirr(tmp_path)
    path = folder / "cirr/captions/cap.rc2.val.json"
    entries = json.loads(path.read_text())
    path.write_text(json.dumps([*entries, entries[0]]))
    with pytest.raises(SightwordError, match=r"lists the query 12060 more than once"):
        load("cirr", folder)
    entries[0]["img_set"]["members"][1:3] = ["dev-nowhere", entries[0]["target_hard"]]
    path.write_text(json.dumps(entries))
    with pytest.raises(SightwordError, match="dev-nowhere"):
        load("cirr", folder)
    entries[0]["img_set"]["members"] = entries[0]["img_set"]["members"][:5]
    path.write_text(json.dumps(entries))
    with pytest.raises(SightwordError, match=r"six pictures.*12060"):
        load("cirr", folder)


def test_limit_is_told(folders: dict[str, Path]) -> None:
    from sightword.evaluation.run import some

    _, loaded = load("circo", folders["circo"])
    drawn = some(loaded, 5)
    assert len(drawn.queries) == 5
    assert "5 of 18" in drawn.lost[-1]
    assert replace(drawn, queries=[]).lost == drawn.lost
