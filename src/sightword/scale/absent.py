"""Listed files that are not there today: what was read of them before stays as it is.

A list is as easily read on a day without the drive. A finished shard is named by its files' sizes and times,
so a file that is not there is taken as it was when it was read: its shard then needs nothing, neither now
nor when the file is back. Only where something else in the shard has changed is the shard made anew, and the
rows of absent files move out of the old one (`Features.forget`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from sightword.pictures.scan import ScanProblem
from sightword.scale.features import Features
from sightword.scale.sources import Files
from sightword.scale.work import FileShard, cut, file_shard

__all__ = ["Shared", "shared", "without"]


@dataclass
class Shared:
    """A source cut into shards.

    Attributes
    ----------
    shards : list of FileShard
    moved : set of bytes
        Pictures that are not there, and are known from shards that are not among these.
    problems : list of ScanProblem
        Known pictures that are not there.
    """

    shards: list[FileShard]
    moved: set[bytes] = field(default_factory=set)
    problems: list[ScanProblem] = field(default_factory=list)


def shared(source: Files, features: Features, done: set[str], identity: str, *average: int) -> Shared:
    """Cut a source into shards, so that none is made anew for files that are only not there.

    Parameters
    ----------
    source : Files
    features : Features
    done : set of str
        Names of finished shards.
    identity, average
        See `sightword.scale.work.cut`.
    """
    absent = {task.name: task.place for task in source.missing()}
    pictures, others = features.states(absent) if absent and done else ({}, {})
    now = list(cut(source.tasks, identity, *average))
    if not pictures and not others:
        return Shared(now)
    known = {**others, **pictures}
    before = cut(
        [
            task._replace(size=known[task.name][0], mtime_ns=known[task.name][1])
            if task.name in known
            else task
            for task in source.tasks
        ],
        identity,
        *average,
    )  # in the same places: where a shard ends is a matter of names
    made = Shared([], problems=list(_problems({name: absent[name] for name in pictures})))
    for fresh, old in zip(now, before):
        if old.name in done:
            made.shards.append(old)
        else:
            made.shards.append(fresh)
            made.moved.update(task.name for task in fresh.tasks if task.name in pictures)
    return made


def without(shard: FileShard, gone: AbstractSet[int], identity: str, *, named: bool) -> str:
    """What a shard is called when some of its files went away while it was read.

    Under its own name it would count as finished once they are back.

    Parameters
    ----------
    shard : FileShard
    gone : set of int
        Their rows.
    identity : str
    named : bool
        They are files of a list, which has them also when they are not there.
    """
    tasks = [
        task._replace(size=0, mtime_ns=0) if row in gone else task
        for row, task in enumerate(shard.tasks)
        if named or row not in gone
    ]
    return file_shard(tasks, identity).name


def _problems(places: dict[bytes, bytes]) -> Iterator[ScanProblem]:
    for name, place in places.items():
        try:
            os.stat(place)  # noqa: PTH116 - bytes
        except OSError as error:
            yield ScanProblem(name, f"The file cannot be read: {error.strerror or error}.", False)
