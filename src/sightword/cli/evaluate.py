"""``sightword evaluate BENCHMARK``: how well do methods answer, by the benchmark's own protocol?"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sightword.cli.options import CONTEXT, IndexType, backbone_option, json_option
from sightword.cli.ranges import IntRange
from sightword.errors import UsageError

if TYPE_CHECKING:
    from sightword.backbones.base import Backbone
    from sightword.evaluation.report import Report
    from sightword.index.milvus.address import Address

__all__ = ["evaluate_command"]

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command("evaluate", context_settings=CONTEXT, short_help="Score methods on a benchmark.")
@click.argument("what", metavar="BENCHMARK", nargs=-1)
@click.option("--data", type=_FOLDER, help="The folder of the benchmark's data.")
@backbone_option()
@click.option(
    "--method",
    "methods",  # not the setting `method`, which says how `search` asks
    metavar="NAME[,NAME...]",
    help="Methods, weights such as weighted:0.3, and the ceiling `caption`. [default: all]",
)
@click.option("--split", help="Which half. [default: the one that is usually reported]")
@click.option(
    "--prompt",
    "prompts",  # not the setting `prompt`, for the same reason
    multiple=True,
    metavar="PRESET[,PRESET...]",
    help="searle, pic2word, clip4cir, rules, or a template with {*} and {text}; several are asked apart.",
)
@click.option(
    "--sweep",
    metavar="OPTION=FROM:TO:STEP",
    help="Try values of an option, such as weight=0:1:.1 or beta=.7,.8.",
)
@click.option(
    "--preprocess",
    type=click.Choice(["clip", "targetpad"]),
    default="clip",
    show_default=True,
    help="How pictures are prepared; SEARLE and CLIP4Cir pad long ones.",
)
@click.option(
    "--gallery",
    type=click.Choice(["original", "val-only"]),
    default="original",
    show_default=True,
    help="FashionIQ: the whole split, or only pictures that queries use (easier).",
)
@click.option(
    "--index",
    "gallery_index",  # not the setting `index`, which is the index of a folder
    metavar="PATH",
    type=IndexType(),
    help="Have an index hold and rank the gallery: a directory, or milvus://HOST/COLLECTION. Made and filled "
    "where need be. [default: ranked exactly, without one]",
)
@click.option("--parity", is_flag=True, help='GeneCIS: ask for objects with "0", as published numbers did.')
@click.option("--allow-missing", is_flag=True, help="Leave missing or unreadable pictures out and say so.")
@click.option("--limit", type=IntRange(min=1), help="Only so many queries of each aspect: a quick look.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write results, every query's ranks, plots, a page with pictures, and files for servers there.",
)
@click.option(
    "--compare", is_flag=True, help="Compare what --out wrote: evaluate --compare DIR DIR [DIR...]."
)
@click.option(
    "--check-submission",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Check a file for the server of CIRR or CIRCO, whoever wrote it; with --data, against the split.",
)
@json_option()
def evaluate_command(
    what: tuple[str, ...],
    data: Path | None,
    backbone: str,
    methods: str | None,
    split: str | None,
    prompts: tuple[str, ...],
    sweep: str | None,
    preprocess: str,
    gallery: str,
    gallery_index: Path | Address | None,
    parity: bool,
    allow_missing: bool,
    limit: int | None,
    out: Path | None,
    compare: bool,
    check_submission: Path | None,
    json: bool,
) -> None:
    """Score methods on BENCHMARK with its exact protocol, as Markdown tables with 95 % intervals.

    BENCHMARK is fashioniq, cirr, circo, genecis, imagenet-r, coco-compose or styleshift. Features of the
    pictures are kept in your cache, by content and backbone; an interrupted run goes on where it stopped.
    """
    from sightword.cli.evaluating import check, compare_runs
    from sightword.cli.output import plain, print_json

    if compare:
        compare_runs([Path(name) for name in what], out, json)
        return
    if check_submission is not None:
        check(check_submission, what, data, json)
        return
    if len(what) != 1 or data is None:
        missing = "which benchmark" if len(what) != 1 else f"where the data of {what[0]} are (--data DIR)"
        name = what[0] if len(what) == 1 else "cirr"
        raise UsageError(f"Say {missing}.", f"For instance: sightword evaluate {name} --data DIR")

    from sightword.backbones import load_backbone
    from sightword.cli.progress import Bar
    from sightword.evaluation.asking import split_prompts
    from sightword.evaluation.catalog import benchmark_named
    from sightword.evaluation.run import run, some
    from sightword.evaluation.variants import parse_sweep

    benchmark = benchmark_named(what[0], allow_missing=allow_missing, gallery=gallery, parity=parity)
    steps = parse_sweep(sweep) if sweep else None
    names = [name.strip() for name in (methods or "").split(",") if name.strip()]
    loaded = some(benchmark.load(data, split or benchmark.splits[0]), limit)
    for lost in loaded.lost:
        click.echo(f"Not the whole benchmark: {plain(lost)}.", err=True)
    encoder = load_backbone(backbone)
    with Bar("items") as bar:  # pictures, then queries
        report = run(
            benchmark,
            loaded,
            encoder,
            names or None,
            prompts=split_prompts(prompts),
            sweep=steps,
            preprocess=preprocess,
            index=gallery_index,
            progress=bar,
            command=shlex.join(["sightword", *sys.argv[1:]]),
        )
    for lost in report.loaded.lost:
        if lost not in loaded.lost:  # seen only when the pictures were read
            click.echo(f"Not the whole benchmark: {plain(lost)}.", err=True)
    if out is not None:
        _write(report, out, encoder)
    if json:
        print_json(report.as_json())
    else:
        click.echo(plain_lines(report.markdown()))


def plain_lines(text: str) -> str:
    """Lines without control characters."""
    from sightword.cli.output import plain

    return "\n".join(plain(line) for line in text.split("\n"))


def _write(report: Report, out: Path, backbone: Backbone) -> None:
    from sightword.cli.output import plain
    from sightword.evaluation.costs import training_costs
    from sightword.evaluation.output import write_out

    written = write_out(
        report,
        out,
        costs=training_costs(report.variants, backbone),
        warn=lambda text: click.echo(plain(text), err=True),
    )
    click.echo(f"Wrote to {plain(out)}: {', '.join(written)}.", err=True)
