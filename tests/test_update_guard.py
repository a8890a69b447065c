"""A scan that is not believed hides nothing and renames nothing; the wrong folder is told."""

from __future__ import annotations

import os
import shutil
import socket
import threading
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sightword.errors import IndexOfAnotherFolder
from sightword.index.origin import origin_of, shown_origin
from sightword.index.store import LocalStore
from sightword.index.writer import LocalWriter
from update_helpers import Album, album, counts


@pytest.fixture
def pictures(tmp_path: Path) -> Iterator[Album]:
    """Ten pictures, indexed."""
    with album(tmp_path / "pictures") as made:
        for number in range(10):
            made.put(f"{number}.png", number)
        made.update()
        made.backbone.encoded = made.backbone.loads = 0
        yield made


@pytest.fixture
def origin(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the index says of the folder that it was filled from; nothing at first, as on a cluster."""
    said = [""]
    monkeypatch.setattr(LocalStore, "origin", property(lambda store: said[0]))
    monkeypatch.setattr(LocalWriter, "filled_from", lambda writer, name: said.__setitem__(0, name))
    return said


def other_folder(pictures: Album, tmp_path: Path) -> Path:
    """Another folder: copies of two of the pictures under other names, one of them older, and one more."""
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy2(pictures.folder / "1.png", other / "one.png")
    shutil.copy2(pictures.folder / "2.png", other / "two.png")
    os.utime(other / "two.png", (1e9, 1e9))
    shutil.copy2(pictures.put("elsewhere/x.png", 99), other / "x.png")
    shutil.rmtree(pictures.folder / "elsewhere")
    return other


def test_what_vanishes_with_many_others_is_copied_and_not_renamed(pictures: Album, tmp_path: Path) -> None:
    before = pictures.store.known()
    pictures.folder = other_folder(pictures, tmp_path)
    report = pictures.update()
    assert counts(report) == {"added": 3}
    assert report.skipped_notice is not None and report.skipped_notice.startswith("8 of 10 pictures")
    after = pictures.store.known()
    assert {path: after[path] for path in before} == before
    assert np.array_equal(pictures.feature("one.png"), pictures.feature("1.png"))
    assert pictures.backbone.encoded == 2  # x.png alone (never encoded alone, see `Encoder`)


def test_another_unicode_form_is_not_renamed_either(tmp_path: Path) -> None:
    with album(tmp_path / "pictures") as made:
        path = made.put(unicodedata.normalize("NFC", "é.png"), 9)
        for number in range(4):
            made.put(f"{number}.png", number)
        made.update()
        path.rename(made.folder / unicodedata.normalize("NFD", "é.png"))
        for number in range(3):
            (made.folder / f"{number}.png").unlink()
        report = made.update()
        assert counts(report) == {"added": 1}
        assert report.skipped_notice is not None and report.skipped_notice.startswith("3 of 5 pictures")
        assert len(made.paths()) == 6
        assert counts(made.update(prune=True)) == {"gone": 4}


def test_few_that_vanish_among_many_that_moved_are_believed(pictures: Album) -> None:
    (pictures.folder / "sub").mkdir()
    for number in range(8):
        (pictures.folder / f"{number}.png").rename(pictures.folder / "sub" / f"{number}.png")
    (pictures.folder / "8.png").unlink()
    assert counts(pictures.update()) == {"moved": 8, "gone": 1}
    assert pictures.backbone.loads == 0


def test_stopped_while_looking_nothing_is_renamed(
    pictures: Album, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (pictures.folder / "sub").mkdir()
    for number in range(10):
        (pictures.folder / f"{number}.png").rename(pictures.folder / "sub" / f"{number}.png")
    before, stop = pictures.store.known(), threading.Event()
    monkeypatch.setattr("sightword.update.guard._AT_ONCE", 1)
    from sightword.update import guard

    hash_file = guard.hash_file

    def stopped(path: bytes) -> tuple[bytes, int, int]:
        stop.set()
        return hash_file(path)

    monkeypatch.setattr(guard, "hash_file", stopped)
    report = pictures.update(stop=stop)
    assert report.interrupted and counts(report) == {}
    assert report.skipped_notice is None  # nothing was found out
    assert pictures.store.known() == before
    monkeypatch.setattr(guard, "hash_file", hash_file)
    assert counts(pictures.update()) == {"moved": 10}


def test_the_wrong_folder_is_refused_by_an_index_that_knows_its_own(
    pictures: Album, tmp_path: Path, origin: list[str]
) -> None:
    before = pictures.store.known()
    right, wrong = pictures.folder, other_folder(pictures, tmp_path)
    origin[0] = origin_of(right)
    pictures.folder = wrong
    with pytest.raises(IndexOfAnotherFolder) as caught:
        pictures.update()
    assert (
        f"which was filled from {shown_origin(origin_of(right))}, are not in {wrong}" in caught.value.message
    )
    assert caught.value.message.startswith("8 of the 10 pictures of ")
    assert caught.value.public == (
        "8 of the 10 pictures of the index are not in the folder, so nothing was changed."
    )
    assert caught.value.hint is not None and caught.value.hint.endswith("--prune")
    assert f"sightword index {wrong} --index " in caught.value.hint
    assert (caught.value.exit_code, caught.value.waiting) == (3, 3)
    assert pictures.store.known() == before and pictures.backbone.loads == 0
    (tmp_path / "empty").mkdir()
    pictures.folder = tmp_path / "empty"
    with pytest.raises(IndexOfAnotherFolder, match="10 of the 10"):
        pictures.update()
    pictures.folder = wrong
    # A moved one is moved, eight are gone.
    assert counts(pictures.update(prune=True)) == {"added": 1, "moved": 2, "gone": 8}


def test_an_unknown_folder_is_refused_likewise(pictures: Album, tmp_path: Path, origin: list[str]) -> None:
    pictures.folder = other_folder(pictures, tmp_path)
    with pytest.raises(IndexOfAnotherFolder, match=r"8 of the 10 pictures of .* are not in") as caught:
        pictures.update()
    assert "filled from" not in caught.value.message


def test_the_wrong_folder_may_have_the_same_names(pictures: Album, tmp_path: Path, origin: list[str]) -> None:
    before = pictures.store.known()
    origin[0] = origin_of(pictures.folder)
    pictures.folder = tmp_path / "camera"
    pictures.folder.mkdir()
    for number in range(10):
        pictures.put(f"{number}.png", 100 + number)
    with pytest.raises(IndexOfAnotherFolder, match=r"10 of the 10 pictures"):
        pictures.update()
    assert pictures.store.known() == before


def test_the_same_pictures_elsewhere_are_taken(pictures: Album, tmp_path: Path, origin: list[str]) -> None:
    origin[0] = "another machine:/mnt/pictures"
    shutil.copytree(pictures.folder, tmp_path / "mounted", ignore=shutil.ignore_patterns(".sightword"))
    pictures.folder = tmp_path / "mounted"
    for path in pictures.folder.glob("*.png"):  # copied without their times
        os.utime(path)
    pictures.put("new.png", 50)
    assert counts(pictures.update()) == {"added": 1}
    assert len(pictures.paths()) == 11


def test_its_own_folder_is_an_unplugged_drive(pictures: Album, origin: list[str]) -> None:
    origin[0] = origin_of(pictures.folder)
    for number in range(5):
        (pictures.folder / f"{number}.png").unlink()
    pictures.put("new.png", 50)
    report = pictures.update()
    assert counts(report) == {"added": 1}
    assert report.skipped_notice is not None and "unplugged" in report.skipped_notice


def test_an_edited_folder_is_its_own(pictures: Album, origin: list[str]) -> None:
    origin[0] = origin_of(pictures.folder)
    for number in range(10):
        pictures.put(f"{number}.png", 100 + number, age=50)
    assert counts(pictures.update()) == {"changed": 10}


def test_an_index_in_sync_learns_its_folder(pictures: Album, origin: list[str], tmp_path: Path) -> None:
    folder, away = pictures.folder, tmp_path / "away"
    pictures.update(files=[])
    assert origin == [""]  # nobody looked
    with pictures.store.writer():
        assert counts(pictures.update()) == {}  # nothing to do, so a writer is not waited for
    assert origin == [""]
    assert counts(pictures.update()) == {}
    assert origin == [origin_of(folder)]
    away.mkdir()
    for path in folder.glob("*.png"):
        path.rename(away / path.name)
    notice = pictures.update().skipped_notice
    assert notice is not None and "unplugged" in notice


def test_what_cannot_be_seen_teaches_nothing(pictures: Album, origin: list[str]) -> None:
    from sightword.pictures.scan import ScanProblem
    from sightword.update import run

    (pictures.folder / "sub").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        scan = run.scan

        def partly(root: bytes, problems: list[ScanProblem]) -> Iterator[object]:
            problems.append(ScanProblem(b"sub", "It cannot be read.", True))
            return scan(root, problems)

        patch.setattr(run, "scan", partly)
        pictures.update()
    assert origin == [""]


def test_its_own_folder_under_another_machine_name(
    pictures: Album, origin: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    origin[0] = origin_of(pictures.folder)
    monkeypatch.setattr("socket.gethostname", lambda: "dhcp-7")
    for number in range(5):
        (pictures.folder / f"{number}.png").unlink()
    notice = pictures.update().skipped_notice
    assert notice is not None and "unplugged" in notice


def test_an_older_collection_knows_its_folder(pictures: Album, origin: list[str]) -> None:
    origin[0] = f"{socket.gethostname()}:{os.path.realpath(pictures.folder)}"
    for number in range(5):
        (pictures.folder / f"{number}.png").unlink()
    assert pictures.update().skipped_notice is not None
