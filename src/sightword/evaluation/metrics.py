"""Metrics of one query, as pure functions on ranked ids, or on the ranks of the right answers.

``ranked`` lists ids from best to worst, without duplicates. Ties are broken before a ranking is made
(by gallery order), never here.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from sightword.evaluation.intervals import bootstrap_interval

__all__ = [
    "average_precision_at_k",
    "average_precision_of_ranks",
    "bootstrap_interval",
    "precision_at_k",
    "recall_at_k",
    "recall_of_ranks",
    "recall_subset_at_k",
    "share_at_k",
    "true_recall_at_k",
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


def average_precision_of_ranks(ranks: ArrayLike, k: int | None = None) -> float:
    """`average_precision_at_k` from the places of all right answers.

    Parameters
    ----------
    ranks : array of int, shape [M]
        Places from 1, all different; M >= 1.
    k : int, optional
        None looks at the whole ranking.

    Examples
    --------
    >>> average_precision_of_ranks([1, 3], 3)
    0.8333333333333333
    """
    places = np.sort(np.asarray(ranks, dtype=np.int64))
    if places.size == 0:
        raise ValueError("A query without any right answer has no average precision.")
    hits = np.arange(1, places.size + 1)
    if k is None:
        return float((hits / places).mean())
    seen = places <= k
    return float((hits[seen] / places[seen]).sum() / min(places.size, k))


def recall_of_ranks(ranks: ArrayLike, k: int) -> float:
    """`recall_at_k` from the places of the right answers.

    Examples
    --------
    >>> recall_of_ranks([7, 3], 5)
    1.0
    """
    places = np.asarray(ranks)
    if places.size == 0:
        raise ValueError("A query without any right answer has no recall.")
    return float(places.min() <= k)


def share_at_k(ranked: Sequence[Hashable], wanted: Collection[Hashable], k: int) -> float:
    """How much of the first k belongs to a set; divided by k.

    Examples
    --------
    >>> share_at_k(["a", "x", "b", "y"], {"a", "b", "z"}, 4)
    0.5
    """
    members = set(wanted)
    return sum(item in members for item in _top(ranked, k)) / k


def precision_at_k(ranked: Sequence[Hashable], truths: Collection[Hashable], k: int) -> float:
    """Right answers among the first k, divided by k; 0.0 when nothing is right."""
    return share_at_k(ranked, truths, k)


def true_recall_at_k(ranked: Sequence[Hashable], truths: Collection[Hashable], k: int) -> float:
    """Right answers among the first k, divided by all right answers (ImageNet-R's R@K, methods.md 3.5).

    0.0 when nothing is right, as in the published code, which divides by their number plus 0.00001.

    Examples
    --------
    >>> true_recall_at_k(["a", "x", "b", "y"], {"a", "b", "c", "d"}, 2)
    0.25
    """
    wanted = set(truths)
    if not wanted:
        return 0.0
    return sum(item in wanted for item in _top(ranked, k)) / len(wanted)
