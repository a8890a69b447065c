"""Following a folder, with real files."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from made_pictures import encoded, noise
from sightword import watch as watch_module
from sightword.errors import IndexBusy, IndexOfAnotherFolder
from sightword.index.store import LocalStore
from sightword.update import UpdateReport
from sightword.watch import changes_in, watch
from update_helpers import Album, album


class Watched:
    """An album that is being watched in a thread."""

    def __init__(self, made: Album, poll: float | None) -> None:
        self.album = made
        self.reports: list[UpdateReport] = []
        self.errors: list[BaseException] = []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(poll,))
        self.thread.start()

    def _run(self, poll: float | None) -> None:
        try:
            watch(
                self.album.store,
                self.album.folder,
                self.album.backbone.load,
                stop=self.stop,
                report=self.reports.append,
                poll=poll,
                settle=0.5,
                workers=1,
            )
        except BaseException as error:
            self.errors.append(error)

    def until(self, condition: Callable[[], bool], seconds: float = 20.0) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, (self.reports, self.errors, self.album.store.known())
            time.sleep(0.05)

    def end(self) -> None:
        self.stop.set()
        self.thread.join(10)
        assert not self.thread.is_alive()
        assert self.errors == []


@pytest.fixture(params=[None, 0.3], ids=["told", "polling"])
def watched(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Watched]:
    with album(tmp_path / "pictures") as made:
        for number in range(5):
            made.put(f"{number}.png", number)
        watching = Watched(made, request.param)
        watching.until(lambda: len(made.paths()) == 5)
        yield watching
        watching.end()


def test_added_moved_and_deleted(watched: Watched) -> None:
    made = watched.album
    made.put("new.png", 50)
    watched.until(lambda: b"new.png" in made.paths())
    (made.folder / "trip.2021").mkdir()
    (made.folder / "new.png").rename(made.folder / "trip.2021" / "new.png")
    watched.until(lambda: b"trip.2021/new.png" in made.paths() and b"new.png" not in made.paths())
    shutil.rmtree(made.folder / "trip.2021")
    watched.until(lambda: made.paths("gone") == [b"trip.2021/new.png"])
    assert made.backbone.loads == 1
    assert sum(report.failed for report in watched.reports) == 0


def test_a_slow_copy_is_never_called_broken(watched: Watched) -> None:
    made = watched.album
    data = encoded(noise(60, 60), "PNG")
    with (made.folder / "slow.png").open("wb") as file:
        for start in range(0, len(data), len(data) // 8):
            file.write(data[start : start + len(data) // 8])
            file.flush()
            assert made.store.failures() == []
            time.sleep(0.25)
    watched.until(lambda: b"slow.png" in made.paths())
    assert sum(report.failed for report in watched.reports) == 0


def test_a_broken_file_is_told_in_the_end(watched: Watched) -> None:
    (watched.album.folder / "broken.png").write_bytes(b"not a picture")
    watched.until(lambda: [f.path for f in watched.album.store.failures()] == [b"broken.png"])


@contextmanager
def free_writer(made: Album) -> Iterator[None]:
    """The writer, as soon as the watcher has let go of it."""
    for _ in range(100):
        try:
            with made.store.writer():
                yield
                return
        except IndexBusy:
            time.sleep(0.05)
    raise AssertionError("the writer was never free")


def test_another_writer_is_waited_for(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_module, "_BUSY_SECONDS", 0.1)
    made = watched.album
    with free_writer(made):
        made.put("new.png", 50)
        time.sleep(1.5)
        assert b"new.png" not in made.paths()
    watched.until(lambda: b"new.png" in made.paths())


def test_an_unplugged_drive_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also by an index that remembers another folder: it may be this one, under another name."""
    monkeypatch.setattr(LocalStore, "origin", "another machine:/mnt/pictures")
    with album(tmp_path / "pictures") as made:
        for number in range(5):
            made.put(f"{number}.png", number)
        watching = Watched(made, 0.1)
        watching.until(lambda: len(made.paths()) == 5)
        for number in range(5):
            (made.folder / f"{number}.png").rename(tmp_path / f"{number}.png")
        watching.until(lambda: len(watching.reports) == 2)
        notice = watching.reports[1].skipped_notice
        assert notice is not None and notice.startswith("5 of the 5 pictures")
        time.sleep(0.5)
        assert len(watching.reports) == 2  # it is said once
        for number in range(5):
            (tmp_path / f"{number}.png").rename(made.folder / f"{number}.png")
        made.put("new.png", 50)
        watching.until(lambda: b"new.png" in made.paths())
        watching.end()
        (made.folder / "new.png").unlink()
        for number in range(5):
            (made.folder / f"{number}.png").unlink()
        again = Watched(made, 0.1)
        again.thread.join(20)
        assert [type(error) for error in again.errors] == [IndexOfAnotherFolder]


@pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX only")
def test_a_name_that_is_no_text(watched: Watched) -> None:
    watched.album.put(os.fsdecode(b"caf\xe9.png"), 60)
    watched.until(lambda: b"caf\xe9.png" in watched.album.paths())


def test_only_pictures_tick(tmp_path: Path) -> None:
    stop, ticks = threading.Event(), []
    (tmp_path / ".sightword").mkdir()

    def listen() -> None:
        ticks.extend(changes_in(tmp_path, stop))

    thread = threading.Thread(target=listen)
    thread.start()
    time.sleep(0.6)
    (tmp_path / ".sightword" / "index.db").write_bytes(b"x")
    (tmp_path / "notes.txt").write_bytes(b"x")
    (tmp_path / ".hidden.png").write_bytes(b"x")
    time.sleep(1.2)
    stop.set()
    thread.join(5)
    assert len(ticks) == 1  # the one at the start


def test_polling_when_the_system_does_not_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr("watchfiles.watch", refuse)
    monkeypatch.setattr(watch_module, "POLL_SECONDS", 0.05)
    stop = threading.Event()
    ticks = changes_in(tmp_path, stop)
    assert [next(ticks) for _ in range(3)] == [None] * 3
    stop.set()
    assert list(ticks) == []
