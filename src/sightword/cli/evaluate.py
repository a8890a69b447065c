"""``sightword evaluate BENCHMARK``: how well do methods answer, by the benchmark's own protocol?"""

from __future__ import annotations

import json as json_module
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sightword.cli.options import CONTEXT, backbone_option, json_option

if TYPE_CHECKING:
    from sightword.evaluation.report import Report

__all__ = ["evaluate_command"]


@click.command("evaluate", context_settings=CONTEXT, short_help="Score methods on a benchmark.")
@click.argument("benchmark", type=click.Choice(["styleshift"]))
@click.option(
    "--data",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder of the benchmark's data.",
)
@backbone_option()
@click.option(
    "--method",
    "methods",  # not the setting `method`, which says how `search` asks
    metavar="NAME[,NAME...]",
    help="Methods, weights such as weighted:0.3, and the ceiling `caption`. [default: all]",
)
@click.option(
    "--split",
    type=click.Choice(["test", "validation", "train"]),
    default="test",
    show_default=True,
    help="Choose methods on validation, report on test.",
)
@click.option(
    "--limit", type=click.IntRange(min=1), help="Only so many queries of each aspect: a quick look."
)
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Write results.json and results.md there."
)
@json_option()
def evaluate_command(
    benchmark: str,
    data: Path,
    backbone: str,
    methods: str | None,
    split: str,
    limit: int | None,
    out: Path | None,
    json: bool,
) -> None:
    """Score methods on BENCHMARK with its exact protocol, as Markdown tables with 95 % intervals.

    Features of the pictures are kept in your cache, by content and backbone.
    """
    from dataclasses import replace

    from sightword.backbones import load_backbone
    from sightword.cli.output import plain, print_json
    from sightword.cli.progress import Bar
    from sightword.evaluation.styleshift import evaluate

    names = [name.strip() for name in (methods or "").split(",") if name.strip()]
    with Bar() as bar:
        report = evaluate(
            load_backbone(backbone), data, names or None, split=split, limit=limit, progress=bar
        )
    report = replace(report, command=shlex.join(["sightword", *sys.argv[1:]]))
    if out is not None:
        _write(report, out)
        click.echo(f"Wrote {plain(out / 'results.json')} and results.md.", err=True)
    if json:
        print_json(report.as_json())
    else:
        click.echo(report.markdown())


def _write(report: Report, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    text = json_module.dumps(report.as_json(), ensure_ascii=False, indent=1)
    (out / "results.json").write_text(f"{text}\n", encoding="utf-8")
    (out / "results.md").write_text(f"{report.markdown()}\n", encoding="utf-8")
