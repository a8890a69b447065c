"""Places and tops of a ranking, against sorting by hand; ties go by the gallery's order."""

from __future__ import annotations

import numpy as np
import pytest

from sightword.evaluation.metrics import (
    average_precision_at_k,
    average_precision_of_ranks,
    recall_at_k,
    recall_of_ranks,
    share_at_k,
)
from sightword.evaluation.ranking import Ranking, rankings

NAMES = [f"p{n}" for n in range(40)]
ROWS = {name: row for row, name in enumerate(NAMES)}


def test_places_and_metrics_equal_naive_loops() -> None:
    dice = np.random.default_rng(0)
    for _ in range(100):
        # Few values, so that there are many ties.
        scores = dice.integers(0, 6, 40).astype(np.float32)
        drawn = dice.permutation(40)
        gone, wanted = [NAMES[i] for i in drawn[:5]], [NAMES[i] for i in drawn[5:11]]
        ranking = Ranking(scores, ROWS, NAMES, gone)
        listed = sorted((n for n in NAMES if n not in gone), key=lambda n: (-scores[ROWS[n]], ROWS[n]))
        assert ranking.size == 35
        assert ranking.top(50) == listed
        places = ranking.places(wanted)
        assert places.tolist() == [1 + listed.index(name) for name in wanted]
        for k in (1, 4, 10):
            assert average_precision_of_ranks(places, k) == pytest.approx(
                average_precision_at_k(listed, set(wanted), k)
            )
            assert recall_of_ranks(places, k) == recall_at_k(listed, set(wanted), k)
        assert average_precision_of_ranks(places) == pytest.approx(
            average_precision_at_k(listed, set(wanted), 35)
        )


def test_rankings_come_in_order_over_blocks() -> None:
    dice = np.random.default_rng(1)
    gallery = dice.normal(size=(40, 8)).astype(np.float32)
    gallery /= np.linalg.norm(gallery, axis=1, keepdims=True)
    asked = gallery[dice.integers(0, 40, 600)]
    found = [r.top(1)[0] for r in rankings(asked, gallery, NAMES, [()] * 600)]
    assert found == [NAMES[int(np.argmax(gallery @ vector))] for vector in asked]


def test_a_reference_left_out_twice_counts_once() -> None:
    ranking = Ranking(np.arange(40, dtype=np.float32), ROWS, NAMES, ["p39", "p39"])
    assert ranking.size == 39
    assert ranking.top(1) == ["p38"]


def test_nothing_right_is_an_error() -> None:
    with pytest.raises(ValueError, match="right answer"):
        average_precision_of_ranks([])
    with pytest.raises(ValueError, match="right answer"):
        recall_of_ranks([], 1)
    with pytest.raises(ValueError, match="twice"):
        share_at_k(["a", "a"], {"a"}, 2)
