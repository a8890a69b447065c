"""How well held-out triplets find their targets."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sightword.methods.vectors import unit
from sightword.training.measure import wilson
from sightword.training.supply import Supply
from sightword.training.triplet_features import TripletFeatures

__all__ = ["average_recall", "held_out_recall", "summary"]

Ids = NDArray[np.int64]
CHUNK = 64
"""Queries that are measured at a time: ARTEMIS keeps queries x targets x D numbers."""


def held_out_recall(network: Any, supply: Supply, rows: Ids) -> dict[str, Any]:
    """Recall of the targets of held-out triplets among all pictures of these triplets.

    The reference and further right answers of a triplet are taken out of its ranking; a tie counts half, so
    that a network without an opinion is not flattered.

    Returns
    -------
    dict
        ``recall_at_1``, ``_5``, ``_10`` and ``_50``, ``recall_at_10_interval`` (95 %), ``triplets``,
        ``gallery``.
    """
    data = supply.data
    gallery = np.unique(np.concatenate([data.reference[rows], data.target[rows]]))
    place = np.full(len(data.pictures), -1)
    place[gallery] = np.arange(len(gallery))
    targets = supply.targets(gallery)
    ranks = []
    with torch.no_grad():
        for start in range(0, len(rows), CHUNK):
            block = rows[start : start + CHUNK]
            scores = network.scores(supply.batch(data.asked[block]), targets).double().cpu().numpy()
            ranks.append(_ranks(scores, data, block, place))
    return _recalls(np.concatenate(ranks), len(gallery))


def _ranks(scores: NDArray[np.float64], data: TripletFeatures, rows: Ids, place: Ids) -> NDArray[np.float64]:
    line = np.arange(len(rows))
    own = scores[line, place[data.target[rows]]].copy()
    for column in (data.reference[rows], *data.also[rows].T):
        there = (column >= 0) & (place[column] >= 0)
        scores[line[there], place[column[there]]] = -np.inf
    scores[line, place[data.target[rows]]] = -np.inf
    found: NDArray[np.float64] = (scores > own[:, None]).sum(axis=1) + 0.5 * (scores == own[:, None]).sum(
        axis=1
    )
    return found


def _recalls(ranks: NDArray[np.float64], gallery: int) -> dict[str, Any]:
    found = {f"recall_at_{k}": round(float((ranks < k).mean()), 5) for k in (1, 5, 10, 50)}
    interval = [round(end, 5) for end in wilson(int((ranks < 10).sum()), len(ranks))]
    return {**found, "recall_at_10_interval": interval, "triplets": len(ranks), "gallery": gallery}


def summary(recalls: dict[str, Any]) -> float:
    """What weights are chosen by: the mean of R@1, R@5 and R@10."""
    return float(np.mean([recalls[f"recall_at_{k}"] for k in (1, 5, 10)]))


def average_recall(data: TripletFeatures, rows: Ids) -> dict[str, Any]:
    """The same measurement for norm(v + t), which nobody had to train."""
    gallery = np.unique(np.concatenate([data.reference[rows], data.target[rows]]))
    place = np.full(len(data.pictures), -1)
    place[gallery] = np.arange(len(gallery))
    asks = data.asked[rows]
    query = unit(unit(data.pictures[data.ask_reference[asks]]) + unit(data.text[data.ask_text[asks]]))
    scores = np.asarray(query @ unit(data.pictures[gallery]).T, np.float64)
    return _recalls(_ranks(scores, data, rows, place), len(gallery))
