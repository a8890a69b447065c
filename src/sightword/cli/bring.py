"""Bring the index up to date before an answer; never let that stand in the way of the answer."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from sightword.cli.output import plain
from sightword.cli.progress import Bar, Interruptible
from sightword.errors import IndexBusy

if TYPE_CHECKING:
    from sightword.search import Engine
    from sightword.update import UpdateReport

__all__ = ["bring_up_to_date", "report_lines", "spoken_warnings"]

STOPPING = "Stopping after the pictures at hand, then answering from what is there; Ctrl-C again quits."


def bring_up_to_date(engine: Engine, *, prune: bool = False) -> UpdateReport | None:
    """Read what changed, with a progress bar; tell on standard error what happened.

    When another process is writing, or Ctrl-C was pressed, what is there has to do.
    """
    start = time.monotonic()
    try:
        with Interruptible(STOPPING) as stop, Bar() as bar:
            report = engine.update(prune=prune, progress=bar, stop=stop)
    except IndexBusy as error:
        if not engine.indexed:
            raise
        click.echo(f"sightword: {plain(error.message)} Answering from what is there.", err=True)
        return None
    for line in report_lines(report, time.monotonic() - start):
        click.echo(f"sightword: {plain(line)}", err=True)
    return report


def report_lines(report: Any, seconds: float) -> Iterator[str]:
    """What an update did, as sentences; nothing when there was nothing to do."""
    raise NotImplementedError


@contextmanager
def spoken_warnings() -> Iterator[None]:
    """Warnings of the library as notes on standard error, without the lines of code Python adds."""

    def speak(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
        click.echo(f"sightword: {plain(str(message))}", err=True)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("default", category=UserWarning, module=r"sightword")
        warnings.showwarning = speak
        yield
