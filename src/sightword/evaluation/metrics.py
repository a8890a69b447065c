"""Metrics of one query, as pure functions on ranked ids; ``mean`` and intervals over queries.

``ranked`` lists ids from best to worst, without duplicates. Ties are broken before a ranking is made
(by gallery order), never here.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike

__all__ = [
    "average_precision_at_k",
    "bootstrap_interval",
    "recall_at_k",
    "recall_subset_at_k",
]


def _top(ranked: Sequence[Hashable], k: int) -> Sequence[Hashable]:
    top = ranked[:k]
    if len(set(top)) != len(top):
        raise ValueError(f"The ranking lists an id twice within its first {k}.")
    return top


def recall_at_k(ranked: Sequence[Hashable], truths: Collection[Hashable], k: int) -> float:
    """1.0 when any right answer is among the first k, else 0.0 (the field's R@K, a hit rate).

    Raises
    ------
    ValueError
        An id is listed twice within the first k, or there is no right answer.
    """
    if not truths:
        raise ValueError("A query without any right answer has no recall.")
    wanted = set(truths)
    return float(any(item in wanted for item in _top(ranked, k)))


def average_precision_at_k(ranked: Sequence[Hashable], truths: Collection[Hashable], k: int) -> float:
    """Average precision at k with many right answers, divided by min(#truths, k) (CIRCO, methods.md 3.3).

    AP@K = sum over i <= K of rel_i * (hits up to i) / i, divided by min(#truths, K).

    Raises
    ------
    ValueError
        An id is listed twice within the first k, or there is no right answer.

    Examples
    --------
    >>> average_precision_at_k(["a", "x", "b"], {"a", "b"}, 3)
    0.8333333333333333
    """
    wanted = set(truths)
    if not wanted:
        raise ValueError("A query without any right answer has no average precision.")
    hits, total = 0, 0.0
    for position, item in enumerate(_top(ranked, k), start=1):
        if item in wanted:
            hits += 1
            total += hits / position
    return total / min(len(wanted), k)


def recall_subset_at_k(
    ranked: Sequence[Hashable], subset: Collection[Hashable], target: Hashable, k: int
) -> float:
    """1.0 when the target is among the first k of a group of candidates (CIRR's R_subset@K).

    Parameters
    ----------
    ranked : sequence
        A ranking that contains every member of `subset`; others are passed over.
    subset : collection
        The group without the reference image.

    Raises
    ------
    ValueError
        The target is not in the group.
    """
    members = set(subset)
    if target not in members:
        raise ValueError(f"The target {target!r} is not in its own group.")
    return float(target in [item for item in ranked if item in members][:k])


def bootstrap_interval(
    values: ArrayLike, *, level: float = 0.95, rounds: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean over queries.

    Parameters
    ----------
    values : array of float, shape [Q]
        One score a query.
    level : float
        Coverage, such as 0.95.

    Returns
    -------
    tuple of float
        Lower and upper end.
    """
    scores = np.asarray(values, dtype=np.float64)
    if scores.ndim != 1 or scores.size == 0:
        raise ValueError("An interval needs a list of at least one score.")
    draws = np.random.default_rng(seed).integers(0, scores.size, (rounds, scores.size))
    means = scores[draws].mean(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
