"""Bring the index up to date before an answer; never let that stand in the way of the answer."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from sightword.cli.progress import Bar, Interruptible
from sightword.errors import IndexBusy, IndexProblem
from sightword.pictures.names import display

if TYPE_CHECKING:
    from sightword.search import Engine
    from sightword.update import UpdateReport

__all__ = ["bring_up_to_date", "report_lines", "say", "spoken_warnings"]

MOST_PROBLEMS = 5
"""Folders that could not be entered, and links not followed, that are told one by one."""

STOPPING = "Stopping, then answering from what is there; Ctrl-C again quits."


def bring_up_to_date(
    engine: Engine, *, prune: bool = False, interrupted: str = STOPPING
) -> UpdateReport | None:
    """Read what changed, with a progress bar, and say on standard error what happened.

    When another process is writing, when the index can only be read, or when Ctrl-C was pressed, what is
    there has to do; None is returned in the first two cases.
    """
    new = not engine.indexed
    try:
        with Interruptible(interrupted) as stop, Bar() as bar:
            report = engine.update(prune=prune, progress=bar, stop=stop.event)
    except IndexProblem as error:
        # Damage and foreign vectors are not to be searched; a busy or read-only index is.
        if type(error) not in (IndexBusy, IndexProblem) or not engine.indexed:
            raise
        say(f"{error.message} Answering from what is there.")
        return None
    if new and (notice := engine.info().get("notice")):
        say(notice)
    for line in report_lines(report):
        say(line)
    if report.interrupted:
        pictures = engine.info()["pictures"]
        say(f"Stopped; {pictures:,} pictures can be searched. The next run goes on from here.")
    return report


def report_lines(report: UpdateReport) -> Iterator[str]:
    """What an update did, as sentences; nothing when there was nothing to do."""
    done = [
        (report.added, "new"),
        (report.changed, "changed"),
        (report.moved, "moved"),
        (report.revived, "back again"),
        (report.gone, "gone"),
    ]
    parts = [f"{count:,} {what}" for count, what in done if count]
    if parts:
        read = report.added + report.changed
        rate = f" in {report.seconds:.1f} s ({read / report.seconds:,.0f}/s)" if read else ""
        yield f"Pictures: {', '.join(parts)}{rate}."
    if report.failed:
        yield f"{_files(report.failed)} could not be read; `sightword info` says why."
    if report.waiting:
        yield f"{_files(report.waiting)} still being written; the next run reads them."
    if report.skipped_notice:
        yield report.skipped_notice
    for problem in report.problems[:MOST_PROBLEMS]:
        yield f"{display(problem.path)}: {problem.reason}"
    if len(report.problems) > MOST_PROBLEMS:
        yield f"... and {len(report.problems) - MOST_PROBLEMS:,} more like these."


def say(text: str) -> None:
    """A note on standard error."""
    click.echo(f"sightword: {display(text)}", err=True)


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count:,} files"


@contextmanager
def spoken_warnings() -> Iterator[None]:
    """Warnings of the library as notes on standard error, without the lines of code Python adds."""
    from sightword.search.language import LanguageWarning

    said: set[str] = set()

    def speak(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
        if str(message) not in said:  # explaining asks again without a part of the query
            said.add(str(message))
            say(str(message))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("always", category=LanguageWarning)
        warnings.showwarning = speak
        yield
