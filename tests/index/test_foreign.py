"""Databases that are not ours, not whole, or not harmless."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from samples import MANIFEST, feature, picture, pictures, unit

from sightword.errors import IndexCorrupt, IndexForAnotherBackbone, IndexMissing
from sightword.index.base import Manifest
from sightword.index.check import check_folder
from sightword.index.location import BESIDE
from sightword.index.schema import VERSION
from sightword.index.store import open_store, require


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """The database of an index with 20 pictures."""
    with open_store(tmp_path, create=MANIFEST) as store, store.writer() as writer:
        writer.add(pictures(range(20)))
    return tmp_path / BESIDE / "index.db"


def execute(database: Path, *statements: str, parameters: tuple[object, ...] = ()) -> None:
    """Change a database as a stranger would."""
    connection = sqlite3.connect(database, isolation_level=None)
    for statement in statements:
        connection.execute(statement, parameters)
    connection.close()


def garbage(path: Path) -> None:
    path.write_bytes(os.urandom(9000))


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:20_000])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def foreign(path: Path) -> None:
    path.unlink()
    execute(path, "CREATE TABLE bookmarks (url TEXT)")


def statement(sql: str) -> Callable[[Path], None]:
    return lambda path: execute(path, sql)


BROKEN: dict[str, tuple[Callable[[Path], None], str]] = {
    "garbage": (garbage, "damaged"),
    "truncated": (truncated, "damaged"),
    "empty": (empty, "another program"),
    "foreign": (foreign, "another program"),
    "trigger": (
        statement("CREATE TRIGGER t AFTER INSERT ON pictures BEGIN DELETE FROM vectors; END"),
        "does not have the tables",
    ),
    "view": (statement("CREATE VIEW v AS SELECT load_extension('x')"), "does not have the tables"),
    "table dropped": (statement("DROP TABLE vectors"), "does not have the tables"),
    "column added": (statement("ALTER TABLE pictures ADD COLUMN x"), "does not have the tables"),
    "dim": (statement("UPDATE meta SET value = 0 WHERE key = 'dim'"), "manifest"),
    "dim text": (statement("UPDATE meta SET value = 'x' WHERE key = 'dim'"), "manifest"),
    "dtype": (statement("UPDATE meta SET value = 'float16' WHERE key = 'dtype'"), "manifest"),
    "no name": (statement("DELETE FROM meta WHERE key = 'backbone'"), "manifest"),
    "no generation": (statement("DELETE FROM meta WHERE key = 'generation'"), "manifest"),
    "evil generation": (statement("UPDATE meta SET value = '../../x' WHERE key = 'generation'"), "manifest"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_it_is_refused_in_a_sentence_and_set_aside(database: Path, name: str) -> None:
    damage, words = BROKEN[name]
    folder = database.parent.parent
    damage(database)
    with pytest.raises(IndexCorrupt) as caught, open_store(folder) as store:
        store.scan(unit(feature(1)), 3)
        store.known()
    assert words in caught.value.message
    assert str(database) in caught.value.message
    assert caught.value.hint is not None
    looked = check_folder(folder, repair=False)
    assert not looked.ok
    assert database.exists()
    mended = check_folder(folder)
    assert mended.ok, mended
    assert mended.problems != []
    assert (database.parent / "index.db.broken").exists()
    with open_store(folder, create=MANIFEST) as store:
        assert store.check().problems == []


def test_a_newer_version_is_left_alone(database: Path) -> None:
    execute(database, f"PRAGMA user_version = {VERSION + 1}")
    before = database.read_bytes()
    with pytest.raises(IndexCorrupt, match=f"version {VERSION + 1}") as caught:
        open_store(database.parent.parent)
    assert "Upgrade" in str(caught.value.hint)
    assert not check_folder(database.parent.parent).ok
    assert database.read_bytes() == before


@pytest.mark.parametrize("path", [b"/etc/passwd", b"../../x", b"a/../../b", b"", b"a\0b", "text.jpg"])
def test_rows_that_lead_outside_are_refused(database: Path, path: object) -> None:
    execute(database, "UPDATE pictures SET path = ? WHERE id = 4", parameters=(path,))
    with open_store(database.parent.parent) as store:
        with pytest.raises(IndexCorrupt, match="not inside its folder"):
            store.known()
        with pytest.raises(IndexCorrupt, match="not inside its folder"):
            store.scan(unit(feature(3)), 1)
        report = store.check()
        assert report.ok
        assert len(report.repaired) == 1
        assert len(store.known()) == 19
        assert b"folder0/picture 003.jpg" not in {
            hit.picture.path for hit in store.scan(unit(feature(3)), 20)
        }


def test_failures_that_lead_outside_are_refused(database: Path) -> None:
    execute(database, "INSERT INTO failures VALUES (x'2f78', 1, 2, 'x')")
    with open_store(database.parent.parent) as store:
        for ask in (store.known, store.failures):
            with pytest.raises(IndexCorrupt, match="not inside its folder"):
                ask()
        assert store.check().ok
        assert store.failures() == []


@pytest.mark.parametrize("column", ["size", "mtime_ns", "content_hash", "width", "height", "taken"])
def test_values_of_the_wrong_kind_are_refused(database: Path, column: str) -> None:
    execute(database, f"UPDATE pictures SET {column} = 'evil' WHERE id = 4")
    with open_store(database.parent.parent) as store:
        with pytest.raises(IndexCorrupt, match="damaged"):
            store.scan(unit(feature(3)), 1)
        assert store.check().ok
        assert store.scan(unit(feature(3)), 1)[0].picture.path != picture(3).path


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="needs links")
@pytest.mark.parametrize("name", ["index.db", "index.db-wal", "index.db-shm", "matrix-000001.bin", "lock"])
def test_links_are_refused(database: Path, tmp_path: Path, name: str) -> None:
    victim = tmp_path / "victim"
    source = database.parent / name
    if source.exists():
        shutil.copy(source, victim)
        source.unlink()
    else:
        victim.write_bytes(b"precious")
    before = victim.read_bytes()
    source.symlink_to(victim)
    with pytest.raises(IndexCorrupt, match=name), open_store(database.parent.parent, create=MANIFEST):
        pass
    assert victim.read_bytes() == before


def test_the_log_of_a_deleted_database_is_not_played_into_a_new_one(database: Path) -> None:
    folder = database.parent.parent
    with open_store(folder) as store, store.writer() as writer:
        writer.add(pictures(range(20, 40)))
        log = database.with_name("index.db-wal").read_bytes()
    for path in database.parent.iterdir():
        path.unlink()
    database.with_name("index.db-wal").write_bytes(log)
    with open_store(folder, create=MANIFEST) as store:
        assert store.known() == {}
        assert store.check().problems == []


def test_a_replaced_database_is_noticed(database: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    with open_store(other, create=MANIFEST) as store, store.writer() as writer:
        writer.add(pictures(range(50, 53)))
    with open_store(database.parent.parent) as store:
        assert len(store.known()) == 20
        (other / BESIDE / "index.db").replace(database)
        assert len(store.known()) == 3
        # The matrix file beside it belongs to the other database: its token says so.
        assert {hit.picture.path for hit in store.scan(unit(feature(1)), 9)} == {
            item.path for item in pictures(range(50, 53))
        }
        database.unlink()
        with pytest.raises(IndexMissing, match="vanished"):
            store.known()


def test_another_backbone_is_refused(tiny_backbone) -> None:  # type: ignore[no-untyped-def]
    spec = tiny_backbone.spec
    require(Manifest(spec.name, spec.weights_hash, "product", spec.dim), spec)
    require(Manifest("renamed", spec.weights_hash, "product", spec.dim), spec)
    with pytest.raises(IndexForAnotherBackbone, match="backbone other"):
        require(Manifest("other", "1" * 64, "product", spec.dim), spec)
    with pytest.raises(IndexForAnotherBackbone, match="other weights"):
        require(Manifest(spec.name, "1" * 64, "product", spec.dim), spec)
