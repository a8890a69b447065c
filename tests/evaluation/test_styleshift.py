"""StyleShift's reader and protocol: perfect, random and real rankings; damage is told in a sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from made_benchmark import write_benchmark
from sightword.backbones.base import Backbone
from sightword.errors import ModelUnavailable, SightwordError, UsageError
from sightword.evaluation.composed import ComposedQuery, read_rows, write_rows
from sightword.evaluation.features import picture_features
from sightword.evaluation.ranking import Ranking, rankings
from sightword.evaluation.report import MethodScores, Report
from sightword.evaluation.styleshift import StyleShift, evaluate


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A benchmark of coloured squares, which the tiny backbone can answer."""
    return write_benchmark(tmp_path_factory.mktemp("benchmark") / "squares")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTWORD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SIGHTWORD_MODELS", str(tmp_path / "models"))


def test_a_perfect_ranking_scores_one(folder: Path) -> None:
    benchmark = StyleShift()
    loaded = benchmark.load(folder, "test")
    names = [picture.id for picture in loaded.pictures]
    rows = {name: row for row, name in enumerate(names)}
    for query in loaded.queries:
        wanted = {*query.targets, *query.agree.get("text", ())}
        scores = np.array([float(name in wanted) for name in names], np.float32)
        found = benchmark.score(query, Ranking(scores, rows, names, (*query.references, *query.ignored)))
        if query.agree:
            assert found["share@10: text"] == min(len(query.agree["text"]), 10) / 10
        else:
            assert set(found.values()) == {1.0}


def test_random_vectors_score_chance(folder: Path) -> None:
    benchmark = StyleShift()
    loaded = benchmark.load(folder, "test")
    names = [picture.id for picture in loaded.pictures]
    dice = np.random.default_rng(0)
    times = 60
    queries = [query for query in loaded.queries if query.targets] * times
    gallery, asked = (dice.normal(size=(n, 16)).astype(np.float32) for n in (len(names), len(queries)))
    left_out = [(*query.references, *query.ignored) for query in queries]
    ranked = list(rankings(asked, gallery, names, left_out))
    scored = [benchmark.score(query, ranking) for query, ranking in zip(queries, ranked)]
    chance = [benchmark.chance(query, ranking.size) for query, ranking in zip(queries, ranked)]
    for metric in ("mAP", "mAP@10", "R@1", "R@5", "R@10"):
        level = np.mean([row[metric] for row in chance])
        assert np.mean([row[metric] for row in scored]) == pytest.approx(level, rel=0.12)


def test_all_methods_and_the_ceiling(folder: Path, tiny_backbone: Backbone) -> None:
    report = evaluate(tiny_backbone, folder)
    assert list(report.methods) == ["image", "text", "average", "weighted", "slerp", "direction", "caption"]
    found = report.as_json()
    assert found["sizes"] == {
        "gallery": 24,
        "queries": {"domain": 18, "conflict": 6, "overall": 18},
        "groups": 6,
        "pictures": {"emoji": 24},
    }
    means = {name: tasks["domain"]["mAP@10"]["mean"] for name, tasks in found["tasks"].items()}
    # Only both together say which shape in which colour.
    assert means["average"] > max(means["image"], means["text"], means["caption"]) > means["chance"]
    low, high = found["tasks"]["caption"]["domain"]["mAP@10"]["interval"]
    assert low <= means["caption"] <= high
    against = found["comparisons"]["methods"]["caption"]["domain"]
    assert against["difference"] == pytest.approx(means["caption"] - means["average"])
    assert 0 < against["p"] <= 1
    assert "| caption |" in report.markdown()
    assert "| chance |" in report.markdown()
    json.dumps(found, allow_nan=False)


def test_trained_methods_join_when_there_are_any(
    folder: Path, tiny_backbone: Backbone, tiny_phi_dir: Path
) -> None:
    report = evaluate(tiny_backbone, folder, [str(tiny_phi_dir), f"{tiny_phi_dir}+pdv"], limit=3)
    assert len(report.loaded.queries) == 12
    assert len(report.methods) == 2


def test_an_unknown_method_is_told_before_any_picture_is_read(folder: Path, tiny_backbone: Backbone) -> None:
    class Blind:
        spec = tiny_backbone.spec

        def encode_images(self, pixels: object) -> None:
            raise AssertionError("a picture was read")

    with pytest.raises(ModelUnavailable, match="no method 'nonsense'"):
        evaluate(Blind(), folder, ["nonsense"])  # type: ignore[arg-type]


