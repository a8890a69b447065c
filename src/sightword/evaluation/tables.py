"""A report as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sightword.evaluation.tables_more import (
    published_lines,
    ranked_by,
    short,
    size_lines,
    slice_lines,
    sweep_lines,
)

if TYPE_CHECKING:
    from sightword.evaluation.report import MethodScores, Report

__all__ = ["tables"]


def tables(report: Report) -> str:
    """The main metric with intervals, the others, and shares where there are any; sizes, slices, sweeps."""
    main, hits = report.main, [metric for metric in report.shown if metric != report.main]
    answered = [task for task, numbers in report.tasks.items() if main in report.metrics(numbers)]
    shared = [t for t in report.tasks if t not in answered and report.metrics(report.tasks[t])]
    if len(answered) == 2 and not shared:
        answered = [task for task in answered if task != "overall"]
    loaded = report.loaded
    counts = ", ".join(f"{task} {len(report.tasks[task]):,}" for task in report.tasks if task != "overall")
    lines = [
        f"{report.benchmark}, {loaded.split}: {len(loaded.queries):,} queries ({counts}), "
        f"{len(loaded.pictures):,} pictures; backbone {report.backbone.get('name', '')} "
        f"{report.backbone.get('weights_hash', '')[:12]}",
        *size_lines(loaded),
        *([ranked_by(report.index)] if report.index else []),
    ]
    if report.truncated:
        lines.append(
            f"{report.truncated:,} prompts are longer than the text tower reads; their ends are ignored."
        )
    if answered:
        lines += ["", f"{main} (95 % interval)", ""]
        lines += _table(report, answered, lambda scores, task: _with_interval(report, scores, task, main))
        lines += ["", " / ".join(hits), ""]
        lines += _table(report, answered, lambda scores, task: _joined(report, scores, task, hits))
    else:
        lines += ["", "The right answers of this split are not public; --out writes files for the server."]
    if against := report.compared:
        lines += [
            "",
            f"{main} minus that of {report.baseline} (95 % interval; p of a paired sign-flip test)",
            "",
        ]
        lines += [f"| method | {' | '.join(answered)} |", f"|---{'|---' * len(answered)}|"]
        for name, found in against.items():
            lines.append(f"| {name} | {' | '.join(_difference(found[task]) for task in answered)} |")
    for task in shared:
        metrics = report.metrics(report.tasks[task])
        heads = [metric.partition(": ")[2] or metric for metric in metrics]
        lines += ["", f"{task}: share of the first ten that agrees with ...", ""]
        lines += _rows(
            report,
            heads,
            lambda scores: [_plain(report, scores, task, metric) for metric in metrics],  # noqa: B023
        )
    return "\n".join([*lines, *sweep_lines(report), *slice_lines(report), *published_lines(report)])


def _difference(found: Mapping[str, Any]) -> str:
    low, high = found["interval"]
    p = found["p"]
    told = "p < .001" if p < 0.001 else f"p = {short(round(p, 3))}"
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
    return f"{mean} ({short(low)}–{short(high)})"


def _joined(report: Report, scores: MethodScores, task: str, metrics: Sequence[str]) -> str:
    return " / ".join(_plain(report, scores, task, metric) for metric in metrics)


def _plain(report: Report, scores: MethodScores, task: str, metric: str) -> str:
    mean = report.mean(scores, report.tasks[task], metric)
    return "–" if mean is None else short(mean)
