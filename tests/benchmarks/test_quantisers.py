"""Short numbers: every codec against the plainest arithmetic, and its scan against its own decoding."""

from __future__ import annotations

import numpy as np
import pytest
from _quantisers import BFloat16, Codec, Float16, Float32, Int8, Int8Both

from sightword.methods.vectors import unit

dice = np.random.default_rng(3)
ROWS = unit(dice.standard_normal((1300, 24)) * np.linspace(0.2, 2, 24) + 0.3)
QUERIES = unit(dice.standard_normal((7, 24)))
ALL = [Float32, Float16, BFloat16, Int8, Int8Both]


@pytest.mark.parametrize("kind", ALL)
def test_scan_equals_products_with_what_is_decoded(kind: type[Codec]) -> None:
    codec = kind(ROWS)
    whole = np.concatenate([rows for _, rows in codec.blocks()])
    assert [start for start, _ in codec.blocks()] == list(range(0, len(ROWS), 8192))
    for query in QUERIES:
        wanted = whole.astype(np.float64) @ codec.see(query[None])[0].astype(np.float64)
        np.testing.assert_allclose(codec.scores(query), wanted, atol=2e-6)


@pytest.mark.parametrize(("kind", "size"), [(Float32, 4), (Float16, 2), (BFloat16, 2), (Int8, 1)])
def test_bytes(kind: type[Codec], size: int) -> None:
    assert kind(ROWS).nbytes == ROWS.size * size


def test_halves_by_hand() -> None:
    for row, bits in zip(ROWS[:4].ravel(), BFloat16(ROWS).codes[:4].ravel()):
        near = np.array([int(bits) << 16], np.uint32).view(np.float32)[0]
        assert abs(near - row) <= abs(row) * 2.0**-8
    np.testing.assert_array_equal(Float16(ROWS).codes[:4], ROWS[:4].astype("e"))


def test_int8_by_hand() -> None:
    codec = Int8(ROWS)
    for dim in (0, 11, 23):
        low, high = min(ROWS[:, dim]), max(ROWS[:, dim])
        for value, code in zip(ROWS[:50, dim], codec.codes[:50, dim]):
            assert code == round(255 * float(value - low) / float(high - low))
    step = codec.step.max()
    assert np.abs(codec.decode(codec.codes) - ROWS).max() <= step / 2 * 1.001
    assert codec.codes.min(axis=0).tolist() == [0] * 24 and codec.codes.max(axis=0).tolist() == [255] * 24


def test_a_dimension_that_never_changes() -> None:
    rows = ROWS.copy()
    rows[:, 5] = 0.25
    codec = Int8(rows)
    np.testing.assert_allclose(codec.decode(codec.codes)[:, 5], 0.25, atol=1e-6)


def test_queries_beyond_the_grid_are_cut() -> None:
    codec = Int8Both(ROWS)
    inside = (codec.low + 255 * codec.step / 2)[None].astype(np.float32)
    beyond = inside.copy()
    beyond[0, :6] += 9.0
    assert codec.cut(inside).tolist() == [0.0] and codec.cut(beyond).tolist() == [0.25]
    np.testing.assert_allclose(codec.see(beyond)[0, :6], ROWS[:, :6].max(axis=0), atol=1e-6)
    np.testing.assert_allclose(codec.see(inside), inside, atol=float(codec.step.max()))
