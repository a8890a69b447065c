"""Top-k without sorting, rankings and streamed rankings, against full sorts and plain loops."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sightword.evaluation.benchmark import Loaded
from sightword.evaluation.field import FieldQuery, shot
from sightword.evaluation.judging import Galleries
from sightword.evaluation.metrics import average_precision_at_k, precision_at_k, recall_at_k, true_recall_at_k
from sightword.evaluation.ranking import Ranking
from sightword.evaluation.streaming import streamed_rankings
from sightword.evaluation.topk import best_rows
from sightword.methods.vectors import unit


@pytest.mark.parametrize(("size", "k"), [(1, 1), (7, 20), (500, 3), (9000, 50), (9001, 1), (20_000, 50)])
@pytest.mark.parametrize("levels", [3, 50, 10**6])
def test_best_rows_is_a_stable_sort(size: int, k: int, levels: int) -> None:
    """Few levels mean many ties."""
    scores = np.random.default_rng(size + k).integers(0, levels, size).astype(np.float32)
    assert best_rows(scores, k).tolist() == np.argsort(-scores, kind="stable")[:k].tolist()


def test_best_rows_with_pictures_that_are_left_out() -> None:
    scores = np.full(5000, -np.inf, np.float32)
    scores[4321] = 0.5
    assert best_rows(scores, 2).tolist() == [4321, 0]


def test_ranking_against_a_naive_loop() -> None:
    dice = np.random.default_rng(1)
    names = [f"p{n}" for n in range(300)]
    rows = {name: n for n, name in enumerate(names)}
    for _ in range(20):
        scores = dice.integers(0, 40, 300).astype(np.float32)
        gone = [names[n] for n in dice.choice(300, 5, replace=False)]
        kept = [name for name in names if name not in gone]
        naive = sorted(kept, key=lambda name: (-scores[rows[name]], rows[name]))
        ranking = Ranking(scores, rows, names, gone)
        assert ranking.top(50) == naive[:50]
        assert ranking.top(10) == naive[:10]
        assert ranking.top(1000) == naive
        some = [kept[n] for n in dice.choice(len(kept), 6, replace=False)]
        assert ranking.order(some) == sorted(some, key=naive.index)
        assert ranking.places(some).tolist() == [naive.index(name) + 1 for name in some]


def naive_metrics(ranked: list[str], truths: set[str], k: int) -> tuple[float, float, float, float]:
    """The definitions of methods.md 3, step by step."""
    hits, total = 0, 0.0
    for place in range(k):
        if ranked[place] in truths:
            hits += 1
            total += hits / (place + 1)
    return float(hits > 0), total / min(len(truths), k), hits / k, hits / len(truths)


def test_metrics_against_naive_loops() -> None:
    dice = np.random.default_rng(2)
    names = [str(n) for n in range(60)]
    for _ in range(200):
        ranked = [names[n] for n in dice.permutation(60)]
        truths = {names[n] for n in dice.choice(60, dice.integers(1, 15), replace=False)}
        k = int(dice.integers(1, 50))
        found = [
            f(ranked, truths, k)
            for f in (recall_at_k, average_precision_at_k, precision_at_k, true_recall_at_k)
        ]
        assert found == pytest.approx(naive_metrics(ranked, truths, k))


def test_true_recall_by_hand() -> None:
    ranked = ["a", "x", "b", "y", "c"]
    assert true_recall_at_k(ranked, {"a", "b", "c", "d"}, 3) == 0.5
    assert true_recall_at_k(ranked, set(), 3) == 0.0
    with pytest.raises(ValueError, match="twice"):
        true_recall_at_k(["a", "a"], {"a"}, 2)


@pytest.mark.parametrize("chunk", [7, 64, 1000])
def test_streaming_equals_ranking_in_memory(chunk: int) -> None:
    dice = np.random.default_rng(3)
    # Sums of halves and quarters are exact whatever the order of adding, and there are many ties.
    features = dice.choice([-1.0, 1.0], (500, 16)).astype(np.float32)
    vectors = unit(dice.choice([-1.0, 1.0], (9, 16)).astype(np.float32))
    names = [f"p{n}" for n in range(500)]
    rows = {name: n for n, name in enumerate(names)}
    gone = [[names[n] for n in dice.choice(500, 3, replace=False)] for _ in vectors]
    watched = [[n for n in names[10:20] + names[405:415] if n not in out] for out in gone]
    streamed = streamed_rankings(vectors, features, names, gone, watched, chunk=chunk, kept=20)
    unit_features = unit(features)
    for vector, out, watch, found in zip(vectors, gone, watched, streamed):
        scores = unit_features @ vector
        ranking = Ranking(scores, rows, names, out)
        assert found.size == ranking.size
        assert found.top(20) == ranking.top(20)
        assert found.places(watch).tolist() == ranking.places(watch).tolist()
        assert found.order(watch) == ranking.order(watch)
        with pytest.raises(ValueError, match="first 20"):
            found.top(21)


def test_galleries_on_disk_are_streamed(tmp_path: Path) -> None:
    dice = np.random.default_rng(4)
    features = dice.normal(size=(120, 8)).astype(np.float32)
    mapped = np.memmap(tmp_path / "features", np.float32, "w+", shape=features.shape)
    mapped[:] = features
    pictures = [shot(str(n), f"{n}.png", "val") for n in range(120)]
    queries = [
        FieldQuery(
            str(n),
            "t",
            "",
            "val",
            (str(n),),
            "red",
            (str(n + 1), str(n + 50)),
            subset=(str(n + 1), str(n + 2)),
        )
        for n in range(10)
    ]
    loaded = Loaded(tmp_path, "val", list(pictures), list(queries))
    vectors = unit(dice.normal(size=(10, 8)).astype(np.float32))
    memory = dict(Galleries(loaded, features).rankings(vectors))
    disk = dict(Galleries(loaded, mapped).rankings(vectors))
    for number, query in enumerate(queries):
        assert disk[number].top(50) == memory[number].top(50)
        assert disk[number].places(query.targets).tolist() == memory[number].places(query.targets).tolist()
        assert disk[number].order(query.subset) == memory[number].order(query.subset)
