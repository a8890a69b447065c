"""What a power cut may catch: every file is flushed before its name, every name before its use."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import IO

import pytest
from samples import MANIFEST, pictures

from sightword.index.connection import connect_writer
from sightword.index.creation import create_index
from sightword.index.files import Disk
from sightword.index.location import locate
from sightword.index.salvage import salvage
from sightword.index.store import LocalStore, open_store


class RecordingDisk(Disk):
    """Does everything, and writes down in which order."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []

    def create(self, path: Path) -> IO[bytes]:
        self.events.append(("create", path.name))
        return super().create(path)

    def write(self, file: IO[bytes], data: bytes | memoryview) -> None:
        self.events.append(("write", Path(file.name).name))
        super().write(file, data)

    def sync(self, file: IO[bytes]) -> None:
        super().sync(file)
        self.events.append(("sync", Path(file.name).name))

    def rename(self, source: Path, target: Path) -> None:
        self.events.append(("rename", f"{source.name} > {target.name}"))
        super().rename(source, target)

    def sync_dir(self, directory: Path) -> None:
        super().sync_dir(directory)
        self.events.append(("sync_dir", directory.name))

    def remove(self, path: Path) -> None:
        self.events.append(("remove", path.name))
        super().remove(path)

    def commit(self, connection: sqlite3.Connection) -> None:
        self.events.append(("commit", ""))
        super().commit(connection)


def test_a_matrix_file_is_safe_before_it_counts(tmp_path: Path) -> None:
    open_store(tmp_path, create=MANIFEST).close()
    disk = RecordingDisk()
    with LocalStore(locate(tmp_path), disk=disk) as store:
        with store.writer() as writer:
            writer.add(pictures(range(5)))
            disk.events.clear()
        unfinished = "matrix-000001.bin.tmp"
        assert disk.events[0] == ("create", unfinished)
        writes = [event for event in disk.events if event[0] == "write"]
        assert len(writes) > 3
        assert set(writes) == {("write", unfinished)}
        # Nothing is written after the flush, and the database names the file only when its name is safe.
        assert disk.events[1 + len(writes) :] == [
            ("sync", unfinished),
            ("rename", f"{unfinished} > matrix-000001.bin"),
            ("sync_dir", ".sightword"),
            ("commit", ""),
        ]
        disk.events.clear()
        with store.writer() as writer:
            writer.add(pictures(range(9)))
        kinds = [kind for kind, _ in disk.events if kind != "write"]
        assert kinds == ["commit", "create", "sync", "rename", "sync_dir", "commit"]
        disk.events.clear()
        with store.writer():
            assert disk.events == [("remove", "matrix-000001.bin")]  # only after its successor was safe


def test_a_new_database_is_safe_before_it_has_its_name(tmp_path: Path) -> None:
    disk = RecordingDisk()
    create_index(tmp_path / "index", MANIFEST, disk)
    assert [event for event in disk.events if event[0] != "remove"] == [
        ("sync", "index.db.new"),
        ("rename", "index.db.new > index.db"),
        ("sync_dir", "index"),
        ("sync_dir", tmp_path.name),
    ]


def test_a_salvaged_database_is_safe_before_it_has_its_name(tmp_path: Path) -> None:
    with open_store(tmp_path, create=MANIFEST) as store, store.writer() as writer:
        writer.add(pictures(range(5)))
    disk = RecordingDisk()
    assert salvage(store.location.directory, MANIFEST, disk) == 5
    names = [event for event in disk.events if event[0] != "remove"]
    assert names.index(("sync", "index.db.new")) < names.index(("rename", "index.db > index.db.broken"))
    assert names[-2:] == [("rename", "index.db.new > index.db"), ("sync_dir", ".sightword")]


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("synchronous", 2), ("journal_mode", "wal"), ("fullfsync", 1), ("checkpoint_fullfsync", 1)],
)
def test_every_commit_reaches_the_medium(tmp_path: Path, pragma: str, value: object) -> None:
    open_store(tmp_path, create=MANIFEST).close()
    connection = connect_writer(tmp_path / ".sightword")
    assert connection.execute(f"PRAGMA {pragma}").fetchone()[0] == value
    assert connection.execute("PRAGMA trusted_schema").fetchone()[0] == 0
    connection.close()


def test_closing_empties_the_log(tmp_path: Path) -> None:
    log = tmp_path / ".sightword" / "index.db-wal"
    with open_store(tmp_path, create=MANIFEST) as store:
        with store.writer() as writer:
            writer.add(pictures(range(50)))
            store.known()
            assert log.stat().st_size > 0
        assert not log.exists() or log.stat().st_size == 0
