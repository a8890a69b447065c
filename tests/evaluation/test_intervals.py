"""Bootstrap intervals and paired tests: hand cases, naive loops, seeds."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from sightword.evaluation.intervals import bootstrap_interval, compare, sign_flip_test


def test_sign_flip_by_hand() -> None:
    # Of the 8 sign patterns of 3 equal differences only +++ and --- reach a sum of 3.
    assert sign_flip_test([1.0, 1.0, 1.0]) == 2 / 8
    # 1 - 1 + 2 = 2: by hand over all patterns.
    sums = [abs(a - b + 2 * c) for a, b, c in product((1, -1), repeat=3)]
    assert sign_flip_test([1.0, -1.0, 2.0]) == sum(value >= 2 for value in sums) / 8
    assert sign_flip_test([0.0, 0.0]) == 1.0


def test_sign_flip_with_groups_flips_whole_groups() -> None:
    differences, groups = [0.5, 0.5, 1.0, 0.25, 0.75], ["a", "a", "b", "c", "c"]
    assert sign_flip_test(differences, groups=groups) == sign_flip_test([1.0, 1.0, 1.0])
    assert sign_flip_test(differences) == 2 / 2**5


def test_many_groups_are_sampled_and_agree_with_all_patterns() -> None:
    differences = np.random.default_rng(3).normal(0.35, 1, 12)
    exact = sign_flip_test(differences)
    # A thirteenth difference of nothing changes no sum, and makes the test sample.
    sampled = sign_flip_test([*differences, 0.0], rounds=20_000)
    assert sampled == pytest.approx(exact, abs=0.02)
    assert sampled == sign_flip_test([*differences, 0.0], rounds=20_000)
    assert sampled != sign_flip_test([*differences, 0.0], rounds=20_000, seed=1)


def test_under_no_difference_p_is_uniform() -> None:
    dice = np.random.default_rng(4)
    small = np.mean([sign_flip_test(dice.normal(size=30), rounds=400) < 0.1 for _ in range(300)])
    assert 0.05 < small < 0.16


def test_bootstrap_equals_a_naive_loop() -> None:
    values = np.random.default_rng(5).random(17)
    means = [np.mean([values[i] for i in row]) for row in np.random.default_rng(9).integers(0, 17, (500, 17))]
    expected = np.quantile(means, [0.05, 0.95])
    assert bootstrap_interval(values, level=0.9, rounds=500, seed=9) == pytest.approx(tuple(expected))


def test_bootstrap_of_groups_equals_a_naive_loop() -> None:
    values, groups = np.arange(6.0), ["x", "y", "x", "z", "z", "z"]
    members = [[0.0, 2.0], [1.0], [3.0, 4.0, 5.0]]
    means = []
    for row in np.random.default_rng(0).integers(0, 3, (400, 3)):
        drawn = [value for group in row for value in members[group]]
        means.append(sum(drawn) / len(drawn))
    expected = tuple(np.quantile(means, [0.025, 0.975]))
    assert bootstrap_interval(values, rounds=400, groups=groups) == pytest.approx(expected)


def test_groups_widen_an_interval_of_copies() -> None:
    values = np.repeat(np.random.default_rng(6).random(20), 10)
    groups = np.repeat(np.arange(20), 10).tolist()
    low, high = bootstrap_interval(values)
    wide_low, wide_high = bootstrap_interval(values, groups=groups)
    assert wide_high - wide_low > 2 * (high - low)
    once = bootstrap_interval(values[::10])
    assert (wide_low, wide_high) == pytest.approx(once)


def test_the_interval_covers_the_mean_as_often_as_it_says() -> None:
    dice = np.random.default_rng(7)
    inside = 0
    for _ in range(200):
        low, high = bootstrap_interval(dice.random(60), level=0.9, rounds=300)
        inside += low <= 0.5 <= high
    assert 0.82 < inside / 200 < 0.96


def test_compare_is_paired() -> None:
    one = np.random.default_rng(8).random(100)
    result = compare(one + 0.01, one)
    assert result.difference == pytest.approx(0.01)
    assert result.interval == pytest.approx((0.01, 0.01))
    assert result.p < 0.001
    weighted = compare([1.0, 0.0], [0.0, 0.0], weights=[3.0, 1.0])
    assert weighted.difference == 0.75


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="paired"):
        compare([1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="differ in number"):
        bootstrap_interval([1.0, 2.0], groups=["a"])
    with pytest.raises(ValueError, match="at least one"):
        sign_flip_test([])
