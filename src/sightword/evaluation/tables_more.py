"""What stands around the main tables: sizes, sweeps, slices, and published numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sightword.evaluation.published import published_rows

if TYPE_CHECKING:
    from sightword.evaluation.benchmark import Loaded
    from sightword.evaluation.report import Report

__all__ = [
    "best_of_sweep", "published_lines", "ranked_by", "short", "size_lines", "slice_lines", "sweep_lines",
]  # fmt: skip

MOST_PARTS = 12


def short(value: float) -> str:
    """Three digits after the point, four for what would vanish."""
    text = f"{value:.4f}" if 0 < value < 0.01 else f"{value:.3f}"
    return text.lstrip("0") if 0 < value < 1 else text


def size_lines(loaded: Loaded) -> list[str]:
    """Counts beside the published ones, and what was left out."""
    lines = []
    if loaded.sizes:
        told = []
        for size in loaded.sizes:
            beside = "no published count" if size.published is None else f"published {size.published:,}"
            told.append(f"{size.what} {size.found:,} ({beside})")
        lines.append(f"Sizes: {'; '.join(told)}.")
    return [*lines, *(f"**Not the whole benchmark: {lost}.**" for lost in loaded.lost)]


def ranked_by(index: Mapping[str, Any]) -> str:
    """The index that ranked (`sightword.evaluation.held`), as a sentence."""
    told = [str(index["engine"]), str(index["vector index"])]
    for how in ("built with", "searched with"):
        if index.get(how):
            told.append(f"{how} {' '.join(f'{name}={value}' for name, value in index[how].items())}")
    return f"Ranked by the index {index['location']}: {', '.join(told)}."


def sweep_lines(report: Report) -> list[str]:
    """The best value of each sweep, and how much the main metric moves."""
    best = best_of_sweep(report)
    if not best:
        return []
    lines = [
        "",
        f"Sweep: {report.main}, overall",
        "",
        "| method | best value | there | lowest | highest |",
        "|---|---|---|---|---|",
    ]
    for name, points in best.items():
        value, top = max(points, key=lambda point: point[1])
        low = min(score for _, score in points)
        lines.append(f"| {name} | {value:g} | {short(top)} | {short(low)} | {short(top)} |")
    return lines


def best_of_sweep(report: Report) -> dict[str, list[tuple[float, float]]]:
    """(value, main metric) of every swept method and prompt, in the order of the values."""
    found: dict[str, list[tuple[float, float]]] = {}
    prompts = {told["prompt"] for told in report.variants.values()}
    numbers = report.tasks.get("overall", [])
    for label, told in report.variants.items():
        mean = report.mean(report.methods[label], numbers, report.main) if numbers else None
        if told["swept"] is not None and mean is not None:
            name = f"{told['method']} [{told['prompt']}]" if len(prompts) > 1 else str(told["method"])
            found.setdefault(name, []).append((float(told["swept"]), mean))
    return {name: sorted(points) for name, points in found.items()}


def slice_lines(report: Report) -> list[str]:
    """The metric of each slice; long lists of aspects only in the JSON."""
    lines = []
    for kind, parts in report.slices.items():
        if len(parts) > MOST_PARTS:
            continue
        metric = report.metric_of(kind)
        shown = {
            f"{name} ({len(numbers):,})": numbers
            for name, numbers in parts.items()
            if report.mean(report.chance, numbers, metric) is not None
        }
        if not shown:
            continue
        lines += ["", f"{metric} {kind}", "", f"| method | {' | '.join(shown)} |"]
        lines.append(f"|---{'|---' * len(shown)}|")
        for label, scores in {**report.methods, "chance": report.chance}.items():
            means = [report.mean(scores, numbers, metric) for numbers in shown.values()]
            cells = ["–" if mean is None else short(mean) for mean in means]
            lines.append(f"| {label} | {' | '.join(cells)} |")
    return lines


def published_lines(report: Report) -> list[str]:
    """This run and the published numbers in one table, in per cent."""
    rows = published_rows(report.benchmark, report.loaded.split)
    if not rows:
        return []
    heads = list(dict.fromkeys(key for row in rows for key in row.metrics))
    lines = [
        "",
        f"Beside published numbers (per cent{rows[0].note and '; ' + rows[0].note})",
        "",
        f"| backbone | method | {' | '.join(heads)} | source |",
        f"|---|---{'|---' * len(heads)}|---|",
    ]
    backbone = report.backbone.get("name", "")
    for label, scores in report.methods.items():
        cells = []
        for head in heads:
            task, _, metric = head.rpartition(" ")
            mean = report.mean(scores, report.tasks.get(task or "overall", []), metric)
            cells.append("–" if mean is None else f"{100 * mean:.2f}")
        lines.append(f"| {backbone} | **{label}** | {' | '.join(cells)} | this run |")
    for row in rows:
        cells = [row.metrics.get(head, "–") for head in heads]
        lines.append(f"| {row.backbone} | {row.method} | {' | '.join(cells)} | {row.source} |")
    return lines
