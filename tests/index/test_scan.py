"""The scan is exact: blocks, precision and ties cannot change an answer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from samples import unit

from sightword.index.bf16 import from_bfloat16, to_bfloat16
from sightword.index.scan import as_float32, best, rescore, score_rows


def unit_rows(rows: int, dim: int, seed: int = 0) -> NDArray[np.float32]:
    """Random unit vectors, float32 [rows, dim]."""
    made = np.random.default_rng(seed).standard_normal((rows, dim)).astype(np.float32)
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=50))
def test_bfloat16_is_the_nearest_and_survives_a_round_trip(values: list[float]) -> None:
    array = np.array(values, np.float32)
    halves = to_bfloat16(array)
    back = from_bfloat16(halves)
    assert np.array_equal(to_bfloat16(back[np.isfinite(back)]), halves[np.isfinite(back)])
    normal = np.isfinite(back) & (np.abs(array) > 1e-37)
    assert np.all(np.abs(back - array)[normal] <= np.abs(array[normal]) * 2.0**-8)


def test_bfloat16_rounds_ties_to_even() -> None:
    bits = np.array([0x3F808000, 0x3F818000, 0x3F808001, 0xBF808000], np.uint32)
    assert to_bfloat16(bits.view(np.float32)).tolist() == [0x3F80, 0x3F82, 0x3F81, 0xBF80]


@pytest.mark.parametrize("dim", [24, 33, 384])
@pytest.mark.parametrize("rows", [1, 341, 5000])
def test_both_precisions_score_every_row(rows: int, dim: int) -> None:
    matrix, query = unit_rows(rows, dim), unit_rows(1, dim, seed=1)[0]
    for stored in (matrix, to_bfloat16(matrix)):
        exact = as_float32(stored).astype(np.float64) @ query.astype(np.float64)
        scores = np.empty(rows, np.float32)
        score_rows(stored, query, scores)
        assert np.abs(scores - exact).max() < 1e-6
        assert np.abs(rescore(stored, query) - exact).max() <= 5.0001e-7


def test_scores_do_not_depend_on_blocks() -> None:
    matrix, query = unit_rows(3000, 100), unit_rows(1, 100, seed=1)[0]
    for stored in (matrix, to_bfloat16(matrix)):
        whole, parts = np.empty(3000, np.float32), np.empty(3000, np.float32)
        score_rows(stored, query, whole)
        for start in range(0, 3000, 700):
            score_rows(stored[start : start + 700], query, parts[start : start + 700])
        assert np.array_equal(whole, parts)
        assert np.array_equal(rescore(stored, query)[5:9], rescore(stored[5:9], query))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from([0.1, 0.2, 0.2 + 3e-7, 0.3, -np.inf]), max_size=120),
    st.integers(1, 60),
)
def test_nothing_that_may_belong_to_the_best_is_lost(values: list[float], k: int) -> None:
    scores = np.array(values, np.float32)
    found = set(best(scores, k, 8).tolist())
    finite = np.flatnonzero(np.isfinite(scores))
    assert found <= set(finite.tolist())
    if len(finite):
        kth = np.sort(scores[finite])[::-1][min(k, len(finite)) - 1]
        assert {at for at in finite.tolist() if scores[at] >= kth - 1e-6} <= found
        assert len(found) >= min(k + 32, len(finite))


def test_float32_rounding_cannot_hide_the_best() -> None:
    # Hundreds of rows whose cosines differ by less than float32 can tell.
    query = unit(np.ones(64, np.float32))
    rng = np.random.default_rng(3)
    matrix = np.stack([unit(query + 1e-4 * rng.standard_normal(64).astype(np.float32)) for _ in range(600)])
    exact = rescore(matrix, query)
    scores = np.empty(600, np.float32)
    score_rows(matrix, query, scores)
    found = best(scores, 5, 64)
    assert sorted(exact[found])[-5:] == sorted(exact)[-5:]
    assert np.count_nonzero(exact == exact.max()) == np.count_nonzero(exact[found] == exact.max())
