"""Indexes in places that cannot be written: a DVD, an archive, somebody else's folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from mounts import tmpfs, unwritable
from samples import MANIFEST, Model, assert_same, pictures

from sightword.errors import IndexProblem
from sightword.index import location
from sightword.index.location import BESIDE
from sightword.index.store import LocalStore, open_store

if not hasattr(os, "geteuid"):
    pytest.skip("modes and mounts of this system differ", allow_module_level=True)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder that `unwritable` can lock."""
    if os.geteuid() == 0:
        with tmpfs(tmp_path / "disk", "8m") as path:
            yield path
    else:
        (tmp_path / "disk").mkdir()
        yield tmp_path / "disk"


def filled(folder: Path) -> Model:
    """Index some pictures, the last ones after the matrix file was written."""
    model = Model()
    with open_store(folder, create=MANIFEST) as store, store.writer() as writer:
        writer.add(pictures(range(20)))
        model.add(pictures(range(20)))
    return model


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file of the index."""
    return {path.name: path.read_bytes() for path in (folder / BESIDE).iterdir()}


def mode(store: LocalStore) -> str:
    """How the database was opened."""
    return store._reader.mode


def test_it_is_read_in_place(folder: Path) -> None:
    model = filled(folder)
    before = snapshot(folder)
    with unwritable(folder), open_store(folder) as store:
        assert (mode(store), store.readonly) == ("frozen", True)
        assert_same(store, model)
        assert store.info()["writable"] is False
        assert store.check(repair=True).problems == []
        with pytest.raises(IndexProblem, match="only be read"), store.writer():
            pass
        with pytest.raises(IndexProblem, match="only be read"):
            store.compact()
    assert snapshot(folder) == before


def test_a_log_that_a_crash_left_is_read_from_a_copy(folder: Path, tmp_path: Path) -> None:
    model = filled(folder)
    crashed = tmp_path / "crashed"
    with open_store(folder) as store, store.writer() as writer:
        writer.add(pictures(range(20, 30)))
        model.add(pictures(range(20, 30)))
        shutil.copytree(folder / BESIDE, crashed)
    shutil.rmtree(folder / BESIDE)
    shutil.copytree(crashed, folder / BESIDE)
    (folder / BESIDE / "index.db-shm").unlink()
    assert (folder / BESIDE / "index.db-wal").stat().st_size > 0
    before = snapshot(folder)
    with unwritable(folder):
        with open_store(folder) as store:
            assert mode(store) == "copy"
            assert_same(store, model)
            copy = Path(store._reader.copy.name)  # type: ignore[union-attr]
            assert copy.is_dir()
        assert not copy.exists()
    assert snapshot(folder) == before


def test_readers_never_write(folder: Path) -> None:
    model = filled(folder)
    files = ("index.db", "matrix-000001.bin")
    before = {name: data for name, data in snapshot(folder).items() if name in files}
    with open_store(folder, readonly=True) as store:
        assert mode(store) == "shared"
        assert_same(store, model)
        store.check()
    assert {name: data for name, data in snapshot(folder).items() if name in files} == before


def test_somebody_with_more_rights_starts_to_write(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = filled(folder)
    with monkeypatch.context() as patch:
        patch.setattr(location, "is_writable", lambda path: False)
        reader = open_store(folder)
    with reader:
        assert mode(reader) == "frozen"
        assert_same(reader, model)
        with open_store(folder) as store, store.writer() as writer:
            writer.add(pictures(range(20, 25)))
            model.add(pictures(range(20, 25)))
            assert_same(reader, model)
            assert mode(reader) == "shared"
