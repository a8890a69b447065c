"""What was acknowledged outlives server and writer, both killed with SIGKILL in the middle of writing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from milvus_stores import emptied
from samples import MANIFEST, Model, assert_same, picture, pictures

from milvus_server import MilvusServer, reason_to_skip
from sightword.errors import IndexBusy, IndexProblem
from sightword.index.base import Failure
from sightword.index.milvus import lease
from sightword.index.milvus.address import parse_address
from sightword.index.milvus.store import MilvusStore

pytestmark = pytest.mark.slow


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[MilvusServer]:
    """A server that a test may kill."""
    if reason := reason_to_skip():
        pytest.skip(reason)
    server = MilvusServer(tmp_path)
    server.start()
    yield server
    server.kill()


def test_a_killed_server_loses_nothing_that_was_acknowledged(mortal: MilvusServer) -> None:
    model = Model()
    store = emptied(mortal, "mortal", MANIFEST)
    found: list[bool] = []
    stop, back = threading.Event(), threading.Event()

    def ask() -> None:
        while not stop.is_set():
            found.append(store.find(picture(0).path) is not None)
            time.sleep(0.05)

    def kill_and_start() -> None:
        time.sleep(0.4)
        mortal.kill()
        time.sleep(0.5)
        mortal.start()
        back.set()

    threads = [threading.Thread(target=work) for work in (ask, kill_and_start)]
    with store.writer() as writer:
        writer.add([picture(0)])
        model.add([picture(0)])
        for thread in threads:
            thread.start()
        batch = 0
        # Calls that meet no server go on when there is one again: writer and reader notice only the time.
        while not back.is_set() or batch < 40:
            items = pictures(range(1 + 5 * batch, 6 + 5 * batch))
            for target in (writer, model):
                target.add(items)
                target.fail([Failure(b"broken %d" % batch, 1, 2, "It is cut off.")])
                target.mark_gone([items[0].path])
                target.move([(items[1].path, b"moved %d" % batch, 3, 4)])
            batch += 1
    stop.set()
    for thread in threads:
        thread.join()
    assert len(found) > 10 and all(found)
    assert_same(store, model, k=20)
    assert store.check().problems == []
    store.close()


VICTIM = """
import sys
from sightword.index.milvus.address import parse_address
from sightword.index.milvus.store import MilvusStore
sys.path.insert(0, sys.argv[2])
from samples import pictures
store = MilvusStore.open(parse_address(sys.argv[1]))
with store.writer() as writer:
    for batch in range(10_000):
        writer.add(pictures(range(7 * batch, 7 * batch + 7)))
        print(batch, flush=True)
"""


def test_a_killed_writer_is_followed_at_once(milvus_server: MilvusServer) -> None:
    store = emptied(milvus_server, "victim", MANIFEST)
    arguments = [milvus_server.url("victim"), str(Path(__file__).parent)]
    child = subprocess.Popen([sys.executable, "-c", VICTIM, *arguments], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    for _ in range(5):
        child.stdout.readline()
    with pytest.raises(IndexBusy, match=f"process {child.pid} on") as caught, store.writer():
        pass
    assert caught.value.exit_code == 3
    assert store.info()["writer"].startswith(f"process {child.pid} on")
    os.kill(child.pid, signal.SIGKILL)
    acknowledged = 4 + len(child.communicate()[0].splitlines())
    with store.writer() as writer:  # nobody has to wait for a minute
        writer.touch({picture(0).path: (1, 2)})
    known = store.known()
    for seed in range(7 * (acknowledged + 1)):
        assert known[picture(seed).path].status == "live"
    ids = [state.id for state in known.values()]
    assert len(set(ids)) == len(ids)
    assert store.check().problems == []
    store.close()


def test_one_writer_at_a_time_and_who_lost_the_right_is_told(
    milvus_server: MilvusServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = emptied(milvus_server, "lease", MANIFEST)
    other = MilvusStore.open(parse_address(milvus_server.url("lease")))
    with store.writer() as writer:
        writer.add([picture(1)])
        with pytest.raises(IndexBusy, match=f"process {os.getpid()}"), other.writer():
            pass
        writer.add([picture(2)])
        # As after a night's sleep: the name ran out, and somebody else came.
        writer._lease._holds_until = 0.0
        rows = [row["key"] for row in lease._rows(store._collection)]
        store._collection.delete(rows)
        with other.writer() as second:
            with pytest.raises(IndexBusy, match="took over"):
                writer.add([picture(3)])
            second.add([picture(4)])
        with pytest.raises(IndexBusy, match="took over"):
            writer.add([picture(3)])
    assert set(other.known()) == {picture(seed).path for seed in (1, 2, 4)}
    assert other.info()["writer"] is None
    monkeypatch.setattr(lease, "LASTS", 0.3)
    with store.writer() as writer:  # the name is written again in time, however long nothing is written
        time.sleep(1.0)
        with pytest.raises(IndexBusy), other.writer():
            pass
        writer.add([picture(5)])
    store.close()
    other.close()


def test_damaged_rows_are_found_and_forgotten(milvus_server: MilvusServer) -> None:
    store = emptied(milvus_server, "damaged", MANIFEST)
    batch = pictures(range(6))
    with store.writer() as writer:
        writer.add(batch)
    rows = list(writer._rows([item.path for item in batch]).values())
    hurt = [
        {**rows[0], "unit": rows[0]["unit"] * 0.5},
        {**rows[1], "content_hash": "no number"},
        {**rows[2], "path": "../../etc/passwd"},
        {**rows[3], "id": rows[4]["id"]},
    ]
    store._collection.upsert(hurt)
    report = store.check(repair=False)
    assert not report.ok and len(report.problems) == 4
    assert "etc/passwd" in "".join(report.problems)
    assert store.check().ok
    again = store.check()
    assert again.problems == [] and again.pictures == 2
    with store.writer() as writer:
        writer.add(batch)
    assert store.check() == type(again)(6)
    store.close()


def test_a_closed_store_says_so(milvus_server: MilvusServer) -> None:
    store = emptied(milvus_server, "lease", MANIFEST)
    store.close()
    store.close()
    with pytest.raises(IndexProblem):
        store.info()
