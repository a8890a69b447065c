"""One index becomes equal to another: planning, carrying out, and what must not happen on the way."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from equal import assert_equal_indexes
from samples import MANIFEST, feature, picture, pictures

from sightword.errors import IndexBusy, IndexForAnotherBackbone, IndexProblem
from sightword.index import transfer as transferring
from sightword.index.base import Failure, Manifest, Stored
from sightword.index.connection import DATABASE
from sightword.index.store import LocalStore, open_store
from sightword.index.transfer import TransferReport, transfer
from sightword.index.transfer_plan import compare
from sightword.index.writer import LocalWriter

Make = Callable[..., LocalStore]


@pytest.fixture
def make(tmp_path: Path):  # type: ignore[no-untyped-def]
    """Open indexes by name; closed at the end."""
    opened: list[LocalStore] = []

    def opener(name: str, manifest: Manifest = MANIFEST) -> LocalStore:
        opened.append(open_store(tmp_path, index=tmp_path / name, create=manifest))
        return opened[-1]

    yield opener
    for store in opened:
        store.close()


def move(source: LocalStore, target: LocalStore, **options: object) -> TransferReport:
    report = TransferReport()
    transfer(source, target, compare(source, target), report, **options)  # type: ignore[arg-type]
    return report


def fill(store: LocalStore) -> None:
    """Live, gone and unreadable ones."""
    with store.writer() as writer:
        writer.add(pictures(range(30)))
        writer.add([picture(5, b"\xff copy of 5.jpg")])
        writer.mark_gone([picture(3).path, picture(7).path])
        writer.fail(
            [Failure(b"cut off.jpg", 5, 6, "It is cut off."), Failure(b"b\xe9.gif", 7, 8, "It is empty.")]
        )


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_there_and_back_is_the_same_bit_for_bit(make: Make, dtype: str) -> None:
    manifest = replace(MANIFEST, dtype=dtype)
    first, second, third = (make(name, manifest) for name in ("first", "second", "third"))
    fill(first)
    report = move(first, second)
    assert (report.sent, report.not_readable, report.hidden, report.interrupted) == (31, 2, 0, False)
    move(second, third)
    assert_equal_indexes(first, third)


def test_twice_is_once(make: Make) -> None:
    source, target = make("source"), make("target")
    fill(source)
    move(source, target)
    ids = {path: state.id for path, state in target.known().items()}
    plan = compare(source, target)
    assert (len(plan), plan.same) == (0, 33)
    with target.writer():  # nothing to do needs no writer
        move(source, target)
    assert {path: state.id for path, state in target.known().items()} == ids


def test_every_kind_of_change_travels(make: Make) -> None:
    source, target = make("source"), make("target")
    fill(source)
    move(source, target)
    with source.writer() as writer:
        writer.add([picture(40), picture(41, path=picture(0).path), picture(42, path=b"cut off.jpg")])
        writer.touch({picture(1).path: (11, 12), picture(3).path: (13, 14)})
        writer.move([(picture(2).path, b"elsewhere.jpg", 15, 16)])
        writer.mark_gone([picture(8).path, b"b\xe9.gif"])
        writer.fail([Failure(picture(9).path, 17, 18, "No."), Failure(picture(7).path, 19, 20, "No.")])
    plan = compare(source, target)
    sent = {picture(40).path, picture(0).path, b"cut off.jpg", b"elsewhere.jpg"}
    assert {path for _, path in plan.send} == sent
    assert plan.touch == {picture(1).path: (11, 12), picture(3).path: (13, 14)}
    assert set(plan.hide) == {picture(8).path, picture(2).path, b"b\xe9.gif"}
    assert {failure.path for failure in plan.fail} == {picture(9).path, picture(7).path}
    assert plan.unknown == 0  # the moved picture's content is there under its new name
    move(source, target)
    assert len(compare(source, target)) == 0
    with source.writer() as writer:  # what only the target remembers, as vanished
        writer.restore([Stored(target.row(state.id or 0), *_vector(target, state.id or 0), gone=True)
                        for path, state in target.known().items() if path == picture(2).path])  # fmt: skip
    assert_equal_indexes(source, target)


def _vector(store: LocalStore, number: int) -> tuple[np.ndarray, float]:  # type: ignore[type-arg]
    (item,) = store.stored([number])
    return item.unit, item.norm


def test_what_the_source_never_had_is_hidden_and_counted(make: Make) -> None:
    source, target = make("source"), make("target")
    with source.writer() as writer:
        writer.add(pictures(range(10)))
    with target.writer() as writer:
        writer.add(pictures(range(8, 14)))
        writer.fail([Failure(b"bad", 1, 2, "No.")])
    plan = compare(source, target)
    assert (plan.unknown, plan.live, len(plan.send), plan.same) == (4, 6, 8, 2)
    move(source, target)
    info = target.info()
    assert (info["pictures"], info["gone"], info["failed"]) == (10, 4, 0)
    with source.writer() as writer:
        writer.add(pictures(range(10, 14)))
    assert move(source, target).updated == 4  # they come back without their vectors travelling
    assert_equal_indexes(source, target)


def test_what_only_the_target_has_can_stay(make: Make) -> None:
    source, target = make("source"), make("target")
    with source.writer() as writer:
        writer.add(pictures(range(10)))
        writer.mark_gone([picture(0).path])
    with target.writer() as writer:
        writer.add([*pictures(range(5)), *pictures(range(20, 23))])
        writer.fail([Failure(b"bad", 1, 2, "No.")])
        writer.move([(picture(4).path, b"moved here.jpg", 3, 4)])
    plan = compare(source, target, keep=True)
    assert (plan.hide, plan.kept) == ([picture(0).path], 5)
    transfer(source, target, plan, TransferReport())
    live = {path for path, state in target.known().items() if state.status == "live"}
    mine = {picture(at).path for at in range(20, 23)} | {b"moved here.jpg"}
    assert live == mine | {picture(at).path for at in range(1, 10)}
    assert target.known()[b"bad"].status == "failed"
    assert len(compare(source, target, keep=True)) == 0
    assert set(compare(source, target).hide) == mine | {b"bad"}


def test_replaced_pictures_are_counted(make: Make) -> None:
    source, target = make("source"), make("target")
    with target.writer() as writer:
        writer.add(pictures(range(6)))
    with source.writer() as writer:
        # Another content, and two that have only changed places.
        writer.add([picture(30, picture(0).path), picture(1, picture(2).path), picture(2, picture(1).path)])
    plan = compare(source, target)
    assert (plan.replaced, plan.unknown, plan.live) == (1, 3, 6)


def test_nothing_is_hidden_before_its_new_place_is_there(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = make("source"), make("target")
    with source.writer() as writer:
        writer.add(pictures(range(9)))
    move(source, target)
    with source.writer() as writer:
        writer.move([(picture(at).path, b"moved %d.jpg" % at, 1, 2) for at in range(9)])
    monkeypatch.setattr(transferring, "_MOST_ROWS", 3)
    stop, contents = threading.Event(), {picture(at).content_hash for at in range(9)}
    steps = []

    def told(count: int) -> None:
        steps.append(count)
        live = [state.content_hash for state in target.known().values() if state.status == "live"]
        assert set(live) == contents

    move(source, target, told=told, stop=stop)
    assert steps == [3, 3, 3, 9]


def test_stopping_keeps_what_was_done_and_goes_on(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = make("source"), make("target")
    fill(source)
    monkeypatch.setattr(transferring, "_MOST_ROWS", 4)
    stop = threading.Event()
    report = move(source, target, told=lambda count: stop.set(), stop=stop)
    assert (report.sent, report.done, report.interrupted) == (4, 4, True)
    assert len(compare(source, target).send) == 27
    assert not move(source, target).interrupted
    assert_equal_indexes(source, target)


def test_again_sends_what_has_the_same_content(make: Make) -> None:
    source, target = make("source"), make("target")
    with source.writer() as writer:
        writer.add(pictures(range(4)))
    with target.writer() as writer:  # the same files, encoded otherwise
        writer.add([replace(picture(at), feature=feature(at) + np.float32(0.01)) for at in range(4)])
    assert len(compare(source, target)) == 0
    transfer(source, target, compare(source, target, again=True), TransferReport())
    assert_equal_indexes(source, target)


DAMAGE = {
    "a short vector": "UPDATE vectors SET unit = x'00' WHERE id = {}",
    "no vector": "DELETE FROM vectors WHERE id = {}",
    "a vector of zeros": "UPDATE vectors SET unit = zeroblob(96) WHERE id = {}",
    "a vector of NaN": "UPDATE vectors SET unit = x'" + "ff" * 96 + "' WHERE id = {}",
    "a norm of nought": "UPDATE vectors SET norm = 0.0 WHERE id = {}",
    "a norm in words": "UPDATE vectors SET norm = 'long' WHERE id = {}",
    "an endless norm": "UPDATE vectors SET norm = 9e999 WHERE id = {}",
    "half a hash": "UPDATE pictures SET content_hash = x'aabb' WHERE id = {}",
    "no width": "UPDATE pictures SET width = 0 WHERE id = {}",
    "a size in words": "UPDATE pictures SET height = 'tall' WHERE id = {}",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_poisoned_row_costs_itself_alone(make: Make, tmp_path: Path, damage: str) -> None:
    source, target = make("source"), make("target")
    with source.writer() as writer:
        writer.add(pictures(range(12)))
    bad = source.known()[picture(6).path].id
    connection = sqlite3.connect(tmp_path / "source" / DATABASE, isolation_level=None)
    connection.execute(DAMAGE[damage].format(bad))
    connection.close()
    steps: list[int] = []
    report = move(source, target, told=steps.append)
    assert [item.path for item in report.damaged] == [picture(6).path]
    assert report.damaged[0].reason.endswith(".")
    assert (report.sent, sum(steps), report.interrupted) == (11, 12, False)
    assert set(target.known()) == {picture(at).path for at in range(12) if at != 6}
    assert target.check(repair=False).ok


def test_a_poisoned_row_does_not_replace_a_sound_one(make: Make, tmp_path: Path) -> None:
    source, target = make("source"), make("target")
    with source.writer() as writer:
        writer.add([picture(1, b"a.jpg")])
    with target.writer() as writer:
        writer.add([picture(2, b"a.jpg")])
    connection = sqlite3.connect(tmp_path / "source" / DATABASE, isolation_level=None)
    connection.execute("UPDATE vectors SET unit = x'00'")
    connection.close()
    assert len(move(source, target).damaged) == 1
    row = target.find(b"a.jpg")
    assert row is not None and row.content_hash == picture(2).content_hash


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"weights_hash": "1" * 64}, "same name, other weights"),
        ({"backbone": "other", "weights_hash": "1" * 64}, "backbone other"),
        ({"dim": 25}, "backbone"),
        ({"preprocess": "clip"}, "preset clip"),
        ({"dtype": "bfloat16"}, "rounded"),
    ],
)
def test_another_kind_of_vectors_is_refused(make: Make, change: dict[str, object], words: str) -> None:
    source, target = make("source"), make("target", replace(MANIFEST, **change))  # type: ignore[arg-type]
    with source.writer() as writer:
        writer.add(pictures(range(3)))
    kind = IndexProblem if "dtype" in change else IndexForAnotherBackbone
    with pytest.raises(kind, match=words):
        compare(source, target)
    assert target.known() == {}


def test_wider_targets_take_narrow_vectors(make: Make) -> None:
    source, target = make("source", replace(MANIFEST, dtype="bfloat16")), make("target")
    fill(source)
    move(source, target)
    assert_equal_indexes(source, target)


def test_rows_that_are_replaced_meanwhile_are_told(make: Make) -> None:
    source, target = make("source"), make("target")
    with source.writer() as writer:
        writer.add(pictures(range(6)))
    plan, report = compare(source, target), TransferReport()
    with source.writer() as writer:
        writer.add([picture(70, path=picture(2).path)])
        writer.mark_gone([picture(4).path])
        source_gone = picture(4).path
    transfer(source, target, plan, report)
    assert (report.sent, report.missed, report.done) == (5, 1, len(plan))
    assert target.known()[source_gone].status == "gone"  # as it is now, not as it was planned
    move(source, target)
    assert_equal_indexes(source, target)


def test_a_busy_target_is_told(make: Make) -> None:
    source, target = make("source"), make("target")
    fill(source)
    with target.writer(), pytest.raises(IndexBusy):
        move(source, target)


def test_a_target_in_sync_learns_its_origin(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    said = [""]
    source, target = make("source"), make("target")
    with source.writer() as writer:
        writer.add(pictures(range(5)))
    move(source, target)
    monkeypatch.setattr(LocalStore, "origin", property(lambda store: said[0]))
    monkeypatch.setattr(LocalWriter, "filled_from", lambda writer, name: said.__setitem__(0, name))
    move(source, target)
    assert said == [""]  # an index alone
    with target.writer():
        move(source, target, origin="box:/photos")  # nothing to do, so a writer is not waited for
    assert said == [""]
    move(source, target, origin="box:/photos")
    move(source, target, origin="box:/another")
    assert said == ["box:/photos"]
