"""The exact answer to many queries, against sorting everything; recall against counting."""

from __future__ import annotations

import numpy as np
import pytest
from _nearest import TIE, Truth, check_against_scan, exact, recalls, settle, slices, top_products

from sightword.methods.vectors import unit

dice = np.random.default_rng(5)
ROWS = unit(dice.standard_normal((900, 16)))
QUERIES = unit(dice.standard_normal((11, 16)))
ALONE = [[int(dice.integers(900))] for _ in QUERIES]
SORTED = np.argsort(-(QUERIES.astype(np.float64) @ ROWS.T.astype(np.float64)), axis=1)


@pytest.mark.parametrize("step", [1, 7, 64, 900])
def test_top_products_in_any_blocks(step: int) -> None:
    blocks = ((part.start, ROWS[part]) for part in slices(len(ROWS), step))
    assert top_products(blocks, QUERIES, 20).tolist() == SORTED[:, :20].tolist()


def test_top_products_of_fewer_rows_than_wanted() -> None:
    found = top_products([(0, ROWS[:3]), (3, ROWS[3:5])], QUERIES, 8)
    assert (found[:, 5:] == -1).all()
    assert all(sorted(some) == [0, 1, 2, 3, 4] for some in found[:, :5].tolist())


def test_exact_leaves_the_references_out_and_agrees_with_the_index() -> None:
    references = [[int(row[0]), int(row[4])] for row in SORTED]
    truth = exact(ROWS, QUERIES, references, 10)
    for query, found, wanted, out in zip(QUERIES, truth.positions, SORTED, references):
        assert found.tolist() == [row for row in wanted.tolist() if row not in out][:42]
        assert truth.scores[0, 0] <= 1.0 and query.shape == (16,)
    check_against_scan(ROWS, QUERIES, references, truth, 10)
    with pytest.raises(AssertionError, match="the scan of the index"):
        check_against_scan(ROWS, QUERIES, [[]] * 11, truth, 10)


def test_settle_keeps_the_engines_order_or_sorts_anew() -> None:
    candidates = SORTED[:, [7, 0, 3, 900 - 1, 1]].copy()
    candidates[:, 3] = -1
    references = [[int(row[0])] for row in SORTED]
    kept, scores = settle(ROWS, QUERIES, candidates, references, 3)
    assert kept.tolist() == [[row[7], row[3], -1] for row in SORTED.tolist()]
    assert np.isneginf(scores[:, 2]).all()
    kept, scores = settle(ROWS, QUERIES, candidates, references, 2, again=2)
    assert kept.tolist() == [[row[1], row[3]] for row in SORTED.tolist()]
    np.testing.assert_allclose(scores[:, 0], np.einsum("qd,qd->q", ROWS[kept[:, 0]], QUERIES), atol=1e-6)


def test_rescoring_looks_at_k_and_so_many_more_and_no_further() -> None:
    worst_first = SORTED[:, :12][:, ::-1]
    kept, _ = settle(ROWS, QUERIES, worst_first, ALONE, 2, again=3)
    for row, wanted, out in zip(kept.tolist(), SORTED.tolist(), ALONE):
        seen = [at for at in wanted[:12][::-1] if at not in out][:5]
        assert row == [at for at in wanted if at in seen][:2]


def test_recall_counts_and_lets_ties_pass() -> None:
    truth = Truth(np.zeros((1, 42), np.int64), np.linspace(0.9, 0.4, 42)[None])
    kth = truth.scores[0, 3]
    scores = np.array([[0.95, kth - TIE / 2, kth - 3 * TIE, -np.inf]])
    assert recalls(scores, truth, 4).tolist() == [0.5]
