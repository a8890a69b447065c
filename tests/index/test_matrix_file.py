"""The derived matrix file: generations, tails, readers that fall behind, files that are wrong."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from samples import MANIFEST, Model, assert_same, feature, picture, pictures, unit

from sightword.index import scan
from sightword.index import writer as writing
from sightword.index.matrix import open_matrix
from sightword.index.session import Session
from sightword.index.store import LocalStore, open_store
from sightword.index.view import View


@pytest.fixture
def store(tmp_path: Path):  # type: ignore[no-untyped-def]
    """Thirty pictures, all in generation 1."""
    with open_store(tmp_path, create=MANIFEST) as store:
        with store.writer() as writer:
            writer.add(pictures(range(30)))
        yield store


def matrix_paths(store: LocalStore) -> list[Path]:
    """Matrix files, oldest first."""
    return sorted(store.location.directory.glob("matrix-*"))


def view_of(store: LocalStore) -> View:
    """What the store holds in memory."""
    with store.current() as moment:
        return moment.view


def model_of(items: list) -> Model:  # type: ignore[type-arg]
    """A model that holds pictures."""
    model = Model()
    model.add(items)
    return model


def test_the_end_of_a_job_covers_every_row(store: LocalStore) -> None:
    view = view_of(store)
    assert view.matrix is not None
    assert (len(view), view.tail, view.generation) == (30, 0, 1)


def test_a_long_tail_is_taken_in_during_the_job(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "TAIL_ROWS", 8)
    with store.writer() as writer:
        writer.add(pictures(range(30, 38)))
        assert (view_of(store).generation, view_of(store).tail) == (1, 8)
        writer.add(pictures(range(38, 40)))
        assert (view_of(store).generation, view_of(store).tail) == (2, 0)


def test_a_short_tail_of_a_large_index_is_left(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "SMALL_ROWS", 20)
    monkeypatch.setattr(writing, "END_SHARE", 0.1)
    for last, generation, tail in ((32, 1, 2), (33, 2, 0)):
        with store.writer() as writer:
            writer.add(pictures(range(30 if last == 32 else 32, last)))
        assert (view_of(store).generation, view_of(store).tail) == (generation, tail)
        with open_store(store.location.folder) as other:
            assert_same(other, model_of(pictures(range(last))))


def test_old_generations_go_at_the_next_start(store: LocalStore) -> None:
    (store.location.directory / "matrix-000009.bin.tmp").write_bytes(b"from a crash")
    with store.writer() as writer:
        assert [path.name for path in matrix_paths(store)] == ["matrix-000001.bin"]
        writer.add(pictures(range(30, 31)))
    assert [path.name for path in matrix_paths(store)] == ["matrix-000001.bin", "matrix-000002.bin"]
    with store.writer():
        assert [path.name for path in matrix_paths(store)] == ["matrix-000002.bin"]
    assert [path.name for path in matrix_paths(store)] == ["matrix-000002.bin"]


def test_a_reader_may_keep_an_old_generation(store: LocalStore) -> None:
    with open_store(store.location.folder) as reader, reader.current() as moment:
        old = moment.view
        rows = old.rows(np.arange(30))
        with store.writer() as writer:
            writer.add(pictures(range(30, 40)))
        with store.writer():
            pass
        assert [path.name for path in matrix_paths(store)] == ["matrix-000002.bin"]
        assert np.array_equal(old.rows(np.arange(30)), rows)
        assert len(reader._ranking.scan(moment, unit(feature(1)), 50, None, ())) == 30
    with open_store(store.location.folder) as reader:
        assert len(reader.scan(unit(feature(1)), 50)) == 40


def test_a_vanished_generation_is_looked_for_once_more(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def miss_once(*args: object) -> object:
        asked.append(1)
        return None if len(asked) == 1 else open_matrix(*args)  # type: ignore[arg-type]

    monkeypatch.setattr("sightword.index.session.open_matrix", miss_once)
    with open_store(store.location.folder) as reader:
        assert_same(reader, model_of(pictures(range(30))))
        assert len(asked) == 2
        assert view_of(reader).matrix is not None


def test_without_the_file_rows_come_from_the_database(store: LocalStore) -> None:
    matrix_paths(store)[0].unlink()
    with open_store(store.location.folder, readonly=True) as reader:
        assert_same(reader, model_of(pictures(range(30))))
        assert view_of(reader).matrix is None
        assert reader.info()["matrix"] == "none"
    assert matrix_paths(store) == []
    with store.writer():
        pass
    assert [path.name for path in matrix_paths(store)] == ["matrix-000002.bin"]


def damaged(data: bytes) -> dict[str, bytes]:
    """Ways in which the file can be wrong."""
    page = 4096
    header = struct.Struct("<8sIIIIQqqQ32s")

    def changed(position: int, value: object) -> bytes:
        fields = list(header.unpack(data[: header.size]))
        fields[position] = value
        made = header.pack(*fields)
        return made + struct.pack("<I", zlib.crc32(made)) + data[header.size + 4 :]

    ids = page + 30 * 24 * 4
    ids += -ids % 64
    return {
        "empty": b"",
        "a stub": data[:100],
        "cut": data[:-1],
        "long": data + b"\0",
        "zeros": bytes(len(data)),
        "checksum": data[:20] + b"\xff" + data[21:],
        "another database": changed(9, b"f" * 32),
        "another dim": changed(3, 23),
        "another dtype": changed(2, 2),
        "huge": changed(5, 2**60),
        "version": changed(1, 2),
        "generation": changed(8, 7),
        "ids out of order": data[:ids] + data[ids + 8 : ids + 16] + data[ids : ids + 8] + data[ids + 16 :],
    }


def test_a_wrong_file_is_never_used_and_replaced(store: LocalStore) -> None:
    path = matrix_paths(store)[0]
    sound = path.read_bytes()
    for name, data in damaged(sound).items():
        path.unlink()
        path.write_bytes(data)
        with open_store(store.location.folder) as reader:
            assert view_of(reader).matrix is None, name
            assert_same(reader, model_of(pictures(range(30))))
    with store.writer():
        pass
    assert view_of(store).matrix is not None
    assert view_of(store).generation == 2


def test_a_link_is_not_followed(store: LocalStore, tmp_path: Path) -> None:
    path = matrix_paths(store)[0]
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert open_matrix(store.location.directory, MANIFEST, 1, "") is None


def test_a_view_follows_in_small_steps(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    query = unit(feature(1))
    with open_store(store.location.folder) as reader:
        reader.scan(query, 1)
        view = view_of(reader)
        monkeypatch.setattr("sightword.index.session.load_view", None)
        monkeypatch.setattr(writing.LocalWriter, "_rewrite", lambda self: None)
        model = model_of(pictures(range(30)))
        for step in range(5):
            batch = [*pictures(range(100 * step, 100 * step + 40)), picture(step, b"odd %d" % step)]
            with store.writer() as writer:
                writer.add(batch)
                writer.mark_gone([batch[3].path])
            model.add(batch)
            model.mark_gone([batch[3].path])
            assert_same(reader, model)
        assert view_of(reader) is view


def test_background_and_hits_cost_one_pass(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    passes: list[int] = []

    def counting(rows, query, out):  # type: ignore[no-untyped-def]
        passes.append(len(rows))
        scan.score_rows(rows, query, out)

    monkeypatch.setattr("sightword.index.view.score_rows", counting)
    monkeypatch.setattr("sightword.index.tail.score_rows", counting)
    query = unit(feature(1))
    store.scan(query, 3)
    store.background(query)
    store.scan(query, 9)
    assert sum(passes) == 30
    monkeypatch.setattr(writing.LocalWriter, "_rewrite", lambda self: None)
    with store.writer() as writer:
        writer.add(pictures(range(50, 54)))
    store.background(query)
    assert sum(passes) == 34
    store.background(unit(feature(2)))
    assert sum(passes) == 68


def test_a_session_alone_reads(store: LocalStore) -> None:
    session = Session(store.location)
    with session.reading() as connection, pytest.raises(Exception, match="readonly"):
        connection.execute("DELETE FROM pictures")
    session.close()
    session.close()


def test_a_long_job_keeps_two_generations(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "TAIL_ROWS", 0)
    with store.writer() as writer:
        for start in range(30, 80, 10):
            writer.add(pictures(range(start, start + 10)))
            assert len(matrix_paths(store)) == 2
        assert matrix_paths(store)[-1].name == "matrix-000006.bin"


def test_a_large_index_is_not_rewritten_all_the_time(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "TAIL_ROWS", 0)
    monkeypatch.setattr(writing, "LARGE_ROWS", 20)
    monkeypatch.setattr(writing, "PATIENCE", 1e9)
    generations = []
    with store.writer() as writer:
        writer._duration = 1.0
        for start in range(30, 60, 5):
            writer.add(pictures(range(start, start + 5)))
            generations.append((view_of(store).generation, view_of(store).tail))
        # 15 of 30 are not yet more than half; 20 are, and half of those 50 are never reached.
        assert generations == [(1, 5), (1, 10), (1, 15), (2, 0), (2, 5), (2, 10)]
        monkeypatch.setattr(writing, "PATIENCE", 0.0)
        writer.add(pictures(range(60, 65)))
        assert view_of(store).generation == 3


def test_scores_outlive_a_generation(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    query = unit(feature(1))
    store.scan(query, 3)
    with store.writer() as writer:
        writer.add(pictures(range(30, 33)))
    model = model_of(pictures(range(33)))
    passes: list[int] = []

    def counting(rows, query, out):  # type: ignore[no-untyped-def]
        passes.append(len(rows))
        scan.score_rows(rows, query, out)

    monkeypatch.setattr("sightword.index.view.score_rows", counting)
    monkeypatch.setattr("sightword.index.tail.score_rows", counting)
    assert view_of(store).generation == 2
    assert [(hit.score, hit.picture.path) for hit in store.scan(query, 33)] == model.scan(query, 33)
    assert sum(passes) == 3
    with store.writer() as writer:
        writer.mark_gone([picture(4).path])
    store.compact()
    model.mark_gone([picture(4).path])
    assert_same(store, model_of(model.live()), seeds=(1,), k=40)
    assert sum(passes) == 3 + 32
