"""Searching with a method that ranks the best of another anew."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import sightword
from gallery import COLOURS, make_gallery, paint
from made_benchmark import write_benchmark
from made_matching import write_artemis
from sightword.cli.door import cli
from sightword.search import Engine, Query


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, tiny_backbone: Any) -> str:
    return str(write_artemis(tmp_path_factory.mktemp("made") / "artemis", tiny_backbone.spec, depth=4))


@pytest.fixture
def engine(tmp_path: Path, tiny_backbone: Any) -> Iterator[Engine]:
    with sightword.open(make_gallery(tmp_path / "pictures"), backbone=tiny_backbone) as opened:
        opened.update()
        yield opened


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    return paint(tmp_path / "query.png", "red", (64, 64))


def test_hits_have_the_methods_scores_and_the_first_methods_z(
    engine: Engine, place: str, reference: Path
) -> None:
    asked = {"images": reference, "text": "blue", "k": 8, "fold": False}
    hits = engine.search(**asked, method=place)
    before = {hit.id: hit for hit in engine.search(**asked, method="average")}
    method: Any = engine.load_method(place)
    composed = engine.compose(Query(**asked, method=place))
    vectors = engine.store.vectors([hit.id for hit in hits])
    expected = method.rerank(engine.backbone, composed.asked, vectors)
    assert len(hits) == len(before)
    assert [hit.score for hit in hits] == pytest.approx(list(expected), abs=1e-6)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert [hit.z for hit in hits] == [before[hit.id].z for hit in hits]
    assert [hit.id for hit in hits] != list(before)  # otherwise this test says nothing
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))


def test_only_the_first_n_of_the_other_method_can_be_found(
    engine: Engine, place: str, reference: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sightword.search.ranking.MARGIN", 0)
    asked = {"images": reference, "text": "blue", "k": 2, "fold": False}
    first = {hit.id for hit in engine.search(**{**asked, "k": 4}, method="average")}
    found = engine.search(**asked, method=place)
    assert len(found) == 2 and {hit.id for hit in found} <= first
    everything = engine.search(**{**asked, "k": 8}, method=place)
    assert len(everything) == len(COLOURS)
    scores = [hit.score for hit in everything]
    assert scores == sorted(scores, reverse=True)


def test_thresholds_compare_what_is_told(engine: Engine, place: str, reference: Path) -> None:
    asked = {"images": reference, "text": "blue", "k": 8, "fold": False, "method": place}
    hits = engine.search(**asked)
    score, z = sorted(hit.score for hit in hits)[3], sorted(hit.z for hit in hits)[3]
    assert {hit.id for hit in engine.search(**asked, min_score=score)} == {
        hit.id for hit in hits if hit.score >= score
    }
    assert {hit.id for hit in engine.search(**asked, min_score=f"{z}z")} == {
        hit.id for hit in hits if hit.z >= z
    }


def test_filters_and_folding_work_on_the_new_ranking(
    engine: Engine, place: str, reference: Path, tmp_path: Path
) -> None:
    paint(tmp_path / "pictures" / "again.png", "blue")
    engine.update()
    hits = engine.search(images=reference, text="blue", k=8, method=place, where="path ~ 'deep/*'")
    assert hits and all(hit.relative.parts[0] == "deep" for hit in hits)
    folded = engine.search(images=reference, text="blue", k=8, method=place)
    assert sum(len(hit.duplicates) for hit in folded) == 1


def test_equal_scores_go_by_path(tmp_path: Path, tiny_backbone: Any, place: str, reference: Path) -> None:
    folder = tmp_path / "same"
    for name in ("c", "a", "b"):
        paint(folder / f"{name}.png", "blue", (48, {"a": 40, "b": 44, "c": 42}[name]))
    with sightword.open(folder, backbone=tiny_backbone) as opened:
        hits = opened.search(images=reference, text="dark", method=place, fold=False)
    assert [hit.path.stem for hit in hits] == ["a", "b", "c"] and len({hit.score for hit in hits}) == 1


def test_one_side_alone_is_not_ranked_anew(engine: Engine, place: str, reference: Path) -> None:
    for asked in ({"images": reference}, {"text": "blue"}):
        with pytest.warns(sightword.search.MethodWarning):
            hits = engine.search(**asked, method=place)
        plain = engine.search(**asked)
        assert [(hit.id, hit.score) for hit in hits] == [(hit.id, hit.score) for hit in plain]
        assert engine.reranked(Query(**asked, method=place)) is None


def test_it_is_said_who_came_first(engine: Engine, place: str, reference: Path) -> None:
    query = Query(images=reference, text="blue", method=place)
    assert engine.reranked(query) == {"first": "average", "depth": 4}
    assert engine.reranked(Query(images=reference, text="blue", method="average")) is None
    told = engine.explain(query)
    assert told.as_json()["reranked"] == {"first": "average", "depth": 4}
    assert any("the first 4 of average ranked anew" in line for line in told.lines())
    assert type(told).from_json(told.as_json(), told.hits).lines() == told.lines()
    plain = engine.explain(images=reference, text="blue", method="average")
    assert "reranked" not in plain.as_json()


def test_the_number_behind_the_name_is_how_many(
    engine: Engine, tmp_path: Path, tiny_backbone: Any, reference: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTWORD_MODELS", str(tmp_path / "models"))
    write_artemis(tmp_path / "models" / "methods" / "tiny" / "artemis", tiny_backbone.spec)
    query = Query(images=reference, text="blue", method="artemis:3")
    assert engine.reranked(query) == {"first": "average", "depth": 3}
    assert len(engine.search(query)) == 8 and engine.method_name(query) == "artemis:3"
    for wrong in ("artemis:0", "artemis:1.5"):
        with pytest.raises(sightword.errors.UsageError, match="cannot be ranked anew"):
            engine.search(images=reference, text="blue", method=wrong)


def test_so_is_the_number_behind_a_path(
    engine: Engine, place: str, reference: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = Query(images=reference, text="blue", method=f"{place}:3")
    assert engine.reranked(query) == {"first": "average", "depth": 3}
    assert len(engine.search(query)) == 8
    with sightword.open(engine.folder, backbone=engine.backbone, method=f"{place}:2") as other:
        assert other.reranked(Query(images=reference, text="blue")) == {"first": "average", "depth": 2}
    with pytest.raises(sightword.errors.UsageError, match="cannot be ranked anew"):
        engine.search(images=reference, text="blue", method=f"{place}:0")


def test_the_commands_take_a_path_with_a_number(
    place: str, reference: Path, tmp_path: Path, tiny_backbone_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("BACKBONE", tiny_backbone_dir), ("CACHE", "cache"), ("MODELS", "models")):
        monkeypatch.setenv(f"SIGHTWORD_{name}", str(tmp_path / value))
    monkeypatch.setenv("SIGHTWORD_CONFIG", str(tmp_path / "none.toml"))
    folder = make_gallery(tmp_path / "gallery")
    asked = ["search", str(folder), "blue", "--image", str(reference), "--method", f"{place}:3", "--json"]
    done = CliRunner().invoke(cli, asked)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["reranked"] == {"first": "average", "depth": 3}
    data = write_benchmark(tmp_path / "benchmark")
    measured = ["evaluate", "styleshift", "--data", str(data), "--method", f"{place}:3,image", "--json"]
    done = CliRunner().invoke(cli, measured)
    assert done.exit_code == 0, done.output
    (ours,) = (row for name, row in json.loads(done.stdout)["variants"].items() if name.endswith(":3"))
    assert ours["reranked"] == {"first": "average", "depth": 3}


def test_an_empty_answer_stays_empty(engine: Engine, place: str, reference: Path) -> None:
    assert engine.search(images=reference, text="blue", method=place, where="width > 10000") == []
    assert np.isfinite(
        [hit.score for hit in engine.search(images=reference, text="blue", method=place)]
    ).all()


def test_the_command_says_who_came_first(
    tmp_path: Path, tiny_backbone_dir: Path, place: str, reference: Path
) -> None:
    folder = make_gallery(tmp_path / "pictures")
    words = ["search", str(folder), "blue", "--image", str(reference), "--backbone", str(tiny_backbone_dir)]
    told = {}
    for method in (place, "average"):
        done = CliRunner().invoke(cli, [*words, "--method", method, "--json"], catch_exceptions=False)
        assert done.exit_code == 0, done.stderr
        told[method] = json.loads(done.stdout)
    assert told[place]["reranked"] == {"first": "average", "depth": 4}
    assert "reranked" not in told["average"]
    done = CliRunner().invoke(cli, [*words, "--method", place, "--explain"], catch_exceptions=False)
    assert "the first 4 of average ranked anew" in done.stdout
