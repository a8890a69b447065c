"""Learners, tables and the plot of ``data_efficiency.py``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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

__all__ = ["LEARNERS", "Budget", "Learner", "plot", "table"]


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


def table(methods: dict[str, Any], against: Sequence[str]) -> str:
    """Markdown: mAP@10 by task, and overall differences."""
    tasks = list(next(iter(methods.values())))
    heads = ["method, triplets", *tasks, *(f"overall minus `{base}`" for base in against)]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for name, found in methods.items():
        cells = [f"{_short(found[task]['mean'])} ({_range(found[task]['interval'])})" for task in tasks]
        for base in against:
            minus = found["overall"].get(f"minus {base}")
            cells.append(f"{minus['difference']:+.3f} ({_range(minus['interval'], '+')})" if minus else "–")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def plot(methods: dict[str, Any], against: Sequence[str], path: Path) -> None:
    """Overall mAP@10 over the number of triplets, with intervals; zero-shot methods are level lines."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4.5))
    curves: dict[str, list[tuple[int, float, float, float]]] = {}
    for name, found in methods.items():
        mean, (low, high) = found["overall"]["mean"], found["overall"]["interval"]
        if name in against:
            line = axes.axhline(mean, linestyle="--", label=f"{name} (0 triplets)",
                                color="0.4" if name == "average" else "black")  # fmt: skip
            axes.axhspan(low, high, alpha=0.08, color=line.get_color())
        else:
            method, _, size = name.partition(", ")
            curves.setdefault(method, []).append((int(size.replace(",", "")), mean, low, high))
    for number, (method, points) in enumerate(curves.items()):
        sizes, means, lows, highs = (np.array(column) for column in zip(*sorted(points)))
        axes.errorbar(
            sizes * 1.06 ** (number - 1),
            means,
            [means - lows, highs - means],
            marker="o",
            capsize=3,
            label=method,
        )
    axes.set_xscale("log")
    axes.set_xlabel("triplets")
    axes.set_ylabel("overall mAP@10")
    axes.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def _short(value: float) -> str:
    return f"{value:.3f}".lstrip("0")


def _range(ends: Sequence[float], sign: str = "") -> str:
    return " to ".join(f"{end:{sign}.3f}" if sign else _short(end) for end in ends)
