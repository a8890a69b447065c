"""What a random ranking scores, by formula (hypergeometric)."""

from __future__ import annotations

from math import comb

__all__ = ["average_precision_by_chance", "chance_levels", "recall_by_chance"]


def recall_by_chance(size: int, right: int, k: int) -> float:
    """Probability that at least one of the right answers is among the first k of a random order.

    Parameters
    ----------
    size : int
        How many pictures are ranked.
    right : int
        How many of them are right.
    k : int

    Examples
    --------
    >>> recall_by_chance(10, 1, 1)
    0.1
    """
    _check(size, right)
    k = min(k, size)
    return 1 - comb(size - right, k) / comb(size, k)


def average_precision_by_chance(size: int, right: int, k: int) -> float:
    """Expected average precision at k of a random order, divided by min(right, k) as in `metrics`.

    Position i is right with probability m / N; given that, each earlier one is with (m - 1) / (N - 1).
    """
    _check(size, right)
    k = min(k, size)
    earlier = (right - 1) / (size - 1) if size > 1 else 0.0
    total = sum((1 + (i - 1) * earlier) / i for i in range(1, k + 1))
    return right / size * total / min(right, k)


def chance_levels(size: int, right: int) -> dict[str, float]:
    """Chance levels of the reported metrics for one query."""
    return {
        "mAP": average_precision_by_chance(size, right, size),
        "mAP@10": average_precision_by_chance(size, right, 10),
        **{f"R@{k}": recall_by_chance(size, right, k) for k in (1, 5, 10)},
    }


def _check(size: int, right: int) -> None:
    if not 0 < right <= size:
        raise ValueError(f"{right} right answers cannot be among {size} pictures.")
