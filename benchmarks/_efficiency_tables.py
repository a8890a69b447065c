"""The table and the plot of ``data_efficiency.py``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["plot", "table"]


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
