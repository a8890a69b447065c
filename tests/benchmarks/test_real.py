"""Queries and rows of the quantisation benchmark, with made-up pictures."""

from __future__ import annotations

import numpy as np
from _real import Gallery, grown

from sightword.methods.vectors import unit

dice = np.random.default_rng(1)
GALLERY = Gallery(unit(dice.standard_normal((6, 8))), ["a", "b", "a", "c", "c", "c"], {}, {})


def test_grown_keeps_the_real_rows_and_moves_copies_as_pictures_differ() -> None:
    rows = grown(GALLERY, 400, seed=4)
    np.testing.assert_array_equal(rows[:6], GALLERY.rows)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-6)
    real = GALLERY.rows.astype(np.float64)
    pairs = [(0, 2), (3, 4), (4, 5)]
    for row in rows[6:60].astype(np.float64):
        fits = []
        for base in real:
            for one, other in pairs:
                # row = unit(base + s (a - b)): base + s (a - b) - t row = 0 has a solution with t > 0.
                parts = np.stack([real[one] - real[other], -row], axis=1)
                (share, length), *_ = np.linalg.lstsq(parts, -base, rcond=None)
                left = np.abs(base + share * (real[one] - real[other]) - length * row).max()
                fits.append(left < 1e-5 and 0.25 - 1e-5 <= abs(share) <= 0.75 + 1e-5 and length > 0)
        assert any(fits)
    np.testing.assert_array_equal(grown(GALLERY, 400, seed=4), rows)


def test_grown_to_fewer_takes_the_first() -> None:
    np.testing.assert_array_equal(grown(GALLERY, 4), GALLERY.rows[:4])
