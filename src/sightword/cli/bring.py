"""Bring the index up to date before an answer; never let that stand in the way of the answer."""

from __future__ import annotations

import shlex
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from sightword.cli.coverage import Coverage
from sightword.cli.progress import Bar, Interruptible
from sightword.errors import IndexBusy, IndexProblem
from sightword.pictures.names import display

if TYPE_CHECKING:
    from sightword.search import Engine
    from sightword.update import UpdateReport

__all__ = ["Brought", "bring_up_to_date", "engine_words", "report_lines", "say", "spoken_warnings"]

MOST_PROBLEMS = 5
"""Folders that could not be entered, and links not followed, that are told one by one."""

STOPPING = "Stopping, then answering from what is there; Ctrl-C again quits."

_LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class Brought:
    """How far the index was brought.

    Attributes
    ----------
    coverage : Coverage
    report : UpdateReport or None
        None when the index could not be written just now.
    error : IndexProblem or None
        Why not.
    """

    coverage: Coverage
    report: UpdateReport | None = None
    error: IndexProblem | None = None


def bring_up_to_date(
    engine: Engine, *, prune: bool = False, interrupted: str = STOPPING, patient: bool = True
) -> Brought:
    """Read what changed, with a progress bar, and say on standard error what happened.

    When another process is writing, when the index can only be read, or when Ctrl-C was pressed, what is
    there has to do.

    Parameters
    ----------
    engine : Engine
    prune : bool
        See :meth:`Engine.update`.
    interrupted : str
        What the first Ctrl-C says.
    patient : bool
        An answer follows: wait for another process's first pictures when there are none yet, and say what
        the answer comes from.
    """
    new = not engine.indexed
    try:
        with Interruptible(interrupted) as stop, Bar() as bar:
            report = _updated(engine, stop, bar, prune=prune, patient=patient)
    except IndexProblem as error:
        # Damage and foreign vectors are not to be searched; a busy or read-only index is.
        if type(error) not in (IndexBusy, IndexProblem) or not engine.indexed:
            raise
        return _as_it_is(engine, error, aloud=patient)
    facts: dict[str, Any] = engine.info() if engine.indexed else {"pictures": 0}
    if new and (notice := facts.get("notice")):
        say(notice)
    for line in report_lines(report, engine_words(engine), links=new):
        say(line)
    pictures, waiting = facts["pictures"], report.left + report.waiting
    if report.interrupted and waiting:
        say(f"Stopped; {pictures:,} pictures can be searched. The next run goes on from here.")
    reason = "stopped with Ctrl-C" if report.interrupted else "files are still being written"
    return Brought(Coverage(not waiting, pictures, waiting, reason if waiting else None), report)


def _updated(engine: Engine, stop: Interruptible, bar: Bar, *, prune: bool, patient: bool) -> UpdateReport:
    """Update; while another process is at it and has nothing to show yet, wait."""
    while True:
        try:
            return engine.update(prune=prune, progress=bar, stop=stop.event)
        except IndexBusy as busy:
            if not patient or not engine.indexed or not _await_pictures(engine, busy, stop, bar):
                raise


def _await_pictures(engine: Engine, busy: IndexBusy, stop: Interruptible, bar: Bar) -> bool:
    """Wait while another process reads the first pictures; True when it ended without leaving any."""
    before = facts = engine.info()
    if not facts["pictures"]:
        say(f"{_capital(busy.holder)} is reading {engine.folder}; waiting for its first pictures.")
        bar.description(f"waiting for {busy.holder}")
    while not facts["pictures"] and not stop.event.wait(_LOOK_SECONDS):
        try:
            with engine.store.writer():
                return True
        except IndexBusy:
            facts = engine.info()
    read = facts["pictures"] + facts["failed"] - before["pictures"] - before["failed"]
    busy.waiting = max(0, (busy.waiting or 0) - read)
    return False


def _as_it_is(engine: Engine, error: IndexProblem, *, aloud: bool) -> Brought:
    """Say why, and from what, the answer comes nevertheless."""
    pictures, waiting = engine.info()["pictures"], error.waiting or 0
    reason = error.message
    if isinstance(error, IndexBusy):
        reason = f"{_capital(error.holder)} is writing the index of {engine.folder}"
    if aloud:
        unread = f", {_files(waiting)} not read yet" if waiting else ""
        say(f"{reason.rstrip('.')}; answering from the {pictures:,} pictures that are in so far{unread}.")
    return Brought(Coverage(not waiting, pictures, waiting, reason if waiting else None), None, error)


def report_lines(report: UpdateReport, folder: str = "FOLDER", *, links: bool = True) -> Iterator[str]:
    """What an update did, as sentences; nothing when there was nothing to do.

    Parameters
    ----------
    report : UpdateReport
    folder : str
        How the person called it.
    links : bool
        Also tell of links that were not followed: nothing is missing without them, so once is enough.
    """
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
        yield f"{_files(report.failed)} could not be read; `sightword info {folder}` says why."
    if report.waiting:
        yield f"{_files(report.waiting)} still being written; the next run reads them."
    if report.skipped_notice:
        yield report.skipped_notice.replace("FOLDER", folder)
    problems = [problem for problem in report.problems if links or problem.hides]
    for problem in problems[:MOST_PROBLEMS]:
        yield f"{display(problem.path)}: {problem.reason}"
    if len(problems) > MOST_PROBLEMS:
        yield f"... and {len(problems) - MOST_PROBLEMS:,} more like these."


def say(text: str) -> None:
    """A note on standard error."""
    click.echo(f"sightword: {display(text)}", err=True)


def engine_words(engine: Engine) -> str:
    """How a command names this folder (and its index, when that is elsewhere), ready to be pasted."""
    if not engine.has_folder:
        return shlex.quote(str(engine.index))
    place = [] if engine.index is None else ["--index", str(engine.index)]
    return shlex.join([str(engine.folder), *place])


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count:,} files"


@contextmanager
def spoken_warnings() -> Iterator[None]:
    """Warnings of the library as notes on standard error, without the lines of code Python adds."""
    from sightword.errors import IndexWarning
    from sightword.search import LanguageWarning, MethodWarning

    said: set[str] = set()

    def speak(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
        if str(message) not in said:  # explaining asks again without a part of the query
            said.add(str(message))
            say(str(message))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for category in (IndexWarning, LanguageWarning, MethodWarning):
            warnings.filterwarnings("always", category=category)
        warnings.showwarning = speak
        yield
