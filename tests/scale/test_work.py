"""Shards: what they are called, where they end, and how their rows come back."""

from __future__ import annotations

import numpy as np
import pytest

from sightword.errors import UsageError
from sightword.pictures.types import UnreadablePicture
from sightword.scale.resources import share
from sightword.scale.results import gathered
from sightword.scale.work import FileShard, Task, cut, files_chunks


def tasks(*numbers: int) -> list[Task]:
    return [Task(b"%06d.jpg" % number, b"/p/%06d.jpg" % number, 10, 20) for number in numbers]


def names(files: list[Task], identity: str = "model") -> list[str]:
    return [shard.name for shard in cut(files, identity, 32)]


def test_shards_hold_every_file_once_and_are_of_bounded_size() -> None:
    files = tasks(*range(3000))
    shards = list(cut(files, "model", 32))
    assert [task for shard in shards for task in shard.tasks] == files
    assert max(shard.count for shard in shards) <= 4 * 32
    assert 3000 / 64 < len(shards) < 3000 / 16
    assert len(set(names(files))) == len(shards)


def test_a_file_more_changes_one_shard_or_two() -> None:
    many = tasks(*range(0, 6000, 2))
    before = names(many)
    for number in (1, 3001, 5999):
        after = names(sorted([*many, *tasks(number)]))
        assert 1 <= len(set(after) - set(before)) <= 2


def test_the_name_is_of_everything_that_decides_the_result() -> None:
    files = tasks(*range(20))
    changed = [files[0]._replace(size=11), *files[1:]]
    touched = [files[0]._replace(mtime_ns=21), *files[1:]]
    assert len({tuple(names(some)) for some in (files, changed, touched)}) == 3
    assert names(files) != names(files, "another model")
    assert names(files) == names([task._replace(place=b"/elsewhere") for task in files])


def test_chunks_carry_the_number_of_shard_and_row() -> None:
    shards = [FileShard("a", tuple(tasks(1, 2, 3))), FileShard("b", tuple(tasks(4, 5)))]
    chunks = list(files_chunks(shards, 2))
    assert [len(chunk["row"]) for chunk in chunks] == [2, 2, 1]
    rows = [row for chunk in chunks for row in zip(chunk["shard"], chunk["row"], chunk["name"])]
    assert rows == [
        (number, at, task.name) for number, s in enumerate(shards) for at, task in enumerate(s.tasks)
    ]


def result(name: str) -> UnreadablePicture:
    return UnreadablePicture(name.encode(), 0, 0, "why")


def test_rows_become_shards_whatever_the_order_and_count_once() -> None:
    rows = [(shard, row, result(f"{shard}.{row}")) for shard in range(3) for row in range(4)]
    shuffled = [rows[at] for at in np.random.default_rng(0).permutation(12)]
    again = [*shuffled[:7], *[(s, r, result("again")) for s, r, _ in shuffled[:7]], *shuffled[7:], *shuffled]
    found = dict(gathered(again, [4, 4, 4]))
    assert sorted(found) == [0, 1, 2]
    for shard, results in found.items():
        assert [item.path.decode() for item in results] == [f"{shard}.{row}" for row in range(4)]


def test_a_shard_that_misses_a_row_never_comes() -> None:
    rows = [(shard, row, result("x")) for shard in range(2) for row in range(3) if (shard, row) != (1, 1)]
    assert [number for number, _ in gathered(rows, [3, 3])] == [0]


@pytest.mark.parametrize("cpus", [1, 2, 3, 4, 8, 16, 64])
@pytest.mark.parametrize("cards", [0, 1, 4])
def test_both_stages_fit_at_once(cpus: int, cards: int) -> None:
    part = share(cpus, cards, cards_each=1.0 if cards else 0.0)
    assert part.decode_cpus + part.encode_cpus <= cpus  # else neither ever ends
    assert part.decoders >= 1 and part.encoders >= 1 and part.threads >= 1
    assert part.encoders <= (cards or cpus)


def test_shares_follow_the_smallest_machine_and_the_wish() -> None:
    assert share(64, 0, smallest=2).encode_cpus == 1
    assert share(64, 0).threads == 4
    assert share(8, 2, cards_each=0.5).encoders == 4
    assert share(2, 0, batch=7).batch == 7


@pytest.mark.parametrize(("cpus", "cards"), [(0, 0), (4, 0)])
def test_what_is_not_there_cannot_be_shared(cpus: int, cards: int) -> None:
    with pytest.raises(UsageError):
        share(cpus, cards, cards_each=1.0)
