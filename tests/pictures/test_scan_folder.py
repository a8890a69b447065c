"""Walking a folder."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from sightword.errors import UsageError
from sightword.pictures.scan import ScanProblem, scan

posix = pytest.mark.skipif(sys.platform == "win32", reason="names and links of POSIX")


def make(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")


def paths(root: Path, problems: list[ScanProblem] | None = None) -> list[bytes]:
    return [file.path for file in scan(root, problems)]


def test_pictures_by_name_in_order(tmp_path: Path) -> None:
    make(tmp_path, "b.JPG", "a.png", "notes.txt", "z/1.heic", "m/deep/er/2.TIFF", "png", ".png", "a.png.part")
    assert paths(tmp_path) == [b"a.png", b"b.JPG", b"m/deep/er/2.TIFF", b"z/1.heic"]


def test_state(tmp_path: Path) -> None:
    make(tmp_path, "a.png")
    os.utime(tmp_path / "a.png", ns=(5, 1_234_567_891))
    (file,) = scan(tmp_path)
    assert (file.size, file.mtime_ns) == (1, 1_234_567_891)


def test_what_is_not_entered(tmp_path: Path) -> None:
    make(tmp_path, ".sightword/a.png", "sub/.sightword/b.png", ".git/c.png", ".hidden.png", "._d.jpg")
    make(tmp_path, "$RECYCLE.BIN/e.png", "@eaDir/f.png", "__MACOSX/g.png", "sightword/h.png")
    assert paths(tmp_path) == [b"sightword/h.png"]


@posix
def test_links(tmp_path: Path) -> None:
    folder, outside = tmp_path / "folder", tmp_path / "outside"
    make(folder, "real/a.png", ".store/object")
    make(outside, "secret.png", "key")
    (folder / "loop").symlink_to(folder)
    (folder / "real" / "up").symlink_to("..")
    (folder / "out").symlink_to(outside)
    (folder / "annex.png").symlink_to(".store/object")
    (folder / "secret.png").symlink_to(outside / "secret.png")
    (folder / "key.png").symlink_to("../outside/key")
    (folder / "nowhere.png").symlink_to("missing.png")
    (folder / "self.png").symlink_to("self.png")
    problems: list[ScanProblem] = []
    assert paths(folder, problems) == [b"annex.png", b"real/a.png"]
    leaving = {p.path for p in problems if "leads out" in p.reason}
    assert leaving == {b"secret.png", b"key.png"}
    assert not any(p.hides for p in problems if "leads out" in p.reason)


@posix
def test_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    make(tmp_path / "real", "a.png")
    (tmp_path / "real" / "b.png").symlink_to("a.png")
    (tmp_path / "link").symlink_to("real")
    assert paths(tmp_path / "link") == [b"a.png", b"b.png"]


@posix
def test_hostile_names(tmp_path: Path) -> None:
    names = [
        b"<img src=x onerror=alert(1)>.png",
        b"\x1b[31m.png",
        b"caf\xe9.png",
        b"new\nline.png",
        b"  .png",
        b"-rf.png",
    ]
    for name in names:
        with open(os.path.join(os.fsencode(tmp_path), name), "wb"):  # noqa: PTH118, PTH123 - bytes
            pass
    assert paths(tmp_path) == sorted(names)


@posix
def test_pipes_and_folders_with_picture_names(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    make(tmp_path, "folder.png/a.png")
    assert paths(tmp_path) == [b"folder.png/a.png"]


def test_unreadable_folders_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "a.png", "locked/b.png", "open/c.png")
    listing = os.scandir  # the tests may run as root, whom no permission stops

    def refusing(path: bytes) -> object:
        if path.endswith(b"locked"):
            raise PermissionError(13, "Permission denied")
        return listing(path)

    monkeypatch.setattr(os, "scandir", refusing)
    problems: list[ScanProblem] = []
    assert paths(tmp_path, problems) == [b"a.png", b"open/c.png"]
    assert problems == [ScanProblem(b"locked", "The folder cannot be read: Permission denied.", True)]


def test_a_folder_that_vanishes_during_the_walk(tmp_path: Path) -> None:
    make(tmp_path, "a.png", "b/c.png", "d/e.png")
    problems: list[ScanProblem] = []
    walk = scan(tmp_path, problems)
    assert next(walk).path == b"a.png"
    (tmp_path / "b" / "c.png").unlink()
    (tmp_path / "b").rmdir()
    assert [file.path for file in walk] == [b"d/e.png"]
    assert problems == []


def test_no_such_folder(tmp_path: Path) -> None:
    make(tmp_path, "file")
    with pytest.raises(UsageError, match="missing: No such file or directory"):
        paths(tmp_path / "missing")
    with pytest.raises(UsageError, match="file: Not a directory"):
        paths(tmp_path / "file")


@pytest.mark.slow
def test_fifty_thousand_files(tmp_path: Path) -> None:
    for folder in range(50):
        (tmp_path / str(folder)).mkdir()
        for number in range(1000):
            (tmp_path / str(folder) / f"{number}.jpg").touch()
    before = time.process_time()
    assert len(paths(tmp_path)) == 50_000
    assert time.process_time() - before < 3  # about 0.3 s on a quiet machine
