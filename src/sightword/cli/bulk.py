"""``sightword index SOURCE --engine ray --to ...``: any source, into any target, on more than one machine."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from sightword.cli.ranges import FloatRange, IntRange

if TYPE_CHECKING:
    from sightword.scale import BulkReport

__all__ = ["bulk_options", "is_bulk", "run_bulk"]

F = TypeVar("F", bound=Callable[..., Any])

STOPPING = "Stopping; what is finished is kept. Ctrl-C again quits at once."

_OPTIONS = (
    click.option(
        "--to",
        metavar="TARGET",
        help="Where the features go: a folder's index, milvus://HOST/COLLECTION, or DIR.parquet "
        "(parquet:DIR). [default: the index of FOLDER]",
    ),
    click.option(
        "--engine",
        type=click.Choice(["local", "ray"]),
        default="local",
        show_default=True,
        help="What reads and encodes: this process, or a Ray cluster (extra [ray]).",
    ),
    click.option(
        "--address",
        metavar="HOST:PORT",
        help="The Ray cluster, or `auto`. [default: one on this machine, for the time being]",
    ),
    click.option("--gpus", type=FloatRange(0), help="Graphics cards of one encoder. [default: 1 with cuda]"),
    click.option("--device", help="torch backbones: cuda, mps or cpu."),
    click.option("--batch", type=IntRange(1), help="Pictures encoded at once."),
    click.option(
        "--root",
        type=click.Path(file_okay=False, path_type=Path),
        help="What paths in lists and tables are relative to, and names in the index.",
    ),
    click.option("--column", metavar="NAME", help="Parquet: the column of pictures, or of their paths."),
    click.option("--name-column", metavar="NAME", help="Parquet: the column of names."),
    click.option(
        "--work",
        type=click.Path(file_okay=False, path_type=Path),
        help="Parquet into an index: keep finished features here, for the next run.",
    ),
    click.option("--dashboard", is_flag=True, help="Show Ray's dashboard (needs ray[default])."),
)

_OWN = ("address", "gpus", "device", "batch", "root", "column", "name_column", "work", "dashboard")


def bulk_options(function: F) -> F:
    """The options of bulk work."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def is_bulk(source: Path | str, options: dict[str, Any]) -> bool:
    """Whether this goes beyond keeping one folder's index on this machine.

    Raises
    ------
    UsageError
        Options of bulk work without bulk work.
    """
    from sightword.errors import UsageError

    if options["engine"] != "local" or options["to"] is not None:
        return True
    if isinstance(source, str) or source.suffix == ".parquet":
        return True
    told = click.get_current_context().get_parameter_source  # the environment may mean another command
    for name in _OWN:
        if told(name) is ParameterSource.COMMANDLINE:
            raise UsageError(f"--{name.replace('_', '-')} goes with --engine ray or --to.")
    return False


def run_bulk(
    source: Path | str,
    *,
    index: str | os.PathLike[str] | None,
    backbone: str,
    prune: bool,
    json: bool,
    options: dict[str, Any],
) -> None:
    """Do the work, with progress, and say what was done."""
    from sightword.cli.bring import say
    from sightword.cli.output import print_json
    from sightword.cli.progress import Bar, Interruptible
    from sightword.cli.streams import own_streams
    from sightword.scale import EngineChoice, bulk_index

    choice = EngineChoice(
        options["engine"],
        address=options["address"],
        device=options["device"],
        cards=options["gpus"],
        batch=options["batch"],
        dashboard=options["dashboard"],
    )
    guard = own_streams() if choice.name == "ray" else nullcontext()
    with guard, Interruptible(STOPPING) as stop, Bar() as bar:
        report = bulk_index(
            os.fspath(source),
            options["to"],
            backbone=backbone,
            choice=choice,
            index=index,
            root=options["root"],
            column=options["column"],
            name_column=options["name_column"],
            work=options["work"],
            prune=prune,
            progress=bar,
            stop=stop.event,
            told=bar.note,
        )
    target = options["to"] or os.fspath(source)
    for line in report_lines(report, target, index):
        say(line)
    if json:
        print_json(_facts(report))
    else:
        where = "in the index" if options["to"] is None else f"in {options['to']}"
        click.echo(f"{report.pictures:,} pictures {where}.")


def report_lines(
    report: BulkReport, target: str, index: str | os.PathLike[str] | None = None
) -> Iterator[str]:
    """What was done, as sentences.

    Parameters
    ----------
    report : BulkReport
    target : str
        How the person called what was written to.
    index : path, optional
        Where the index of a folder was said to be.
    """
    from sightword.cli import bring
    from sightword.pictures.names import display
    from sightword.scale.bulk import PARQUET, is_features

    place = shlex.join([target] if index is None else [target, "--index", os.fspath(index)])
    if report.update is not None:
        yield from bring.report_lines(report.update, place, links=False)
    else:
        rate = f" ({report.encoded / report.seconds:,.0f}/s)" if report.encoded and report.seconds else ""
        if report.added:
            made = "new" if report.encoded else "brought in, none encoded again"
            yield f"Pictures: {report.added:,} {made} in {report.seconds:.1f} s{rate}."
        if report.failed:
            listed = os.path.join(target.removeprefix(PARQUET), "failures")  # noqa: PTH118 - as it was typed
            why = listed if is_features(target) else f"`sightword info {place}`"
            yield f"{_files(report.failed)} could not be read; {why} says why."
    if report.already:
        yield f"{_files(report.already)} needed nothing."
    if report.left_out:
        yield f"{_files(report.left_out)} left out: not there under that name, or another picture by now."
    for problem in report.problems[: bring.MOST_PROBLEMS]:
        yield f"{display(problem.path)}: {problem.reason}"
    if (more := len(report.problems) - bring.MOST_PROBLEMS) > 0:
        yield f"... and {more:,} more like these."
    if report.interrupted:
        yield "Stopped; the next run goes on from here."


def _facts(report: BulkReport) -> dict[str, Any]:
    facts = asdict(report)
    for name in ("update", "problems"):
        facts.pop(name)
    return {**facts, "not_looked_at": len(report.problems)}


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count:,} files"
