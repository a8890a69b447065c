"""Metrics on hand-computed cases and against naive loops."""

from __future__ import annotations

import numpy as np
import pytest

from sightword.evaluation import metrics


@pytest.mark.parametrize(
    ("ranked", "truths", "k", "expected"),
    [
        (["a", "x", "b", "c"], {"a", "b", "c"}, 2, (1 / 1) / 2),  # more truths than k
        (["x", "a", "y", "b"], {"a", "b"}, 10, (1 / 2 + 2 / 4) / 2),  # fewer truths than k
        (["x", "y"], {"a"}, 2, 0.0),
        (["a", "b"], {"a", "b"}, 2, 1.0),
    ],
)
def test_average_precision_by_hand(ranked: list[str], truths: set[str], k: int, expected: float) -> None:
    assert metrics.average_precision_at_k(ranked, truths, k) == pytest.approx(expected)


def test_average_precision_equals_a_naive_loop() -> None:
    rng = np.random.default_rng(1)
    for _ in range(200):
        ranked = list(rng.permutation(30))
        truths = set(rng.choice(30, rng.integers(1, 12), replace=False))
        k = int(rng.integers(1, 30))
        total = 0.0
        for i in range(k):
            if ranked[i] in truths:
                total += sum(1 for j in range(i + 1) if ranked[j] in truths) / (i + 1)
        assert metrics.average_precision_at_k(ranked, truths, k) == pytest.approx(total / min(len(truths), k))


def test_duplicates_and_empty_truths_are_errors() -> None:
    with pytest.raises(ValueError, match="twice"):
        metrics.average_precision_at_k(["a", "a"], {"a"}, 2)
    with pytest.raises(ValueError, match="twice"):
        metrics.recall_at_k(["a", "a"], {"b"}, 2)
    with pytest.raises(ValueError, match="right answer"):
        metrics.recall_at_k(["a"], set(), 1)


def test_recall_is_a_hit_rate() -> None:
    assert metrics.recall_at_k(["x", "a", "b"], {"a", "b"}, 2) == 1.0
    assert metrics.recall_at_k(["x", "a", "b"], {"b"}, 2) == 0.0


def test_recall_subset_looks_at_the_group_only() -> None:
    ranked = [f"far{i}" for i in range(60)] + ["m1", "target", "m2"]
    assert metrics.recall_subset_at_k(ranked, {"m1", "m2", "target"}, "target", 1) == 0.0
    assert metrics.recall_subset_at_k(ranked, {"m1", "m2", "target"}, "target", 2) == 1.0
    with pytest.raises(ValueError, match="not in its own group"):
        metrics.recall_subset_at_k(ranked, {"m1"}, "target", 1)


def test_random_rankings_give_chance_level() -> None:
    rng = np.random.default_rng(2)
    hits = [metrics.recall_at_k(list(rng.permutation(50)), {0}, 10) for _ in range(3000)]
    low, high = metrics.bootstrap_interval(hits, level=0.999)
    assert low < 10 / 50 < high


def test_bootstrap_interval_is_seeded_and_ordered() -> None:
    values = np.random.default_rng(3).normal(size=200)
    low, high = metrics.bootstrap_interval(values)
    assert (low, high) == metrics.bootstrap_interval(values)
    assert low < values.mean() < high
    with pytest.raises(ValueError, match="at least one"):
        metrics.bootstrap_interval([])
