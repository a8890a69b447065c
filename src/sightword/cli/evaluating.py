"""What ``evaluate`` does besides scoring: compare results, check files for servers."""

from __future__ import annotations

import json as json_module
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sightword.cli.output import plain, print_json
from sightword.errors import ModelUnavailable, SightwordError, UsageError

if TYPE_CHECKING:
    from sightword.evaluation.compare import Results

__all__ = ["check", "compare_runs"]

SPLITS = {"circo": "test", "recall": "test1", "recall_subset": "test1"}


def compare_runs(paths: Sequence[Path], out: Path | None, json: bool) -> None:
    """Means of all runs, and paired tests of the others against the first where they share a benchmark."""
    from sightword.evaluation.compare import compare_results, markdown, read_results

    if len(paths) < 2:
        raise UsageError("Comparing needs two results or more.", "sightword evaluate --compare DIR DIR")
    results = [read_results(path) for path in paths]
    comparisons = [
        item
        for other in results[1:]
        if other.what == results[0].what
        for item in compare_results(results[0], other)
    ]
    page = markdown(results, comparisons)
    document = {
        "results": [
            {"path": str(r.path), "benchmark": r.what, "metric": r.main,
             "overall": {name: r.overall(name) for name in r.methods}, "left out": r.lost,
             "index": r.index or None,
             "best": {name: {"way": b[0], "mean": b[1], "worst": b[2]} for name, b in r.best.items()}}
            for r in results
        ],
        "comparisons": [item.as_json() for item in comparisons],
    }  # fmt: skip
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "comparison.json").write_text(json_module.dumps(document, indent=1) + "\n", encoding="utf-8")
        (out / "comparison.md").write_text(f"{page}\n", encoding="utf-8")
        _draw(results, out)
    if json:
        print_json(document)
    else:
        click.echo("\n".join(plain(line) for line in page.split("\n")))


def _draw(results: Sequence[Results], out: Path) -> None:
    from sightword.evaluation.compare import best_bars
    from sightword.evaluation.plots import draw_bars

    heads = [f"{result.path.name}\n{result.what}\n{result.main}" for result in results]
    values = {
        name: [math.nan if mean is None else mean for mean in means]  # no bar for what was not measured
        for name, means in best_bars(results).items()
    }
    try:
        lost = "; ".join(f"{r.path.name}: {item}" for r in results for item in r.lost)
        draw_bars(values, heads, "overall", out / "comparison.png", lost)
    except ModelUnavailable as error:
        click.echo(f"No plot: {plain(str(error))}", err=True)


def check(path: Path, what: Sequence[str], data: Path | None, json: bool) -> None:
    """Check a submission; all problems are told at once.

    Raises
    ------
    SightwordError
        The server would not take it.
    """
    from sightword.evaluation.circo import CIRCO
    from sightword.evaluation.cirr import CIRR
    from sightword.evaluation.submissions import check_submission

    found = check_submission(path)
    name = "circo" if found.kind == "circo" else "cirr"
    if what and what[0] != name:
        raise UsageError(f"{path} is a file for {name}, not for {what[0]}.")
    if data is not None:
        benchmark = CIRCO() if name == "circo" else CIRR()
        found = check_submission(path, benchmark.read(data, SPLITS.get(found.kind, "test1")))
    if json:
        print_json(
            {
                "kind": found.kind,
                "queries": found.queries,
                "problems": found.problems,
                "against": found.against,
            }
        )
    if found.problems:
        raise SightwordError(
            f"{path} has {len(found.problems)} problem{'s' * (len(found.problems) > 1)}: "
            f"{'; '.join(found.problems)}.",
            "Write it again: sightword evaluate ... --out DIR",
        )
    if not json:
        told = f"{name}, {found.kind}, {found.queries:,} queries; nothing wrong"
        click.echo(f"{plain(path)}: {told}, against {plain(found.against)}.")
