"""``sightword index``: read a folder's pictures ahead of time, or keep watching it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sightword.cli.bulk import bulk_options, is_bulk, run_bulk
from sightword.cli.options import CONTEXT, backbone_option, index_option, json_option, source_argument

if TYPE_CHECKING:
    from sightword.search import Engine
    from sightword.update import UpdateReport

__all__ = ["index_command"]

STOPPING = "Stopping; what was read is kept. Ctrl-C again quits at once."


@click.command("index", context_settings=CONTEXT, short_help="Read a folder's pictures ahead of time.")
@source_argument()
@click.option("--watch", is_flag=True, help="Stay and follow changes until Ctrl-C.")
@click.option(
    "--prune", is_flag=True, help="Believe it when more than 30 % of the pictures vanished at once."
)
@index_option()
@backbone_option()
@bulk_options
@json_option()
def index_command(
    source: Path | str, watch: bool, prune: bool, index: Path | None, backbone: str, json: bool, **bulk: Any
) -> None:
    """Read the pictures of SOURCE, a folder; only what is new or changed is read again.

    Searching does this by itself. Stopping with Ctrl-C keeps what was read. `sightword index push` and
    `pull` move an index to a cluster and back.

    With --to or --engine ray, SOURCE is a folder, a file with one path a line (- for standard input), or
    Parquet with pictures or paths; a directory of features made before is brought in without encoding.
    """
    if is_bulk(source, bulk):
        if watch:
            raise click.UsageError("--watch follows one folder on this machine.")
        run_bulk(source, index=index, backbone=backbone, prune=prune, json=json, options=bulk)
    else:
        assert isinstance(source, Path)
        _index(source, watch, prune, index, backbone, json)


def _index(folder: Path, watch: bool, prune: bool, index: Path | None, backbone: str, json: bool) -> None:
    from sightword.cli.bring import bring_up_to_date, spoken_warnings
    from sightword.cli.output import print_json
    from sightword.search import open as open_engine

    with open_engine(folder, index=index, backbone=backbone) as engine, spoken_warnings():
        brought = bring_up_to_date(engine, prune=prune, interrupted=STOPPING, patient=False)
        report = brought.report
        if brought.error is not None and not watch:
            raise brought.error
        facts = engine.info() if engine.indexed else {"pictures": 0, "failed": 0}
        if json:
            counts = {} if report is None else _counts(asdict(report))
            print_json({**counts, "pictures": facts["pictures"], "not_readable": facts["failed"]})
        else:
            click.echo(f"{facts['pictures']:,} pictures in the index.")
        if watch and not (report is not None and report.interrupted):
            _watch(engine, prune)


def _counts(report: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in report.items() if name != "problems"}


def _watch(engine: Engine, prune: bool) -> None:
    """Follow the folder until Ctrl-C; every change is told on standard error."""
    from sightword.cli.bring import engine_words, report_lines, say
    from sightword.cli.progress import Interruptible

    def tell(report: UpdateReport) -> None:
        for line in report_lines(report, engine_words(engine), links=False):
            say(line)

    with Interruptible("Stopped watching; Ctrl-C again quits at once.") as stop:
        say(f"Watching {engine.folder}; Ctrl-C ends it.")
        engine.watch(stop=stop.event, report=tell, prune=prune)
