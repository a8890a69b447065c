"""How sure a mean is: bootstrap intervals, and paired tests between two methods on the same queries.

Queries of one concept are not independent. With `groups`, whole groups are drawn (bootstrap) or change their
sign (test), not single queries.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Comparison", "bootstrap_interval", "compare", "sign_flip_test"]

EXACT = 12
"""Up to so many groups all sign patterns are tried."""

DRAWN = 8_000_000
"""So many numbers are drawn at a time."""


def bootstrap_interval(
    values: ArrayLike,
    *,
    level: float = 0.95,
    rounds: int = 2000,
    seed: int = 0,
    groups: Sequence[Hashable] | None = None,
    weights: ArrayLike | None = None,
) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean over queries.

    Parameters
    ----------
    values : array of float, shape [Q]
        One score a query.
    level : float
        Coverage, such as 0.95.
    rounds : int
        Resamples.
    seed : int
    groups : sequence, length Q, optional
        Which queries belong together; whole groups are resampled.
    weights : array of float, shape [Q], optional
        For a weighted mean.

    Returns
    -------
    tuple of float
        Lower and upper end.

    Raises
    ------
    ValueError
        There is no score, or the lengths differ.
    """
    scores = np.asarray(values, dtype=np.float64)
    if scores.ndim != 1 or scores.size == 0:
        raise ValueError("An interval needs a list of at least one score.")
    sums, masses = _gathered(scores, groups, weights)
    dice, parts = np.random.default_rng(seed), []
    for count in _portions(rounds, sums.size):
        draws = dice.integers(0, sums.size, (count, sums.size))
        parts.append(sums[draws].sum(axis=1) / masses[draws].sum(axis=1))
    means = np.concatenate(parts)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def sign_flip_test(
    differences: ArrayLike,
    *,
    groups: Sequence[Hashable] | None = None,
    weights: ArrayLike | None = None,
    rounds: int = 10_000,
    seed: int = 0,
) -> float:
    """Two-sided paired permutation test: how often would random signs give so large a sum?

    Under the hypothesis that two methods are alike, each group's difference could as well have had the other
    sign. With up to 12 groups all patterns are tried, else `rounds` random ones (and the one observed).

    Parameters
    ----------
    differences : array of float, shape [Q]
        Score of one method minus that of the other, query by query.
    groups, weights, rounds, seed
        As in `bootstrap_interval`.

    Returns
    -------
    float
        p, in (0, 1].
    """
    scores = np.asarray(differences, dtype=np.float64)
    if scores.ndim != 1 or scores.size == 0:
        raise ValueError("A test needs a list of at least one difference.")
    sums, _ = _gathered(scores, groups, weights)
    observed = abs(sums.sum())
    slack = 1e-9 * np.abs(sums).sum()  # equal sums must count as equal, whatever the order of adding
    if sums.size <= EXACT:
        signs = np.array(list(product((-1.0, 1.0), repeat=sums.size)))
        return float((np.abs(signs @ sums) >= observed - slack).mean())
    dice = np.random.default_rng(seed)
    as_large = 0
    for count in _portions(rounds, sums.size):
        signs = dice.integers(0, 2, (count, sums.size), dtype=np.int8) * 2.0 - 1.0
        as_large += int((np.abs(signs @ sums) >= observed - slack).sum())
    return float((1 + as_large) / (1 + rounds))


def _portions(rounds: int, size: int) -> Iterator[int]:
    """Rounds in portions that keep memory small; a few hundred groups are drawn at once."""
    most = max(1, DRAWN // size)
    while rounds > 0:
        yield min(most, rounds)
        rounds -= most


@dataclass(frozen=True)
class Comparison:
    """One method against another on the same queries.

    Attributes
    ----------
    difference : float
        Mean of the first minus mean of the second.
    interval : tuple of float
        Paired bootstrap interval of the difference, 95 %.
    p : float
        Of the sign-flip test.
    """

    difference: float
    interval: tuple[float, float]
    p: float


def compare(
    one: ArrayLike,
    other: ArrayLike,
    *,
    groups: Sequence[Hashable] | None = None,
    weights: ArrayLike | None = None,
    seed: int = 0,
) -> Comparison:
    """Paired comparison of two methods' scores on the same queries, in the same order.

    Raises
    ------
    ValueError
        The numbers of scores differ.
    """
    first, second = np.asarray(one, np.float64), np.asarray(other, np.float64)
    if first.shape != second.shape:
        raise ValueError(f"{first.size} scores cannot be paired with {second.size}.")
    differences = first - second
    return Comparison(
        float(np.average(differences, weights=None if weights is None else np.asarray(weights))),
        bootstrap_interval(differences, groups=groups, weights=weights, seed=seed),
        sign_flip_test(differences, groups=groups, weights=weights, seed=seed),
    )


def _gathered(
    scores: NDArray[np.float64], groups: Sequence[Hashable] | None, weights: ArrayLike | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weighted sum of scores, and sum of weights, of each group."""
    mass = np.ones(scores.size) if weights is None else np.asarray(weights, dtype=np.float64)
    if mass.shape != scores.shape or (groups is not None and len(groups) != scores.size):
        raise ValueError("Scores, groups and weights differ in number.")
    if groups is None:
        return scores * mass, mass
    number: dict[Hashable, int] = {}
    place = np.array([number.setdefault(group, len(number)) for group in groups])
    sums = np.bincount(place, scores * mass).astype(np.float64)
    return sums, np.bincount(place, mass).astype(np.float64)
