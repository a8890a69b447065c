"""A reader turns to a new generation beside its queries: answers are right before, during and after."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from samples import MANIFEST, Model, assert_same, feature, picture, pictures, unit

from sightword.index import session, takeover
from sightword.index.matrix import warm
from sightword.index.store import LocalStore, open_store

QUERY = unit(feature(1))


class Gate:
    """Holds the warming of every new generation until it is opened."""

    def __init__(self) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()
        self.passes = 0

    def warm(self, matrix, start, length):  # type: ignore[no-untyped-def]
        self.passes += 1
        self.reached.set()
        assert self.opened.wait(30)
        return warm(matrix, start, length)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """Every generation counts as large, and however many new rows as few."""
    made = Gate()
    monkeypatch.setattr(session, "_AT_ONCE", 0)
    monkeypatch.setattr(session, "_DEAR", 0)
    monkeypatch.setattr(takeover, "warm", made.warm)
    yield made
    made.opened.set()


@pytest.fixture
def model() -> Model:
    """What the index holds."""
    made = Model()
    made.add(pictures(range(30)))
    return made


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LocalStore]:
    """Thirty pictures, all in generation 1; the tests write through this one."""
    with open_store(tmp_path, create=MANIFEST) as store:
        with store.writer() as writer:
            writer.add(pictures(range(30)))
        yield store


@pytest.fixture
def reader(store: LocalStore) -> Iterator[LocalStore]:
    """Reads, and has generation 1."""
    with open_store(store.location.folder, readonly=True) as reader:
        reader.scan(QUERY, 1)
        yield reader


def job(store: LocalStore, model: Model, first: int, count: int = 5) -> None:
    """Adds, replaces, hides and renames pictures, and ends with a new generation."""
    batch = [*pictures(range(first, first + count)), picture(first + 500, picture(first - 20).path)]
    moved = (picture(first - 19).path, b"moved %d" % first, 1, 2)
    with store.writer() as writer:
        writer.add(batch)
        writer.mark_gone([picture(first - 18).path])
        writer.move([moved])
        writer.finish(force=True)
    model.add(batch)
    model.mark_gone([picture(first - 18).path])
    model.move([moved])


def state(store: LocalStore) -> tuple[int, int]:
    """Generation and tail of what the store holds, without asking the database."""
    assert store._view is not None
    return store._view.generation, store._view.tail


def settle(store: LocalStore) -> None:
    """Wait until the generation on its way is ready."""
    assert store._coming is not None
    assert store._coming._done.wait(30)


def test_answers_are_right_before_during_and_after(
    store: LocalStore, reader: LocalStore, model: Model, gate: Gate
) -> None:
    job(store, model, 30)
    assert_same(reader, model, k=60)
    assert gate.reached.wait(30)
    assert state(reader) == (1, 6)
    with store.writer() as writer:  # committed while the other generation is warmed, not in its file
        writer.add(pictures(range(60, 63)))
        writer.mark_gone([picture(3).path])
        model.add(pictures(range(60, 63)))
        model.mark_gone([picture(3).path])
        assert_same(reader, model, k=60)
        assert state(reader) == (1, 9)
        gate.opened.set()
        settle(reader)
        writer.add(pictures(range(63, 65)))  # after the thread looked for the last time
        writer.mark_gone([picture(61).path, picture(4).path])
        model.add(pictures(range(63, 65)))
        model.mark_gone([picture(61).path, picture(4).path])
        assert_same(reader, model, k=60)
        assert state(reader) == (2, 5)
        assert reader._coming is None


def test_what_is_newer_than_the_transaction_waits_for_the_next(
    store: LocalStore, reader: LocalStore, model: Model, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    job(store, model, 30)
    reader.scan(QUERY, 1)
    assert gate.reached.wait(30)
    before, reading = model.scan(QUERY, 100), reader.reading
    with store.writer() as writer:

        @contextmanager
        def late() -> Iterator[sqlite3.Connection]:
            with reading() as connection:
                # The query's transaction has begun; the thread gets ready now, and sees more.
                connection.execute("SELECT count(*) FROM pictures").fetchone()
                writer.add(pictures(range(60, 70)))
                gate.opened.set()
                settle(reader)
                yield connection

        monkeypatch.setattr(reader, "reading", late)
        assert [(hit.score, hit.picture.path) for hit in reader.scan(QUERY, 100)] == before
        assert state(reader) == (1, 6)
        monkeypatch.setattr(reader, "reading", reading)
        model.add(pictures(range(60, 70)))
        assert_same(reader, model, k=100)
        assert state(reader) == (2, 10)


def test_a_generation_that_is_overtaken_is_still_a_step(
    store: LocalStore, reader: LocalStore, model: Model, gate: Gate
) -> None:
    job(store, model, 30)
    assert_same(reader, model, k=60)
    assert gate.reached.wait(30)
    job(store, model, 40)
    assert_same(reader, model, k=60)
    assert state(reader)[0] == 1
    gate.opened.set()
    settle(reader)
    reader.scan(QUERY, 1)  # the first is taken, and the next begun
    assert state(reader) == (2, 6)
    settle(reader)
    assert_same(reader, model, k=60)
    assert state(reader) == (3, 0)


@pytest.mark.parametrize("asleep", ["while warming", "when ready"])
def test_without_its_part_of_the_log_it_starts_anew_at_once(
    store: LocalStore, reader: LocalStore, model: Model, gate: Gate, asleep: str
) -> None:
    job(store, model, 30)
    reader.scan(QUERY, 1)
    assert gate.reached.wait(30)
    if asleep == "when ready":
        gate.opened.set()
        settle(reader)
    for first in (40, 50, 60):  # the log no longer goes back to either generation of the reader
        job(store, model, first)
    gate.opened.set()
    settle(reader)
    assert reader._coming is not None
    assert (reader._coming.view() is None) == (asleep == "while warming")
    assert_same(reader, model, k=60)
    assert state(reader) == (5, 0)


def test_a_reader_far_behind_does_not_wait(
    store: LocalStore, reader: LocalStore, model: Model, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "_DEAR", 1_000_000)
    monkeypatch.setattr(reader._view, "refresh", None)
    job(store, model, 30)
    assert_same(reader, model, k=60)
    assert state(reader) == (2, 0)
    assert gate.passes == 0


def test_a_small_generation_needs_no_thread(
    store: LocalStore, reader: LocalStore, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "Takeover", None)
    monkeypatch.setattr(takeover.threading, "Thread", None)
    job(store, model, 30)
    assert_same(reader, model, k=60)
    assert state(reader) == (2, 0)


def test_without_threads_it_is_done_inside_a_query(
    store: LocalStore, reader: LocalStore, model: Model, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(takeover, "_SMALL", 0)
    monkeypatch.setattr(threading.Thread, "start", refused)
    job(store, model, 30)
    assert_same(reader, model, k=60)
    assert state(reader) == (2, 0)


@pytest.mark.parametrize("damage", ["missing", "foreign"])
def test_a_generation_that_cannot_be_had_leaves_the_old_one(
    store: LocalStore, reader: LocalStore, model: Model, gate: Gate, damage: str
) -> None:
    gate.opened.set()
    job(store, model, 30)
    path = store.location.directory / "matrix-000002.bin"
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(bytes(path.stat().st_size))
    for _ in range(2):
        assert_same(reader, model, k=60)
        assert state(reader) == (1, 6)
        if damage == "foreign":
            settle(reader)
    job(store, model, 40)
    reader.scan(QUERY, 1)
    settle(reader)
    assert_same(reader, model, k=60)
    assert state(reader) == (3, 0)


def test_closing_ends_the_thread(store: LocalStore, reader: LocalStore, model: Model, gate: Gate) -> None:
    job(store, model, 30)
    reader.scan(QUERY, 1)
    assert gate.reached.wait(30)
    assert reader._coming is not None
    thread = reader._coming._thread
    threading.Timer(0.05, gate.opened.set).start()
    reader.close()
    assert not thread.is_alive()
    assert gate.passes == 1
    reader.close()


def test_a_large_old_generation_is_let_go_of_elsewhere(
    store: LocalStore, reader: LocalStore, model: Model, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(takeover, "_SMALL", 0)
    dropped: list[tuple[int, int]] = []
    drop, end = takeover._drop, threading.Event()

    def noted(holder):  # type: ignore[no-untyped-def]
        # The list and the argument of getrefcount: nobody else keeps the old view alive.
        dropped.append((sys.getrefcount(holder[0]), threading.get_ident()))
        drop(holder)
        end.set()

    monkeypatch.setattr(takeover, "_drop", noted)
    job(store, model, 30)
    assert_same(reader, model, k=60)
    gate.opened.set()
    settle(reader)
    assert_same(reader, model, k=60)
    assert end.wait(30)
    assert [count <= 2 for count, _ in dropped] == [True]
    assert dropped[0][1] != threading.get_ident()
    assert state(reader) == (2, 0)


def test_many_threads_ask_one_store(store: LocalStore, reader: LocalStore, model: Model, gate: Gate) -> None:
    wrong: list[BaseException] = []
    turn, stop = threading.Barrier(3), threading.Event()

    def ask() -> None:
        try:
            turn.wait(30)
            while not stop.is_set():
                assert len(reader.scan(QUERY, 100)) in sizes
        except BaseException as error:
            wrong.append(error)

    sizes = {30}
    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    gate.opened.set()
    turn.wait(30)
    for first in range(30, 60, 10):
        with store.writer() as writer:
            sizes.add(first + 10)
            writer.add(pictures(range(first, first + 10)))
        time.sleep(0.02)
    stop.set()
    for thread in threads:
        thread.join(30)
    assert wrong == []
    assert len(reader.scan(QUERY, 100)) == 60


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_begins_anew(store: LocalStore, reader: LocalStore, model: Model, gate: Gate) -> None:
    job(store, model, 30)
    reader.scan(QUERY, 1)
    assert gate.reached.wait(30)
    with reader._lock, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12: a fork beside threads
        holder = threading.Thread(target=fork_and_ask, args=(reader, model, status := []))
        holder.start()  # in the child of that thread this lock would never be free
        holder.join(60)
    assert status == [0]
    gate.opened.set()
    settle(reader)
    assert_same(reader, model, k=60)
    assert state(reader) == (2, 0)


def fork_and_ask(reader: LocalStore, model: Model, status: list[int]) -> None:
    """The child's exit code: 0 when it got the right answers, from a connection of its own."""
    child = os.fork()
    if not child:
        code = 1
        try:
            signal.alarm(30)
            inherited = reader._reader
            assert_same(reader, model, k=60)
            assert reader._reader is not inherited
            reader.close()
            code = 0
        finally:
            os._exit(code)
    status.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


ENDS = """
import sys
from samples import feature, pictures, unit
from sightword.index import session
from sightword.index.store import open_store
session._AT_ONCE = session._DEAR = 0
reader, store = open_store(sys.argv[1], readonly=True), open_store(sys.argv[1])
reader.scan(unit(feature(1)), 1)
with store.writer() as writer:
    writer.add(pictures(range(30, 40)))
print(len(reader.scan(unit(feature(1)), 100)), reader._coming.done, flush=True)
sys.stdin.read(1)
"""


@pytest.mark.parametrize("end", ["normal", "kill"])
def test_a_process_that_ends_does_not_wait(store: LocalStore, model: Model, end: str) -> None:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    environ["SIGHTWORD_FAILPOINT"] = "takeover.warming=pause"
    command = [sys.executable, "-c", ENDS, str(store.location.folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline().split() == ["40", "False"]
        if end == "kill":
            process.kill()
        process.stdin.close()
        code = process.wait(30)
    assert code == 0 if end == "normal" else code != 0
    model.add(pictures(range(30, 40)))
    assert_same(store, model)
    assert store.check().problems == []
