"""Folders that misbehave: nothing here may be fatal."""

from __future__ import annotations

import os
import sys
import threading
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from made_pictures import COLOURED, GREY, encoded, noise, with_orientation
from sightword.pictures import pool
from sightword.update import read
from update_helpers import Album, album, counts

posix = pytest.mark.skipif(sys.platform == "win32", reason="names and permissions of POSIX")


def test_every_format_at_once(tmp_path: Path) -> None:
    with album(tmp_path) as made:
        for name, make in {**COLOURED, **GREY}.items():
            made.write(name, make())
        assert counts(made.update()) == {"added": len(COLOURED) + len(GREY)}


def test_orientations_give_equal_features(tmp_path: Path) -> None:
    with album(tmp_path) as made:
        for how in range(1, 9):
            made.write(f"{how}.png", with_orientation(how))
        made.update()
        upright = made.feature("1.png")
        for how in range(2, 9):
            assert np.abs(made.feature(f"{how}.png") - upright).max() < 1e-5


@posix
def test_hostile_names(tmp_path: Path) -> None:
    names = [
        b"<img src=x onerror=alert(1)>.png",
        b"\x1b[31m.png",
        b"caf\xe9.png",
        b"new\nline.png",
        b"-rf.png",
    ]
    with album(tmp_path) as made:
        for seed, name in enumerate(names):
            made.put(os.fsdecode(name), seed)
        assert counts(made.update()) == {"added": len(names)}
        assert made.paths() == sorted(names)
        assert counts(made.update()) == {}


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Played, because the tests may run as root, to whom nothing is forbidden."""
    listing = os.scandir

    def scandir(path: bytes | Path) -> object:
        if os.fsencode(path).endswith(b"locked"):
            raise PermissionError(13, "Permission denied")
        return listing(path)

    with album(tmp_path) as made:
        for seed, name in enumerate(("a.png", "locked/b.png", "locked/c.png", "d.png")):
            made.put(name, seed)
        made.update()
        made.put("secret.png", 9)
        monkeypatch.setattr(os, "scandir", scandir)
        monkeypatch.setattr(read, "DecodePool", partial(pool.DecodePool, program="faulty_worker"))
        report = made.update()
        assert counts(report) == {"failed": 1}
        assert made.store.failures()[0].reason == "The file cannot be read: Permission denied."
        assert [problem.path for problem in report.problems] == [b"locked"]
        assert b"locked/b.png" in made.paths(), "files behind a locked door are not gone"


def test_files_that_vanish_between_scan_and_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with album(tmp_path) as made:
        for number in range(10):
            made.put(f"{number}.png", number)
        made.update()
        made.put("3.png", 33, age=10)  # known, will vanish
        made.put("new.png", 44)  # unknown, will vanish
        made.put("stays.png", 55)
        before = pool.DecodePool.run

        def run(self: pool.DecodePool, files: list[tuple[bytes, bytes]], stop: threading.Event) -> object:
            for name in ("3.png", "new.png"):
                (tmp_path / name).unlink(missing_ok=True)
            return before(self, files, stop)

        monkeypatch.setattr(pool.DecodePool, "run", run)
        assert counts(made.update()) == {"added": 1, "gone": 1}
        assert made.store.failures() == []
        assert (b"new.png" in made.paths(), made.paths("gone")) == (False, [b"3.png"])


def half_copied(made: Album, seconds: float) -> threading.Thread:
    """Write the first half of a picture now and the rest after a while, as a slow copy does."""
    data = encoded(noise(50, 50), "PNG")
    path = made.write("copy.png", data[: len(data) // 2], age=0)

    def finish() -> None:
        time.sleep(seconds)
        with path.open("ab") as file:
            file.write(data[len(data) // 2 :])

    thread = threading.Thread(target=finish)
    thread.start()
    return thread


def test_half_copied_files_are_waited_for(tmp_path: Path) -> None:
    with album(tmp_path) as made:
        thread = half_copied(made, 0.6)
        assert counts(made.update(settle=0.8)) == {"added": 1}
        thread.join()
        assert made.store.failures() == []


def test_a_file_that_never_settles_is_left_for_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sightword.pictures.settling._PATIENCE", 0.5)
    with album(tmp_path) as made:
        path = made.write("log.png", b"\x89PNG\r\n\x1a\n", age=0)
        stop = threading.Event()

        def grow() -> None:
            while not stop.wait(0.05):
                with path.open("ab") as file:
                    file.write(b"more")

        thread = threading.Thread(target=grow)
        thread.start()
        assert counts(made.update(settle=0.5)) == {"waiting": 1}
        stop.set()
        thread.join()
        assert made.store.known() == {}


def test_without_waiting_a_half_file_fails_and_is_retried(tmp_path: Path) -> None:
    with album(tmp_path) as made:
        thread = half_copied(made, 0.6)
        assert counts(made.update()) == {"failed": 1}
        thread.join()
        assert counts(made.update()) == {"added": 1}


def test_an_old_broken_file_is_not_waited_for(tmp_path: Path) -> None:
    with album(tmp_path) as made:
        made.write("old.png", b"broken", age=60)
        before = time.monotonic()
        assert counts(made.update(settle=5.0)) == {"failed": 1}
        assert time.monotonic() - before < 4


def test_commits_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A killed update loses little: pictures are written while the rest is still being read."""
    monkeypatch.setattr(read, "_COMMIT_PICTURES", 10)
    sizes: list[int] = []
    with album(tmp_path) as made:
        for number in range(35):
            made.put(f"{number}.png", number)
        with made.store.writer() as writer:
            kind = type(writer)
        add = kind.add

        def counted(self: object, pictures: list[object]) -> None:
            sizes.append(len(pictures))
            add(self, pictures)  # type: ignore[arg-type]

        monkeypatch.setattr(kind, "add", counted)
        made.update(batch=5)
    assert sum(sizes) == 35 and max(sizes) <= 10


@pytest.mark.slow
def test_ten_thousand_files(tmp_path: Path) -> None:
    small = [encoded(noise(8, 8, seed), "PNG") for seed in range(50)]
    with album(tmp_path) as made:
        for number in range(10_000):
            made.write(f"{number}.png", small[number % 50] + number.to_bytes(4, "big"))
        assert counts(made.update(workers=2)) == {"added": 10_000}
        before = time.process_time()
        assert counts(made.update()) == {}
        assert time.process_time() - before < 2
