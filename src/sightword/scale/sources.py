"""Where pictures come from: a folder, a list of files, Parquet, or features that were made before."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sightword.errors import UsageError
from sightword.pictures.names import display
from sightword.pictures.scan import FoundFile, ScanProblem, scan
from sightword.scale.features import Features
from sightword.scale.places import is_address
from sightword.scale.tables import Table, open_table
from sightword.scale.work import Task

__all__ = ["PARQUET", "Files", "Inline", "Made", "Source", "open_source"]

PARQUET = "parquet:"
"""In front of a name: take it as Parquet, whatever it ends with."""


@dataclass
class Files:
    """Pictures in files of their own.

    Attributes
    ----------
    name : str
        What messages and manifests call the source.
    root : Path
        Names are relative to it.
    tasks : list of Task
        Each name once, sorted by name for a folder, in their order for a list.
    problems : list of ScanProblem
        What could not be looked at.
    whole : bool
        True for a folder: what it does not have is gone.
    absent : int or None
        None for a folder. For a list, how many of its files are not there: somebody asked for them by name,
        so they are tasks like the others, whose failure says why.
    """

    name: str
    root: Path
    tasks: list[Task]
    problems: list[ScanProblem] = field(default_factory=list)
    whole: bool = False
    absent: int | None = None

    def found(self) -> list[FoundFile]:
        """The tasks as a scan would have found them; addresses have no place there."""
        return [FoundFile(task.name, task.size, task.mtime_ns) for task in self.tasks]

    def missing(self) -> list[Task]:
        """Those of a list that are not there; what is behind addresses nobody has looked at."""
        if self.absent is None:
            return []
        return [task for task in self.tasks if task[2:] == (0, 0) and not is_address(task.place)]


@dataclass
class Inline:
    """Pictures inside Parquet."""

    name: str
    table: Table


@dataclass
class Made:
    """Features that need no encoding."""

    name: str
    features: Features


Source = Files | Inline | Made


def open_source(
    name: str,
    *,
    root: Path | None = None,
    column: str | None = None,
    name_column: str | None = None,
) -> Source:
    """Open a source.

    Parameters
    ----------
    name : str
        A folder of pictures; a file with one path a line (``-``: standard input); a ``.parquet`` file or
        folder, here or at an address; ``parquet:NAME`` for Parquet that is called otherwise.
    root : Path, optional
        What relative paths are relative to, and names too; by default the folder itself, or for lists the
        current one.
    column, name_column : str, optional
        Of Parquet: where the pictures (or their paths) and their names are.

    Raises
    ------
    UsageError
        There is no such thing, or nothing in it.
    """
    if name.startswith(PARQUET) or name.rstrip("/").lower().endswith(".parquet"):
        return _parquet(name.removeprefix(PARQUET), root, column, name_column)
    if is_address(name):
        raise UsageError(
            f"{display(name)} is no Parquet.",
            "Addresses of single pictures go into a list, one a line; Parquet is written parquet:ADDRESS.",
        )
    path = Path(name)
    if name != "-" and path.is_dir():
        if Features.is_there(path):
            return Made(name, Features.open(path))
        return _folder(path, root)
    try:
        raw = sys.stdin.buffer.read() if name == "-" else path.read_bytes()
    except OSError as error:
        raise UsageError(f"{display(name)}: {error.strerror or error}.") from None
    source = _listed("standard input" if name == "-" else str(path.resolve()), _lines(raw), root)
    if source.absent == len(source.tasks) and raw.startswith((b"\xff\xd8\xff", b"\x89PNG")):
        raise UsageError(f"{display(name)} is a picture, not a list of them.", "Give the folder it is in.")
    return _not_empty(source, name)


def _parquet(place: str, root: Path | None, column: str | None, name_column: str | None) -> Source:
    if not is_address(place) and Features.is_there(Path(place)):
        return Made(place, Features.open(Path(place)))
    table = open_table(place, column, name_column)
    shown = place if is_address(place) else str(Path(place).resolve())
    if table.inline:
        return Inline(shown, table)
    return _not_empty(_listed(shown, (os.fsencode(path) for path in table.paths()), root), place)


def _not_empty(source: Files, name: str) -> Files:
    if not source.tasks:
        why = [f"{display(problem.path)}: {problem.reason}".rstrip(".") for problem in source.problems[:1]]
        raise UsageError(f"There are no pictures in {display(name)}{f' ({why[0]})' if why else ''}.")
    if source.absent == len(source.tasks):
        first = display(source.tasks[0].place)
        raise UsageError(f"None of the pictures in {display(name)} is there, such as {first}.")
    return source


def _folder(folder: Path, root: Path | None) -> Files:
    home = folder.resolve()
    base = home if root is None else root.resolve()
    if not home.is_relative_to(base):
        raise UsageError(f"{display(str(folder))} is not inside {display(str(root))}.")
    inside = b"" if home == base else os.fsencode(home.relative_to(base).as_posix()) + b"/"
    source = Files(str(home), base, [], whole=home == base)
    start = os.fsencode(home)
    problems: list[ScanProblem] = []
    for file in scan(home, problems):
        place = start + b"/" + file.path
        source.tasks.append(Task(inside + file.path, place, file.size, file.mtime_ns))
    source.tasks.sort()
    source.problems = [problem._replace(path=inside + problem.path) for problem in problems]
    return _not_empty(source, str(folder))


def _lines(raw: bytes) -> Iterator[bytes]:
    """Paths divided by line ends, or by NUL as ``find -print0`` does."""
    for line in raw.split(b"\0") if b"\0" in raw else raw.splitlines():
        if line.strip():
            yield line


def _listed(name: str, places: Iterable[bytes], root: Path | None) -> Files:
    base = os.fsencode(Path.cwd() if root is None else root.resolve())
    source = Files(name, Path(os.fsdecode(base)), [], absent=0)
    seen: set[bytes] = set()
    for place in places:
        task = Task(place, place, 0, 0) if is_address(place) else _local(place, base)
        if task.name not in seen:
            seen.add(task.name)
            source.tasks.append(task)
    source.absent = len(source.missing())
    return source


def _local(place: bytes, base: bytes) -> Task:
    """The task of a listed path; one that is not there has no size and no time."""
    whole = os.path.normpath(os.path.join(base, place))  # noqa: PTH118 - bytes
    named = whole[len(base) + 1 :] if whole.startswith(base.rstrip(b"/") + b"/") else whole
    try:
        state = os.stat(whole)  # noqa: PTH116 - bytes
    except OSError:
        return Task(named, whole, 0, 0)
    return Task(named, whole, state.st_size, state.st_mtime_ns)
