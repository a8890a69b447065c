"""What there is to do, cut into shards: the unit that is finished, kept and never done again.

A shard is named by a hash of everything that decides what comes out of it, so a finished one is recognised
after any interruption, and one whose inputs changed is simply another.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, NamedTuple

__all__ = [
    "Chunk",
    "FileShard",
    "TableShard",
    "Task",
    "cut",
    "file_shard",
    "files_chunks",
    "shard_name",
    "table_chunks",
]

Chunk = dict[str, list[Any]]
"""Columns of equal length: what a decoder is given."""

SHARD_FILES = 512
"""Files in a shard, on average: losing an unfinished one costs seconds."""


class Task(NamedTuple):
    """One picture to read."""

    name: bytes
    """What it is called in the result."""
    place: bytes
    """A path, or an address with ``://``."""
    size: int
    mtime_ns: int
    """As they were when the source was listed; 0 where nobody said."""


@dataclass(frozen=True)
class FileShard:
    """Files that are finished together."""

    name: str
    tasks: tuple[Task, ...]

    @property
    def count(self) -> int:
        """Pictures in it."""
        return len(self.tasks)


@dataclass(frozen=True)
class TableShard:
    """A row group of a Parquet file whose rows hold pictures.

    Attributes
    ----------
    name : str
    count : int
        Rows.
    place : str
        The file, a path or an address.
    group : int
    picture : str
        Column of contents, or of addresses.
    path : str or None
        Column of names.
    title : str
        What rows without a name are called: ``TITLE#12``.
    first : int
        Number of its first row within the file.
    """

    name: str
    count: int
    place: str
    group: int
    picture: str
    path: str | None
    title: str
    first: int


def shard_name(identity: str, parts: Iterable[Any]) -> str:
    """32 hexadecimal digits for a list of facts that JSON can write."""
    digest = hashlib.sha256(identity.encode())
    for part in parts:
        digest.update(json.dumps(part, separators=(",", ":")).encode() + b"\n")
    return digest.hexdigest()[:32]


def cut(tasks: Sequence[Task], identity: str, average: int = SHARD_FILES) -> Iterator[FileShard]:
    """Divide files into shards so that a file more or less changes one of them, not all that follow.

    A shard ends after a file whose name's hash says so, not after a number of files.

    Parameters
    ----------
    tasks : sequence of Task
        In an order that does not depend on chance.
    identity : str
        What else decides the result: the model and how pictures are prepared.
    average : int
    """
    pending: list[Task] = []
    for task in tasks:
        pending.append(task)
        mark = int.from_bytes(hashlib.sha256(task.name).digest()[:8], "big")
        if mark % average == 0 or len(pending) >= 4 * average:
            yield file_shard(pending, identity)
            pending = []
    if pending:
        yield file_shard(pending, identity)


def file_shard(tasks: Sequence[Task], identity: str) -> FileShard:
    """The shard of some files; see `cut`."""
    facts = ([task.name.hex(), task.size, task.mtime_ns] for task in tasks)
    return FileShard(shard_name(identity, facts), tuple(tasks))


def files_chunks(shards: Sequence[FileShard], rows: int) -> Iterator[Chunk]:
    """The files of shards as columns ``shard``, ``row``, ``name``, ``place``, in pieces of so many rows."""
    every = (
        (number, row, task.name, task.place)
        for number, shard in enumerate(shards)
        for row, task in enumerate(shard.tasks)
    )
    while piece := list(islice(every, rows)):
        yield {name: list(column) for name, column in zip(("shard", "row", "name", "place"), zip(*piece))}


def table_chunks(shards: Sequence[TableShard]) -> Iterator[Chunk]:
    """Row groups as columns ``shard`` and ``table`` (JSON), one to a piece: reading it is the work."""
    for number, shard in enumerate(shards):
        yield {"shard": [number], "table": [json.dumps(asdict(shard))]}
