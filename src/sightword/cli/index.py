"""``sightword index``: read a folder's pictures ahead of time, or keep watching it."""

from __future__ import annotations

import shlex
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


class _IndexCommand(click.Command):
    """Tells where the address of an index belongs, before click complains of what follows it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuse an address in SOURCE's place."""
        if any("://" in word for word in args):
            options = (each for each in self.params if isinstance(each, click.Option) and not each.is_flag)
            taking = {name for option in options for name in option.opts}
            self._check([word for before, word in zip(["", *args], args) if before not in taking])
        return super().parse_args(ctx, args)

    @staticmethod
    def _check(words: list[str]) -> None:
        from sightword.errors import UsageError
        from sightword.index.milvus.address import is_address, parse_address

        address = next((parse_address(word) for word in words if is_address(word)), None)
        if address is not None:
            folder = next((word for word in words if Path(word).is_dir()), "FOLDER")
            raise UsageError(
                f"{address} is where an index is kept; the folder of its pictures comes first.",
                f"Write: {shlex.join(['sightword', 'index', folder, '--index', str(address)])}",
            )


@click.command(
    "index", cls=_IndexCommand, context_settings=CONTEXT, short_help="Read a folder's pictures ahead of time."
)
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
    from sightword.errors import UsageError
    from sightword.index.location import is_index
    from sightword.search import open as open_engine

    if index in (None, folder) and is_index(folder):
        raise UsageError(
            f"{folder} is the directory of an index, not a folder of pictures.",
            f"Write: sightword index FOLDER --index {shlex.quote(str(folder))}",
        )
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
