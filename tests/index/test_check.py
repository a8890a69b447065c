"""``check`` finds what is wrong, mends what is derived, and drops rows that cannot be right."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from samples import DIM, MANIFEST, Model, assert_same, feature, picture, pictures, unit

from sightword.errors import IndexBusy, SightwordError
from sightword.index.check import check_folder
from sightword.index.location import BESIDE
from sightword.index.matrix import open_matrix
from sightword.index.store import LocalStore, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LocalStore]:
    """Thirty pictures, two of them gone before the matrix was written."""
    with open_store(tmp_path, create=MANIFEST) as store:
        with store.writer() as writer:
            writer.add(pictures(range(30)))
            writer.mark_gone([picture(7).path, picture(8).path])
        yield store


def model_without(*seeds: int) -> Model:
    """The thirty pictures, some forgotten."""
    model = Model()
    model.add([item for seed, item in enumerate(pictures(range(30))) if seed not in seeds])
    model.mark_gone([picture(7).path, picture(8).path])
    return model


def execute(store: LocalStore, statement: str, *parameters: object) -> None:
    """Damage a row, as a cosmic ray would."""
    connection = sqlite3.connect(store.location.directory / "index.db", isolation_level=None)
    connection.execute(statement, parameters)
    connection.close()


def halves(length: int) -> bytes:
    """A vector that is not of unit length."""
    return np.full(length, 0.5, np.float32).tobytes()


ROWS = {
    "short vector": ("UPDATE vectors SET unit = ? WHERE id = 5", (b"short",)),
    "text vector": ("UPDATE vectors SET unit = ? WHERE id = 5", ("text",)),
    "not unit": ("UPDATE vectors SET unit = ? WHERE id = 5", (halves(DIM),)),
    "not a number": ("UPDATE vectors SET unit = ? WHERE id = 5", (np.full(DIM, np.nan, "<f4").tobytes(),)),
    "norm": ("UPDATE vectors SET norm = 0 WHERE id = 5", ()),
    "norm infinite": ("UPDATE vectors SET norm = 9e999 WHERE id = 5", ()),
    "no vector": ("DELETE FROM vectors WHERE id = 5", ()),
    "hash": ("UPDATE pictures SET content_hash = x'00' WHERE id = 5", ()),
    "width": ("UPDATE pictures SET width = 0 WHERE id = 5", ()),
    "path": ("UPDATE pictures SET path = x'2e2e2f78' WHERE id = 5", ()),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_row_that_cannot_be_right_is_dropped(store: LocalStore, name: str, tmp_path: Path) -> None:
    statement, parameters = ROWS[name]
    execute(store, statement, *parameters)
    with open_store(store.location.folder) as other:
        other.location.directory.joinpath("matrix-000001.bin").rename(tmp_path / "away")
        for ask in (
            lambda: other.get(5),
            lambda: other.vectors([5]),
            lambda: other.scan(unit(feature(4)), 1),
        ):
            with suppress(SightwordError):  # a sentence or an answer, never a traceback
                ask()
        (tmp_path / "away").rename(other.location.directory / "matrix-000001.bin")
    looked = store.check(repair=False)
    assert [problem.startswith("Picture 5 ") for problem in looked.problems[:1]] == [True]
    assert not looked.ok
    report = store.check()
    assert report.ok
    assert report.problems[0] == looked.problems[0]
    assert report.pictures == 27
    assert store.check(repair=False).problems == []
    assert_same(store, model_without(4), k=40)


def test_a_vector_without_a_picture_is_dropped(store: LocalStore) -> None:
    execute(store, "DELETE FROM pictures WHERE id = 5")
    report = store.check()
    assert report.ok
    assert report.problems[0] == "Picture 5 has a vector and no row."
    assert store.check().problems == []
    assert_same(store, model_without(4), k=40)


def test_dropped_rows_can_be_added_again(store: LocalStore) -> None:
    execute(store, "UPDATE vectors SET unit = x'00' WHERE id = 5")
    store.check()
    assert picture(4).path not in store.known()
    with store.writer() as writer:
        writer.add([picture(4)])
    assert_same(store, model_without(), k=40)


def matrix_path(store: LocalStore) -> Path:
    """The newest matrix file."""
    return max(store.location.directory.glob("matrix-*"))


@pytest.mark.parametrize("place", ["vectors", "live", "header", "missing"])
def test_the_matrix_is_compared_with_the_database(store: LocalStore, place: str) -> None:
    path = matrix_path(store)
    data = bytearray(path.read_bytes())
    if place == "missing":
        path.unlink()
    else:
        at = {"vectors": 4096 + 4 * (3 * DIM + 5), "live": len(data) - 2, "header": 12}[place]
        data[at] ^= 1
        path.unlink()
        path.write_bytes(data)
    with open_store(store.location.folder) as other:
        assert len(other.check(repair=False).problems) == 1
        report = other.check()
        assert report.ok
        assert "matrix" in report.repaired[0]
        assert other.check().problems == []
        assert_same(other, model_without(), k=40)


def test_a_matrix_that_holds_too_much_or_too_little_is_found(store: LocalStore) -> None:
    with store.reading() as connection:
        meta = dict(connection.execute("SELECT key, value FROM meta"))
    matrix = open_matrix(store.location.directory, MANIFEST, meta["generation"], meta["token"])
    assert matrix is not None
    execute(store, "DELETE FROM pictures WHERE id = 5")
    execute(store, "DELETE FROM vectors WHERE id = 5")  # nobody noted it in the log of changes
    report = store.check()
    assert "does not know" in report.repaired[0]
    assert report.ok
    execute(store, "UPDATE pictures SET gone = 0 WHERE id = 8")
    assert "gone" in store.check().repaired[0]
    execute(store, "INSERT INTO vectors SELECT 5, unit, norm FROM vectors WHERE id = 6")
    execute(
        store,
        "INSERT INTO pictures SELECT 5, x'61', size, mtime_ns, content_hash, width, height, format, taken, 0"
        " FROM pictures WHERE id = 6",
    )
    assert "lacks" in store.check().repaired[0]
    assert store.check().problems == []


def test_a_leftover_log_entry_is_no_problem(store: LocalStore) -> None:
    with store.writer() as writer:
        writer.mark_gone([picture(1).path])
        writer.touch({picture(7).path: (1, 2)})
        assert store.check(repair=False).problems == []


def test_a_damaged_page_costs_its_rows_only(store: LocalStore) -> None:
    with store.writer() as writer:
        writer.add(pictures(range(30, 400)))
    database = store.location.directory / "index.db"
    data = bytearray(database.read_bytes())
    marker = picture(200).feature.astype(np.float64)
    unit = (marker / np.sqrt((marker**2).sum())).astype("<f4").tobytes()
    page = bytes(data).index(unit) // 8192 * 8192
    data[page : page + 100] = b"\xff" * 100
    database.write_bytes(data)
    folder = store.location.folder
    store.close()
    assert not check_folder(folder, repair=False).ok
    report = check_folder(folder)
    assert report.ok, report
    assert "damaged" in report.problems[0]
    assert 200 < report.pictures < 398
    with open_store(folder) as after:
        assert after.check().problems == []
        known = after.known()
        assert picture(200).path not in known
        ids = {state.id for state in known.values()}
        with after.writer() as writer:
            writer.add(pictures(range(400)))
        assert not ids & {state.id for state in after.known().values()}
        assert len(after.known()) == 400
    assert (database.parent / "index.db.broken").exists()


def test_a_damaged_index_of_paths_is_rebuilt(store: LocalStore) -> None:
    execute(store, "PRAGMA writable_schema = ON")
    connection = sqlite3.connect(store.location.directory / "index.db", isolation_level=None)
    root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'pictures_by_hash'").fetchone()
    connection.close()
    database = store.location.directory / "index.db"
    data = bytearray(database.read_bytes())
    data[(root[0] - 1) * 8192 + 3] = 0  # the page says it holds no entries
    data[(root[0] - 1) * 8192 + 4] = 0
    database.write_bytes(data)
    folder = store.location.folder
    store.close()
    report = check_folder(folder)
    assert report.ok
    assert report.pictures == 28
    with open_store(folder) as after:
        assert after.check().problems == []
        assert_same(after, model_without(), k=40)
        assert len(after.by_hash(picture(3).content_hash)) == 1


def test_checking_waits_for_nobody(store: LocalStore) -> None:
    with store.writer(), open_store(store.location.folder) as other:
        assert other.check(repair=False).ok
        with pytest.raises(IndexBusy):
            other.check()


def test_compact_gives_space_back(store: LocalStore) -> None:
    with store.writer() as writer:
        writer.add(pictures(range(30, 600)))
        writer.mark_gone([item.path for item in pictures(range(600)) if item.path != picture(3).path])
    freed = store.compact()
    assert freed > 100_000
    assert store.info()["gone"] == 0
    assert [path.name for path in (store.location.folder / BESIDE).glob("matrix-*")] == [
        matrix_path(store).name
    ]
    assert store.check().problems == []
    assert list(store.known()) == [picture(3).path]
    assert store.compact() == 0
