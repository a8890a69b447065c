"""Learners of ``data_efficiency.py``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sightword.evaluation.memory import Remembering
from sightword.methods.catalog import load_method
from sightword.training.artemis import ArtemisLearner
from sightword.training.cirplant import CirplantLearner
from sightword.training.combiner import CombinerLearner
from sightword.training.triplet_features import TripletFeatures, triplet_features
from sightword.training.triplets import Triplets
from sightword.training.tuned import TunedLearner, base_of, parts_of

__all__ = ["LEARNERS", "Budget", "Learner"]


@dataclass(frozen=True)
class Budget:
    """What a run of one size may take."""

    steps: int
    batch: int
    draws: int


@dataclass
class Learner:
    """One method in the curve.

    Attributes
    ----------
    backbone : Backbone
    network : callable
        From a seed to a fresh network.
    settings : dict
        Learning rate and weight decay.
    loss : {"softmax", "triplet"}
    extra : dict
        For `triplet_features`.
    """

    backbone: Any
    network: Callable[[int], Any]
    settings: dict[str, float]
    loss: Literal["softmax", "triplet"] = "softmax"
    extra: dict[str, Any] | None = None

    def features(self, triplets: Triplets, cache: Path) -> TripletFeatures:
        """Everything that this method needs, from the cache where it is there."""
        needs = self.network(0).needs
        return triplet_features(triplets, self.backbone, needs=needs, home=cache, **(self.extra or {}))

    def part(self, data: TripletFeatures, rows: NDArray[np.int64]) -> TripletFeatures:
        """Only some triplets; pictures and words stay, they are only looked up."""
        _, group = np.unique(data.group[rows], return_inverse=True)
        chosen = {
            name: getattr(data, name)[rows]
            for name in ("reference", "target", "starts", "counts", "asked", "also")
        }
        return replace(data, **chosen, group=group, kept=np.arange(len(rows)))


def _combiner(backbone: Any, base: str) -> Learner:
    """A quarter of the paper's widths: 10,000 triplets on one core."""
    spec = backbone.spec
    return Learner(
        backbone,
        lambda seed: CombinerLearner(
            spec, inner=spec.dim, hidden=2 * spec.dim, scale=spec.logit_scale, seed=seed
        ),
        {"lr": 3e-4, "weight_decay": 0.0},
    )


def _cirplant(backbone: Any, base: str) -> Learner:
    return Learner(
        backbone,
        lambda seed: CirplantLearner(
            backbone.spec, width=64, layers=2, heads=4, longest=24, dropout=0.1, seed=seed
        ),
        {"lr": 2e-3, "weight_decay": 0.05},
        loss="softmax",
        extra={"longest": 24},
    )


def _tuned(backbone: Any, base: str) -> Learner:
    start = base_of(load_method(base, backbone=backbone), base)
    return Learner(
        backbone,
        lambda seed: TunedLearner(backbone.spec, start, hidden=256, seed=seed),
        {"lr": 3e-4, "weight_decay": 0.05},
        extra={"parts": parts_of(start, Remembering(backbone)), "parts_key": base},
    )


def _artemis(backbone: Any, base: str) -> Learner:
    return Learner(
        backbone,
        lambda seed: ArtemisLearner(backbone.spec, seed=seed),
        {"lr": 3e-4, "weight_decay": 0.05},
    )


LEARNERS: dict[str, Callable[[Any, str], Learner]] = {
    "combiner": _combiner,
    "cirplant": _cirplant,
    "tuned": _tuned,
    "artemis": _artemis,
}
