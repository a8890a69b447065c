"""A report as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sightword.evaluation.report import MethodScores, Report

__all__ = ["tables"]

MAIN = "mAP@10"
HITS = ("R@1", "R@5", "R@10")


def tables(report: Report) -> str:
    """The main metric with intervals, hit rates, and shares where there are any."""
    answered = [task for task, numbers in report.tasks.items() if MAIN in report.metrics(numbers)]
    shared = [task for task in report.tasks if task not in answered]
    loaded = report.loaded
    counts = ", ".join(f"{task} {len(report.tasks[task]):,}" for task in report.tasks if task != "overall")
    lines = [
        f"{report.benchmark}, {loaded.split}: {len(loaded.queries):,} queries ({counts}), "
        f"{len(loaded.pictures):,} pictures; backbone {report.backbone.get('name', '')} "
        f"{report.backbone.get('weights_hash', '')[:12]}",
    ]
    if answered:
        lines += ["", f"{MAIN} (95 % interval)", ""]
        lines += _table(report, answered, lambda scores, task: _with_interval(report, scores, task, MAIN))
        lines += ["", " / ".join(HITS), ""]
        lines += _table(report, answered, lambda scores, task: _hits(report, scores, task))
    if against := report.comparisons(MAIN):
        lines += ["", f"{MAIN} minus that of average (95 % interval; p of a paired sign-flip test)", ""]
        lines += [f"| method | {' | '.join(answered)} |", f"|---{'|---' * len(answered)}|"]
        for name, found in against.items():
            lines.append(f"| {name} | {' | '.join(_difference(found[task]) for task in answered)} |")
    for task in shared:
        metrics = report.metrics(report.tasks[task])
        short = [metric.partition(": ")[2] or metric for metric in metrics]
        lines += ["", f"{task}: share of the first ten that agrees with ...", ""]
        lines += _rows(
            report,
            short,
            lambda scores: [_plain(report, scores, task, metric) for metric in metrics],  # noqa: B023
        )
    return "\n".join(lines)


def _difference(found: Mapping[str, Any]) -> str:
    low, high = found["interval"]
    p = found["p"]
    told = "p < .001" if p < 0.001 else f"p = {_short(round(p, 3))}"
    return f"{found['difference']:+.3f} ({low:+.3f} to {high:+.3f}; {told})"


def _table(report: Report, tasks: Sequence[str], cell) -> list[str]:  # type: ignore[no-untyped-def]
    return _rows(report, tasks, lambda scores: [cell(scores, task) for task in tasks])


def _rows(report: Report, heads: Sequence[str], cells) -> list[str]:  # type: ignore[no-untyped-def]
    lines = [f"| method | {' | '.join(heads)} |", f"|---{'|---' * len(heads)}|"]
    for name, scores in {**report.methods, "chance": report.chance}.items():
        lines.append(f"| {name} | {' | '.join(cells(scores))} |")
    return lines


def _with_interval(report: Report, scores: MethodScores, task: str, metric: str) -> str:
    mean = _plain(report, scores, task, metric)
    if scores is report.chance:
        return mean
    low, high = report.interval(scores, report.tasks[task], metric)
    return f"{mean} ({_short(low)}–{_short(high)})"


def _hits(report: Report, scores: MethodScores, task: str) -> str:
    return " / ".join(_plain(report, scores, task, metric) for metric in HITS)


def _plain(report: Report, scores: MethodScores, task: str, metric: str) -> str:
    mean = report.mean(scores, report.tasks[task], metric)
    return "–" if mean is None else _short(mean)


def _short(value: float) -> str:
    """Three digits after the point, four for what would vanish."""
    text = f"{value:.4f}" if 0 < value < 0.01 else f"{value:.3f}"
    return text.lstrip("0") if 0 < value < 1 else text
