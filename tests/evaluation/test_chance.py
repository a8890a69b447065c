"""Chance levels by formula, against every order of a small gallery and against simulation of a larger one."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from sightword.evaluation.chance import average_precision_by_chance, chance_levels, recall_by_chance
from sightword.evaluation.metrics import average_precision_at_k, recall_at_k


@pytest.mark.parametrize(("right", "k"), [(1, 1), (1, 3), (2, 1), (2, 2), (2, 5), (3, 2), (3, 6)])
def test_the_mean_over_all_orders(right: int, k: int) -> None:
    truths = set(range(right))
    orders = list(permutations(range(6)))
    recall = np.mean([recall_at_k(order, truths, k) for order in orders])
    precision = np.mean([average_precision_at_k(order, truths, k) for order in orders])
    assert recall_by_chance(6, right, k) == pytest.approx(recall)
    assert average_precision_by_chance(6, right, k) == pytest.approx(precision)


def test_simulation() -> None:
    dice = np.random.default_rng(0)
    orders = [dice.permutation(80).tolist() for _ in range(4000)]
    levels = chance_levels(80, 5)
    truths = set(range(5))
    assert np.mean([recall_at_k(o, truths, 10) for o in orders]) == pytest.approx(levels["R@10"], abs=0.03)
    simulated = np.mean([average_precision_at_k(o, truths, 10) for o in orders])
    assert simulated == pytest.approx(levels["mAP@10"], rel=0.1)


def test_more_places_than_pictures() -> None:
    assert recall_by_chance(3, 1, 10) == 1.0
    assert average_precision_by_chance(1, 1, 10) == 1.0


def test_impossible_counts() -> None:
    with pytest.raises(ValueError, match="cannot be among"):
        recall_by_chance(3, 4, 1)
    with pytest.raises(ValueError, match="cannot be among"):
        average_precision_by_chance(3, 0, 1)