def test_overall_weighs_tasks_alike() -> None:
    queries = [
        ComposedQuery(str(n), task, "a", "test", ("r",), "t", ("x",), group=str(n))
        for n, task in enumerate(["one"] * 9 + ["two"])
    ]
    loaded = SimpleNamespace(queries=queries, pictures=[], split="test", facts={})
    scores = MethodScores([{"mAP@10": 0.0}] * 9 + [{"mAP@10": 1.0}])
    report = Report("b", loaded, {"average": scores}, scores, {}, {})  # type: ignore[arg-type]
    assert report.mean(scores, report.tasks["overall"], "mAP@10") == pytest.approx(0.5)


def test_features_are_kept_by_content_and_backbone(
    folder: Path, tiny_backbone: Backbone, tmp_path: Path
) -> None:
    loaded = StyleShift().load(folder, "test")
    seen: list[int] = []

    class Counting:
        spec = tiny_backbone.spec

        def encode_images(self, pixels: np.ndarray) -> np.ndarray:
            seen.append(len(pixels))
            return tiny_backbone.encode_images(pixels)

    def features(cache: Path, hash_of_weights: str | None = None) -> np.ndarray:
        counting = Counting()
        if hash_of_weights:
            counting.spec = replace(tiny_backbone.spec, weights_hash=hash_of_weights)
        return picture_features(counting, folder, loaded.pictures, cache=cache)  # type: ignore[arg-type]

    cache = tmp_path / "features"
    first = features(cache)
    assert sum(seen) == 24
    assert np.array_equal(features(cache), first)
    assert sum(seen) == 24
    features(cache, "another")
    assert sum(seen) == 48
    for path in cache.iterdir():
        path.write_bytes(path.read_bytes()[:100])
    assert np.array_equal(features(cache), first)
    assert sum(seen) == 72
    (tmp_path / "file").touch()
    assert np.array_equal(features(tmp_path / "file" / "no"), first)  # a cache that cannot be written


Damage = Callable[[Path], object]


def _change(folder: Path, **values: object) -> None:
    rows = read_rows(folder / "queries.jsonl", ComposedQuery)
    write_rows(folder / "queries.jsonl", [replace(rows[0], **values), *rows[1:]])  # type: ignore[arg-type]


DAMAGE: dict[str, tuple[Damage, str]] = {
    "no manifest": (lambda f: (f / "manifest.json").unlink(), "no complete StyleShift"),
    "another manifest": (lambda f: (f / "manifest.json").write_text("[]"), "no complete StyleShift"),
    "no gallery": (lambda f: (f / "gallery.jsonl").unlink(), "cannot be read"),
    "not json": (lambda f: (f / "queries.jsonl").write_text("{\n"), "Line 1 of"),
    "unknown field": (lambda f: (f / "queries.jsonl").write_text('{"odd": 1}\n'), "unknown fields odd"),
    "unknown picture": (lambda f: _change(f, targets=("nowhere",)), "does not have: nowhere"),
    "twice": (
        lambda f: (f / "gallery.jsonl").write_text((f / "gallery.jsonl").read_text() * 2),
        "more than once",
    ),
    "no answer": (lambda f: _change(f, targets=()), "no answer"),
    "a picture is gone": (lambda f: next((f / "pictures").glob("*.png")).unlink(), "cannot be read"),
    "another picture": (
        lambda f: next((f / "pictures").glob("*.png")).write_bytes(b"x"),
        "not the picture that the benchmark lists",
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_told(name: str, tmp_path: Path, tiny_backbone: Backbone) -> None:
    damage, said = DAMAGE[name]
    folder = write_benchmark(tmp_path / "squares")
    damage(folder)
    with pytest.raises(SightwordError, match=said):
        evaluate(tiny_backbone, folder, ["image"])


def test_a_split_that_was_not_built(folder: Path, tiny_backbone: Backbone) -> None:
    with pytest.raises(UsageError, match="without the split 'validation'"):
        evaluate(tiny_backbone, folder, split="validation")
    with pytest.raises(UsageError, match="no split 'dev'"):
        evaluate(tiny_backbone, folder, split="dev")


def test_rows_survive_writing(folder: Path, tmp_path: Path) -> None:
    rows = read_rows(folder / "queries.jsonl", ComposedQuery)
    write_rows(tmp_path / "again.jsonl", rows)
    assert read_rows(tmp_path / "again.jsonl", ComposedQuery) == rows
    assert set(asdict(rows[0])) == set(json.loads((tmp_path / "again.jsonl").read_text().splitlines()[0]))
