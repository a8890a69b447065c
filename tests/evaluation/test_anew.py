"""Benchmarks with methods that rank anew, or that look at the parts of the reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from made_benchmark import write_benchmark
from made_matching import write_artemis, write_maaf
from sightword.errors import MethodNeeds
from sightword.evaluation.anew import Anew, Patches
from sightword.evaluation.judging import Galleries, judge
from sightword.evaluation.ranking import Ranking
from sightword.evaluation.run import run
from sightword.evaluation.streaming import streamed_rankings
from sightword.evaluation.styleshift import StyleShift
from sightword.methods import load_method
from sightword.methods.vectors import unit

NAMES = [f"p{number}" for number in range(12)]
ROWS = {name: row for row, name in enumerate(NAMES)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_benchmark(tmp_path_factory.mktemp("made") / "benchmark")


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory, tiny_backbone: Any) -> dict[str, str]:
    root = tmp_path_factory.mktemp("methods")
    return {
        "artemis": str(write_artemis(root / "artemis", tiny_backbone.spec, depth=6)),
        "start": str(write_artemis(root / "start", tiny_backbone.spec, spread=0, depth=6)),
        "maaf": str(write_maaf(root / "maaf", tiny_backbone.spec)),
    }


@pytest.mark.parametrize("depth", [1, 4, 11])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_ranking_anew_by_hand(depth: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    first = Ranking(rng.normal(size=12).astype(np.float32), ROWS, NAMES, ["p3"])
    whole = first.top(11)
    scores = rng.integers(0, 3, depth).astype(np.float32)  # with ties
    anew = Anew(first, first.top(depth), scores)
    ahead = [name for _, _, name in sorted((-s, i, n) for i, (s, n) in enumerate(zip(scores, whole)))]
    expected = ahead + whole[depth:]
    assert anew.size == 11
    for k in range(1, 13):
        assert anew.top(k) == expected[:k]
    assert anew.places(NAMES[4:]).tolist() == [expected.index(name) + 1 for name in NAMES[4:]]
    assert anew.order(["p11", "p0", "p5"]) == sorted(["p11", "p0", "p5"], key=expected.index)


def test_a_picture_that_is_listed_twice_counts_at_its_first_place() -> None:
    names = ["a", "b", "a"]
    first = Ranking(np.array([3, 2, 3], np.float32), {"a": 0, "b": 1}, names)
    anew = Anew(first, first.top(3), np.array([0.1, 0.1, 0.9], np.float32))
    assert anew.places(["a", "b"]).tolist() == [2, 1]


def test_streamed_rankings_are_ranked_anew_alike() -> None:
    rng = np.random.default_rng(2)
    gallery, query = unit(rng.normal(size=(12, 5))), unit(rng.normal(size=(1, 5)))
    (streamed,) = streamed_rankings(query, gallery, NAMES, [()], [NAMES], kept=8, chunk=5)
    whole = Ranking((query @ gallery.T)[0], ROWS, NAMES)
    scores = rng.normal(size=7).astype(np.float32)
    one, other = (Anew(item, item.top(7), scores) for item in (streamed, whole))
    assert one.top(8) == other.top(8)
    assert one.places(NAMES).tolist() == other.places(NAMES).tolist()


def results(folder: Path, backbone: Any, methods: list[str], tmp_path: Path) -> Any:
    loaded = StyleShift().load(folder, "test")
    return run(StyleShift(), loaded, backbone, methods, cache=tmp_path / "cache")


def test_the_start_of_artemis_scores_as_average(
    folder: Path, places: dict[str, str], tiny_backbone: Any, tmp_path: Path
) -> None:
    # The words of this benchmark are read alike by both: "a blue picture" has nothing that search strips.
    loaded = StyleShift().load(folder, "test")
    queries = [query for query in loaded.queries if query.task == "conflict"]
    report = run(
        StyleShift(),
        type(loaded)(loaded.folder, loaded.split, loaded.pictures, queries, loaded.facts),
        tiny_backbone,
        [places["start"], "average"],
        cache=tmp_path / "cache",
    )
    start, average = report.methods.values()
    assert [top[:6] for top in start.tops] == [top[:6] for top in average.tops]


def test_only_the_first_six_change_places(
    folder: Path, places: dict[str, str], tiny_backbone: Any, tmp_path: Path
) -> None:
    report = results(folder, tiny_backbone, [places["artemis"], "average"], tmp_path)
    anew, average = report.methods.values()
    assert any(one != other for one, other in zip(anew.tops, average.tops))
    for query, one, other in zip(report.loaded.queries, anew.tops, average.tops):
        assert sorted(one[:6]) == sorted(other[:6]) and one[6:] == other[6:]
        assert not set(one) & {*query.references, *query.ignored}
    for query, one, place in zip(report.loaded.queries, anew.tops, anew.places):
        if query.targets:
            assert place == one.index(query.targets[0]) + 1
    told = report.variants[places["artemis"]]["reranked"]
    assert told == {"first": "average", "depth": 6} and "reranked" not in report.variants["average"]


def test_its_scores_order_the_first_six(folder: Path, places: dict[str, str], tiny_backbone: Any) -> None:
    method: Any = load_method(places["artemis"], backbone=tiny_backbone)
    loaded = StyleShift().load(folder, "test")
    from sightword.evaluation.features import picture_features
    from sightword.methods import ComposeInput

    features = picture_features(tiny_backbone, loaded.folder, loaded.pictures)
    galleries = Galleries(loaded, features)
    rng = np.random.default_rng(0)
    vectors = unit(rng.normal(size=(len(loaded.queries), tiny_backbone.spec.dim)))

    def rescore(number: int, best: Any) -> Any:
        query = loaded.queries[number]
        asked = ComposeInput([features[galleries.row[query.references[0]]]], query.text)
        return method.rerank(tiny_backbone, asked, unit(features[[galleries.row[name] for name in best]]))

    found = judge(StyleShift(), galleries, vectors, rescore, 6)
    for number, top in enumerate(found.tops):
        scores = rescore(number, top[:6])
        assert (np.diff(scores) <= 1e-6).all()


def test_patches_of_references_are_those_of_their_files(
    folder: Path, places: dict[str, str], tiny_backbone: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = StyleShift().load(folder, "test")
    patches = Patches(tiny_backbone, loaded.folder, loaded.pictures, "clip")
    names = [loaded.pictures[3].id, loaded.pictures[0].id]
    both = patches.of(names)
    assert both.shape == (8, 3)
    monkeypatch.setattr("sightword.evaluation.anew.KEPT", 1)
    np.testing.assert_array_equal(patches.of(names[1:]), both[4:])
    np.testing.assert_array_equal(patches.of(names[:1]), both[:4])
    report = results(folder, tiny_backbone, [places["maaf"]], tmp_path)
    (scores,) = report.methods.values()
    assert len(scores.rows) == len(loaded.queries) and 0 < report.methods[places["maaf"]].rows[0]["mAP"] <= 1


def test_a_backbone_without_patches_is_told_before_a_picture_is_read(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sightword.backbones import load_backbone
    from tiny import write_tiny_backbone

    bare = load_backbone(str(write_tiny_backbone(tmp_path / "bare", patches=None)), threads=1)
    place = str(write_maaf(tmp_path / "maaf", bare.spec))
    monkeypatch.setattr("sightword.evaluation.run.picture_features", lambda *a, **k: pytest.fail("read"))
    with pytest.raises(MethodNeeds, match="needs patches"):
        results(folder, bare, [place], tmp_path)
