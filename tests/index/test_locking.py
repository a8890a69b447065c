"""One writer: among processes, within a process, and after a crash."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from samples import MANIFEST, pictures

from sightword.errors import IndexBusy, IndexCorrupt
from sightword.index.locking import WriterLock
from sightword.index.store import open_store

HOLD = """
import sys, time
from pathlib import Path
from sightword.index.locking import WriterLock
with WriterLock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def holder(directory: Path) -> subprocess.Popen[str]:
    """Another process that holds the lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(directory)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_another_process_is_named_and_its_death_frees(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        with pytest.raises(IndexBusy) as caught, WriterLock(tmp_path):
            pass
        assert f"process {process.pid} on " in caught.value.message
        assert str(tmp_path) in caught.value.message
        process.kill()
    with WriterLock(tmp_path):
        pass


def test_two_stores_of_one_process_exclude_each_other(tmp_path: Path) -> None:
    with open_store(tmp_path, create=MANIFEST) as one, open_store(tmp_path) as two:
        with one.writer() as writer:
            with pytest.raises(IndexBusy, match=f"process {os.getpid()} "), two.writer():
                pass
            writer.add(pictures(range(2)))
            assert len(two.known()) == 2
        with two.writer() as writer:
            writer.add(pictures(range(3)))


def test_the_lock_is_free_after_an_error(tmp_path: Path) -> None:
    with open_store(tmp_path, create=MANIFEST) as store:
        with pytest.raises(ZeroDivisionError), store.writer() as writer:
            writer.add(pictures(range(2)))
            raise ZeroDivisionError
        with store.writer():
            assert len(store.known()) == 2


def test_a_damaged_text_does_not_hide_the_lock(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        (tmp_path / "lock").write_text("}{")
        with pytest.raises(IndexBusy, match="another process"), WriterLock(tmp_path):
            pass
        process.kill()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_worker_does_not_keep_the_lock(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    parent = os.fork()
    if parent == 0:  # a writer that forks a worker and is killed
        with WriterLock(tmp_path):
            worker = os.fork()
            if worker == 0:
                time.sleep(30)
                os._exit(0)
            os.write(writing, str(worker).encode())
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(parent, 0)
    worker = int(os.read(reading, 20))
    try:
        os.kill(worker, 0)
        deadline = time.monotonic() + 10
        while True:  # the worker closes its copy as soon as it runs
            try:
                with WriterLock(tmp_path):
                    break
            except IndexBusy:
                assert time.monotonic() < deadline
                time.sleep(0.01)
    finally:
        os.kill(worker, signal.SIGKILL)
        os.close(reading)
        os.close(writing)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_link_or_a_pipe_in_its_place_is_not_opened(tmp_path: Path) -> None:
    victim = tmp_path / "precious.txt"
    victim.write_text("mine")
    lock = tmp_path / "lock"
    lock.symlink_to(victim)
    with pytest.raises(IndexCorrupt, match="lock"), WriterLock(tmp_path):
        pass
    assert victim.read_text() == "mine"
    lock.unlink()
    os.mkfifo(lock)
    with pytest.raises(IndexCorrupt, match="lock"), WriterLock(tmp_path):
        pass
