"""The tail gives back what was appended, however it lies in blocks."""

from __future__ import annotations

import numpy as np
import pytest

from sightword.index import tail as module
from sightword.index.scan import score_rows
from sightword.index.tail import Tail

DIM = 6


@pytest.mark.parametrize("dtype", ["<f4", "<u2"])
@pytest.mark.parametrize("largest", [1, 4, 16])
def test_blocks_are_not_seen(monkeypatch: pytest.MonkeyPatch, dtype: str, largest: int) -> None:
    monkeypatch.setattr(module, "_FIRST_ROWS", 2)
    monkeypatch.setattr(module, "_BLOCK_BYTES", largest * DIM * np.dtype(dtype).itemsize)
    random = np.random.default_rng(0)
    every = random.standard_normal((40, DIM)).astype("<f4")
    every = every if dtype == "<f4" else (every.view(np.uint32) >> 16).astype("<u2")
    query = random.standard_normal(DIM).astype(np.float32)
    scores = np.empty(40, np.float32)
    score_rows(every, query, scores)
    tail, done, first_block = Tail(DIM, np.dtype(dtype)), 0, None
    for count in (1, 2, 5, 0, 9, 1, 22):
        tail.append(np.arange(10 + done, 10 + done + count), every[done : done + count])
        done += count
        first_block = tail.blocks[0] if first_block is None else first_block
        assert len(tail) == done
        assert np.array_equal(tail.ids, np.arange(10, 10 + done))
        at = random.permutation(done)
        assert np.array_equal(tail.rows(at), every[at])
        for first in (0, done // 2, done):
            out = np.full(done - first, np.nan, np.float32)
            tail.score(query, first, out)
            assert np.array_equal(out, scores[first:done])
    assert tail.blocks[0] is first_block
    assert max(len(block) for block in tail.blocks) <= max(2, largest)
    assert len(tail.rows(np.zeros(0, np.intp))) == 0
