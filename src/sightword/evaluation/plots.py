"""Pictures of a report, with matplotlib: recall curves, methods x tasks, aspects, sweeps, cost."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sightword.evaluation.costs import Cost
from sightword.evaluation.details import need
from sightword.evaluation.report import Report
from sightword.evaluation.tables_more import best_of_sweep

__all__ = ["best_of_each", "draw_bars", "draw_report", "recall_curve"]

DEEPEST = 50
MOST_ASPECTS = 20


def draw_report(report: Report, folder: Path, costs: Mapping[str, Cost] | None = None) -> list[Path]:
    """Draw what there is to draw and return the files.

    Parameters
    ----------
    report : Report
    folder : Path
        Exists.
    costs : dict of str to Cost, optional
        Minutes of training by method.

    Raises
    ------
    ModelUnavailable
        matplotlib is not installed.
    """
    need("matplotlib")
    written = []
    lost = "; ".join(report.loaded.lost)
    lead = report.leading()
    methods = {name: scores for name, scores in lead.methods.items() if any(scores.places)}
    if methods:
        ks = np.arange(1, DEEPEST + 1)
        curves = {name: recall_curve(scores.places, DEEPEST) for name, scores in methods.items()}
        lines = {name: (ks, values) for name, values in curves.items()}
        title = f"{report.benchmark}, {report.loaded.split}: a right answer among the first k"
        written.append(_lines(lines, title, "k", "share of queries", folder / "recall.png", lost, log=True))
    tasks = [t for t, numbers in report.tasks.items() if report.main in report.metrics(numbers)]
    if tasks:
        named = {**lead.methods, "chance": report.chance}
        values = {
            name: [report.mean(scores, report.tasks[task], report.main) or 0.0 for task in tasks]
            for name, scores in named.items()
        }
        written.append(draw_bars(values, tasks, report.main, folder / "tasks.png", lost))
    for number, (kind, parts) in enumerate(report.slices.items()):
        metric = report.metric_of(kind)
        names = [n for n, part in parts.items() if report.mean(report.chance, part, metric) is not None]
        if 1 < len(names) <= MOST_ASPECTS:
            values = {
                label: [report.mean(scores, parts[name], metric) or 0.0 for name in names]
                for label, scores in lead.methods.items()
            }
            path = folder / f"slice-{number + 1}.png"
            written.append(draw_bars(values, names, f"{metric} {kind}", path, lost))
    if swept := best_of_sweep(report):
        lines = {
            name: (np.array([v for v, _ in p]), np.array([s for _, s in p])) for name, p in swept.items()
        }
        title = f"{report.main}, overall"
        written.append(_lines(lines, title, "value", report.main, folder / "sweep.png", lost))
    if costs and tasks:
        written.append(_costs(report, costs, folder / "cost.png"))
    return written


def recall_curve(places: Sequence[int], deepest: int) -> np.ndarray:
    """Share of queries whose best right answer is among the first k, for k = 1 ... deepest.

    Queries without any right answer (place 0) count as never found.

    Examples
    --------
    >>> recall_curve([1, 3, 0, 2], 3).tolist()
    [0.25, 0.5, 0.75]
    """
    found = np.asarray(places)
    return np.array([((found > 0) & (found <= k)).mean() for k in range(1, deepest + 1)])


def draw_bars(
    values: Mapping[str, Sequence[float]], heads: Sequence[str], title: str, path: Path, lost: str = ""
) -> Path:
    """Groups of bars, one colour a method; `lost` is what the benchmark lacks, told below."""
    figure, axes = _figure(max(6.4, 0.35 * len(values) * len(heads)))
    width = 0.8 / max(len(values), 1)
    for number, (name, heights) in enumerate(values.items()):
        axes.bar(np.arange(len(heads)) + number * width, heights, width, label=_brief(name))
    axes.set_xticks(np.arange(len(heads)) + 0.4 - width / 2)
    long = len(heads) > 4 or max(len(line) for head in heads for line in head.split("\n")) > 14
    axes.set_xticklabels(heads, rotation=20 if long else 0, ha="right" if long else "center")
    axes.set_title(title)
    axes.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))
    return _save(figure, path, lost)


def _lines(
    lines: Mapping[str, tuple[Any, Any]],
    title: str,
    across: str,
    up: str,
    path: Path,
    lost: str,
    log: bool = False,
) -> Path:
    figure, axes = _figure(6.4)
    for name, (x, y) in lines.items():
        axes.plot(x, y, marker="" if log else "o", label=_brief(name))
    if log:
        axes.set_xscale("log")
    axes.set(title=title, xlabel=across, ylabel=up)
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))
    return _save(figure, path, lost)


def _costs(report: Report, costs: Mapping[str, Cost], path: Path) -> Path:
    figure, axes = _figure(6.4)
    numbers = report.tasks["overall"]
    means = {name: report.mean(report.methods[name], numbers, report.main) or 0.0 for name in costs}
    methods = {name: str(report.variants.get(name, {}).get("method", name)) for name in costs}
    for name in best_of_each(means, methods):
        at = (costs[name].minutes, means[name])
        axes.scatter(*at)
        axes.annotate(_brief(name), at, textcoords="offset points", xytext=(4, 4))
    axes.margins(x=0.25)
    axes.set(xlabel="minutes of training, as training.json tells", ylabel=f"{report.main}, overall")
    axes.set_title("Cost of training and score")
    return _save(figure, path, "; ".join(report.loaded.lost))


def best_of_each(means: Mapping[str, float], methods: Mapping[str, str]) -> list[str]:
    """The label of each method's best way, in the order of the methods."""
    best: dict[str, str] = {}
    for label, mean in means.items():
        before = best.setdefault(methods[label], label)
        if mean > means[before]:
            best[methods[label]] = label
    return list(best.values())


def _brief(name: str) -> str:
    """The end of a path: whole ones leave a picture no room."""
    return re.sub(r"\S*/", "", name)


def _figure(width: float) -> tuple[Any, Any]:
    # The object-oriented way: pyplot would look for a screen and keep figures alive.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.add_subplot()


def _save(figure: Any, path: Path, lost: str) -> Path:
    told = f"Not the whole benchmark: {lost}." if lost else ""
    if told:
        figure.supxlabel("\n".join(textwrap.wrap(told, 110)), fontsize="x-small")
    figure.savefig(path, dpi=110, metadata={"Description": told} if told else None)
    return path
