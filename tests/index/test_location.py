"""Where an index lives."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from samples import MANIFEST, pictures

from sightword.errors import IndexCorrupt, IndexMissing
from sightword.index import location
from sightword.index.location import BESIDE, cache_directory, is_network, locate
from sightword.index.store import open_store


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep away from the user's cache."""
    monkeypatch.setenv("SIGHTWORD_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of pictures."""
    made = tmp_path / "pictures"
    made.mkdir()
    return made


def test_beside_the_pictures_and_movable_with_them(folder: Path, tmp_path: Path) -> None:
    with open_store(folder, create=MANIFEST) as store:
        assert (store.location.directory, store.location.kind) == (folder / BESIDE, "beside")
        assert store.location.notice is None
        with store.writer() as writer:
            writer.add(pictures(range(5)))
    moved = tmp_path / "moved here"
    folder.rename(moved)
    with open_store(moved) as store:
        assert len(store.known()) == 5
    with pytest.raises(IndexMissing, match="pictures") as caught:
        open_store(folder)
    assert caught.value.hint is not None


def test_where_the_user_says(folder: Path, tmp_path: Path) -> None:
    with open_store(folder, index=tmp_path / "a" / "b", create=MANIFEST) as store:
        assert store.location.kind == "chosen"
        assert (tmp_path / "a" / "b" / "index.db").is_file()
    assert list(folder.iterdir()) == []


def test_nothing_is_made_when_only_reading(folder: Path) -> None:
    with pytest.raises(IndexMissing):
        open_store(folder)
    with pytest.raises(IndexMissing):
        open_store(folder, create=MANIFEST, readonly=True)
    assert list(folder.iterdir()) == []


def test_a_network_folder_uses_the_cache(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / BESIDE).mkdir()
    mounts = [("/", "ext4"), (str(folder.resolve().parent), "nfs4")]
    monkeypatch.setattr(location, "_mounts_linux", lambda: mounts)
    monkeypatch.setattr(sys, "platform", "linux")
    place = locate(folder)
    assert place.kind == "cache"
    assert place.directory == cache_directory(folder)
    assert place.directory.is_relative_to(cache)
    assert place.notice is not None
    assert "network" in place.notice
    with open_store(folder, create=MANIFEST) as store:
        assert store.info()["notice"] == place.notice
        assert store.location.exists


def test_two_folders_do_not_share_a_cache(folder: Path, tmp_path: Path) -> None:
    assert cache_directory(folder) != cache_directory(tmp_path)
    assert cache_directory(folder) == cache_directory(folder / ".." / folder.name)


def test_a_folder_that_cannot_be_written_uses_the_cache(
    folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writable = location.is_writable
    monkeypatch.setattr(
        location, "is_writable", lambda path: folder not in (path, path.parent) and writable(path)
    )
    place = locate(folder)
    assert (place.kind, place.writable) == ("cache", True)
    assert place.notice is not None
    assert str(place.directory) in place.notice


def test_an_index_in_a_folder_that_cannot_be_written_is_used(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_store(folder, create=MANIFEST).close()
    monkeypatch.setattr(location, "is_writable", lambda path: False)
    place = locate(folder)
    assert (place.kind, place.writable) == ("beside", False)
    assert place.notice is not None
    assert "--index" in place.notice


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="needs links")
def test_an_index_may_not_lead_elsewhere(folder: Path, tmp_path: Path) -> None:
    open_store(tmp_path / "other", create=MANIFEST).close()
    (folder / BESIDE).symlink_to(tmp_path / "other" / BESIDE)
    with pytest.raises(IndexCorrupt, match=r"\.sightword") as caught:
        open_store(folder)
    assert "--index" in str(caught.value.hint)
    (folder / BESIDE).unlink()
    (folder / BESIDE).write_text("a file")
    with pytest.raises(IndexCorrupt, match=r"\.sightword"):
        open_store(folder, create=MANIFEST)


MOUNTINFO = """22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/root rw
30 22 0:26 / /mnt/with\\040space rw - fuse.sshfs me@there: rw
31 22 0:27 / /mnt/with\\040space/local rw shared:5 master:1 - ext4 /dev/sdb rw
32 22 0:28 / /home rw - nfs4 server:/home rw
33 22 0:28 / /home rw - ext4 /dev/over rw
odd line
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/srv/a", "ext4"),
        ("/mnt/with space/a", "fuse.sshfs"),
        ("/mnt/with space", "fuse.sshfs"),
        ("/mnt/with space 2", "ext4"),
        ("/mnt/with space/local/x", "ext4"),
        ("/home/me", "ext4"),
    ],
)
def test_mounts_are_read_as_linux_writes_them(
    path: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mountinfo").write_text(MOUNTINFO)
    monkeypatch.setattr(location, "Path", lambda _: tmp_path / "mountinfo")
    assert location._file_system(Path(path), location._mounts_linux()) == kind


def test_mounts_are_read_as_macos_writes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        "/dev/disk3s1 on / (apfs, local, journaled)\n"
        "//me@nas/photos on /Volumes/photos (smbfs, nodev, nosuid)\n"
        "map auto_home on /System/Volumes/Data/home (autofs)\n"
    )
    done = subprocess.CompletedProcess([], 0, stdout=text)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    mounts = location._mounts_macos()
    assert location._file_system(Path("/Volumes/photos/2024"), mounts) == "smbfs"
    assert location._file_system(Path("/Users/me"), mounts) == "apfs"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not is_network(Path("/"))


def test_this_folder_is_local(tmp_path: Path) -> None:
    assert not is_network(tmp_path)
