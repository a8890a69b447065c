"""Faiss as the benchmark uses it: what a flat engine decodes is what it searches."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("faiss", reason="faiss is not installed (extra bench)")

from _engines import HNSW, IVF, PQ, ScalarInt8
from _nearest import exact, recalls, settle, top_products
from _quantisers import Int8

from sightword.methods.vectors import unit

pytestmark = pytest.mark.slow

dice = np.random.default_rng(2)
ROWS = unit(dice.standard_normal((6000, 32)) @ dice.standard_normal((32, 32)))
QUERIES = unit(dice.standard_normal((40, 32)))
NONE: list[list[int]] = [[]] * 40


class PQ8(PQ):
    groups = 8


@pytest.mark.parametrize("kind", [ScalarInt8, PQ8])
def test_what_a_flat_engine_decodes_is_what_it_searches(kind: type[PQ] | type[ScalarInt8]) -> None:
    engine = kind(ROWS)
    searched = engine.search(QUERIES, 10)
    decoded = top_products(engine.blocks(), QUERIES, 10)
    same = [len(set(one) & set(other)) for one, other in zip(searched.tolist(), decoded.tolist())]
    assert np.mean(same) > 9.9


def test_faiss_int8_is_our_int8() -> None:
    theirs, ours = ScalarInt8(ROWS), Int8(ROWS)
    rows = np.concatenate([block for _, block in theirs.blocks()])
    assert np.abs(rows - ours.decode(ours.codes)).max() <= float(ours.step.max()) * 1.01
    assert theirs.nbytes < ours.nbytes * 1.02


@pytest.mark.parametrize("kind", [IVF, HNSW])
def test_more_looking_finds_more_and_all_finds_all(kind: type[IVF] | type[HNSW]) -> None:
    engine, truth = kind(ROWS), exact(ROWS, QUERIES, NONE, 10)
    found = []
    for value in (engine.settings[0], engine.settings[-1]):
        engine.use(value)
        _, scores = settle(ROWS, QUERIES, engine.search(QUERIES, 10), NONE, 10)
        found.append(recalls(scores, truth, 10).mean())
    assert found[0] < found[1] and found[1] > 0.99
    assert engine.nbytes > ROWS.nbytes
