"""A full disk is told in a sentence; what was acknowledged stays."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest
from mounts import tmpfs
from samples import MANIFEST, Model, assert_same, picture, pictures

from sightword.errors import SightwordError
from sightword.index import writer as writing
from sightword.index.files import Disk
from sightword.index.location import locate
from sightword.index.store import LocalStore, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LocalStore]:
    """Twenty pictures."""
    with open_store(tmp_path, create=MANIFEST) as store:
        with store.writer() as writer:
            writer.add(pictures(range(20)))
        yield store


def model_of(last: int) -> Model:
    """The first pictures."""
    model = Model()
    model.add(pictures(range(last)))
    return model


def test_a_full_database_loses_nothing(store: LocalStore) -> None:
    with store.writer() as writer:
        pages = writer.connection.execute("PRAGMA page_count").fetchone()[0]
        writer.connection.execute(f"PRAGMA max_page_count = {pages + 2}")
        acknowledged = 20
        with pytest.raises(SightwordError) as caught:
            for start in range(20, 2000, 10):
                writer.add(pictures(range(start, start + 10)))
                acknowledged = start + 10
        assert "no room left" in caught.value.message
        assert str(store.path) in caught.value.message
        assert "--index" in str(caught.value.hint)
        assert_same(store, model_of(acknowledged))
        writer.connection.execute("PRAGMA max_page_count = 1000000")  # somebody made room
        writer.add(pictures(range(acknowledged, acknowledged + 10)))
    assert acknowledged > 20
    assert_same(store, model_of(acknowledged + 10))
    assert store.check().problems == []


class FullDisk(Disk):
    """Room for the database, none for the matrix file."""

    full = True

    def write(self, file: IO[bytes], data: bytes | memoryview) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        super().write(file, data)


def test_no_room_for_the_matrix_costs_speed_only(tmp_path: Path) -> None:
    open_store(tmp_path, create=MANIFEST).close()
    disk = FullDisk()
    with LocalStore(locate(tmp_path), disk=disk) as store:
        with store.writer() as writer:
            writer.add(pictures(range(20)))
            writer.finish()
            assert writer.notice is not None
            assert "slower" in writer.notice
        assert list(store.location.directory.glob("matrix-*")) == []
        assert_same(store, model_of(20))
        disk.full = False
        with store.writer():
            pass
        assert len(list(store.location.directory.glob("matrix-*"))) == 1
        assert_same(store, model_of(20))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs the right to mount")
def test_a_disk_that_is_really_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "TAIL_ROWS", 200)
    with tmpfs(tmp_path / "disk", "1m") as folder:
        acknowledged = 0
        with open_store(folder, create=MANIFEST) as store:
            with pytest.raises(SightwordError, match="no room left"), store.writer() as writer:
                for start in range(0, 20_000, 50):
                    writer.add(pictures(range(start, start + 50)))
                    acknowledged = start + 50
            assert acknowledged > 500
            assert len(store.known()) == acknowledged
            (hit,) = store.scan(model_of(1).stored(picture(0)), 1)
            assert hit.picture.path == picture(0).path
        with open_store(folder) as store:
            assert len(store.known()) == acknowledged
            assert store.check(repair=False).problems == []
            with store.writer() as writer:  # nothing can be written now either, and nothing breaks
                with pytest.raises(SightwordError, match="no room left"):
                    for start in range(acknowledged, 20_000, 50):
                        writer.add(pictures(range(start, start + 50)))
                        acknowledged = start + 50
                writer.mark_gone([])
            assert len(store.known()) == acknowledged


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs the right to mount")
def test_no_room_to_begin(tmp_path: Path) -> None:
    with tmpfs(tmp_path / "disk", "64k") as folder:
        (folder / "film.mov").write_bytes(bytes(60_000))
        with pytest.raises(SightwordError, match="no room left"):
            open_store(folder, create=MANIFEST)
        (folder / "film.mov").unlink()
        with pytest.raises(SightwordError, match="There is no index"):
            open_store(folder)
