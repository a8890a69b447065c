"""What every back end must do, whatever it is made of.

Subclass `StoreConformance`, give it a ``make_store`` fixture (manifest -> an empty `VectorStore`), and pytest
runs all of this against it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from samples import DIM, MANIFEST, Model, as_stored, assert_same, feature, picture, pictures, unit

from sightword.errors import SightwordError, UsageError
from sightword.index.base import Failure, Manifest, VectorStore
from sightword.index.where import And, Compare, Glob, Not, Or

MakeStore = Callable[[Manifest], VectorStore]


class StoreConformance:
    """Tests of the `VectorStore` contract."""

    manifest = MANIFEST

    @pytest.fixture
    def store(self, make_store: MakeStore):  # type: ignore[no-untyped-def]
        store = make_store(self.manifest)
        yield store
        store.close()

    @pytest.fixture
    def model(self) -> Model:
        return Model(self.manifest)

    def test_an_empty_index_answers(self, store: VectorStore, model: Model) -> None:
        assert_same(store, model)
        assert store.find(b"a.jpg") is None
        assert store.info()["pictures"] == 0
        assert store.manifest == self.manifest

    def test_added_pictures_are_found_while_and_after_writing(self, store: VectorStore, model: Model) -> None:
        with store.writer() as writer:
            for batch in (pictures(range(20)), pictures(range(20, 50))):
                writer.add(batch)
                model.add(batch)
                assert_same(store, model)
        assert_same(store, model)
        store.settle()
        assert_same(store, model)
        info = store.info()
        assert (info["pictures"], info["failed"], info["gone"]) == (50, 0, 0)

    def test_fewer_than_k_and_none(self, store: VectorStore) -> None:
        with store.writer() as writer:
            writer.add(pictures(range(3)))
        query = unit(feature(99))
        assert len(store.scan(query, 100)) == 3
        assert store.scan(query, 0) == []

    def test_equal_scores_are_ordered_by_path(self, store: VectorStore) -> None:
        same = feature(5)
        with store.writer() as writer:
            for seed in (30, 10, 20, 40):
                start = seed * 10
                writer.add(
                    [picture(start + at, b"%03d" % (500 - start - at), feature=same) for at in range(10)]
                )
        hits = store.scan(unit(same), 7)
        every = sorted(b"%03d" % (500 - seed * 10 - at) for seed in (30, 10, 20, 40) for at in range(10))
        assert [hit.picture.path for hit in hits] == every[:7]
        assert len({hit.score for hit in hits}) == 1

    def test_a_replaced_picture_is_never_found_as_it_was(self, store: VectorStore, model: Model) -> None:
        with store.writer() as writer:
            writer.add(pictures(range(10)))
        with store.writer() as writer:
            writer.add([picture(70, path=picture(4).path)])
        model.add([*pictures(range(10)), picture(70, path=picture(4).path)])
        assert_same(store, model, seeds=(4, 70), k=10)

    def test_ids_are_never_reused(self, store: VectorStore) -> None:
        seen: set[int | None] = set()
        for seed in range(4):
            with store.writer() as writer:
                writer.add([picture(seed, b"a.jpg")])
            (state,) = store.known().values()
            assert state.id not in seen
            seen.add(state.id)
            with store.writer() as writer:
                writer.fail([Failure(b"a.jpg", 1, 2, "broken")])
            store.compact()

    def test_failures_replace_pictures_and_pictures_failures(self, store: VectorStore, model: Model) -> None:
        batch = pictures(range(6))
        failures = [Failure(batch[2].path, 7, 8, "It is cut off."), Failure(b"new.gif", 1, 2, "It is empty.")]
        with store.writer() as writer:
            writer.add(batch)
            writer.fail(failures)
        model.add(batch)
        model.fail(failures)
        assert_same(store, model)
        with store.writer() as writer:
            writer.add([picture(9, b"new.gif")])
        model.add([picture(9, b"new.gif")])
        assert_same(store, model)

    def test_gone_pictures_hide_and_come_back(self, store: VectorStore, model: Model) -> None:
        batch = pictures(range(12))
        paths = [batch[at].path for at in (1, 5, 11)]
        with store.writer() as writer:
            writer.add(batch)
            writer.fail([Failure(b"bad", 1, 2, "No.")])
            writer.mark_gone([*paths, b"bad", b"never heard of"])
        model.add(batch)
        model.fail([Failure(b"bad", 1, 2, "No.")])
        model.mark_gone([*paths, b"bad", b"never heard of"])
        assert_same(store, model, k=20)
        assert store.find(paths[0]) is None
        assert store.by_hash(batch[1].content_hash) == []
        assert store.info()["gone"] == 3
        with store.writer() as writer:
            writer.touch({paths[1]: (5, 6), b"never heard of": (1, 1)})
        model.touch({paths[1]: (5, 6)})
        assert_same(store, model, k=20)

    def test_compact_forgets_the_gone_alone(self, store: VectorStore, model: Model) -> None:
        batch = pictures(range(30))
        with store.writer() as writer:
            writer.add(batch)
            writer.mark_gone([item.path for item in batch[::3]])
        ids = {path: state.id for path, state in store.known().items() if state.status == "live"}
        assert store.compact() >= 0
        model.add(batch)
        model.mark_gone([item.path for item in batch[::3]])
        model.compact()
        assert_same(store, model, k=30)
        assert {path: state.id for path, state in store.known().items()} == ids

    def test_moves_keep_ids_and_may_swap(self, store: VectorStore, model: Model) -> None:
        batch = pictures(range(5))
        a, b, c = (item.path for item in batch[:3])
        with store.writer() as writer:
            writer.add(batch)
            writer.mark_gone([c])
            writer.fail([Failure(b"bad.jpg", 1, 2, "No.")])
        before = store.known()
        moves = [(a, b, 10, 11), (b, a, 20, 21), (c, b"bad.jpg", 30, 31), (b"unknown", b"x", 1, 1)]
        with store.writer() as writer:
            writer.move(moves)
        model.add(batch)
        model.mark_gone([c])
        model.fail([Failure(b"bad.jpg", 1, 2, "No.")])
        model.move(moves)
        assert_same(store, model)
        after = store.known()
        assert (after[a].id, after[b].id, after[b"bad.jpg"].id) == (before[b].id, before[a].id, before[c].id)

    def test_a_move_onto_another_picture_replaces_it(self, store: VectorStore, model: Model) -> None:
        batch = pictures(range(4))
        move = [(batch[0].path, batch[1].path, 3, 4)]
        with store.writer() as writer:
            writer.add(batch)
            writer.move(move)
        model.add(batch)
        model.move(move)
        assert_same(store, model)

    def test_contents_can_be_left_out(self, store: VectorStore, model: Model) -> None:
        batch = [*pictures(range(20)), picture(3, b"copy of 3.jpg")]
        with store.writer() as writer:
            writer.add(batch)
        model.add(batch)
        query = unit(feature(3))
        out = {batch[3].content_hash, picture(999).content_hash}
        hits = [(hit.score, hit.picture.path) for hit in store.scan(query, 4, exclude_hashes=out)]
        assert hits == model.scan(query, 4, out)
        assert {row.path for row in store.by_hash(batch[3].content_hash)} == {b"copy of 3.jpg", batch[3].path}

    def test_filters(self, store: VectorStore, model: Model) -> None:
        batch = pictures(range(40))
        with store.writer() as writer:
            writer.add(batch)
            writer.mark_gone([batch[8].path])
        model.add([item for item in batch if item.path != batch[8].path])
        query = unit(feature(77))
        expected = {path for _, path in model.scan(query, 100)}
        cases = {
            Compare("width", ">", 250): lambda p: p.width > 250,
            Compare("taken", "!=", 0.0): lambda p: p.taken is not None,
            Not(Compare("taken", ">=", 0.0)): lambda p: p.taken is None,
            Compare("modified", "<", 1_700_000_010.5): lambda p: p.mtime_ns < 1_700_000_010_500_000_000,
            Glob("path", "folder1/*"): lambda p: p.path.startswith(b"folder1/"),
            Glob("path", "picture 00?.jpg"): lambda p: b" 00" in p.path,
            Glob("format", "PNG"): lambda p: p.format == "png",
            Or((Compare("size", "=", 1004), Compare("size", "<=", 1001))): lambda p: (
                p.size in (1000, 1001, 1004)
            ),
            And((Compare("width", ">=", 200), Not(Glob("format", "png")))): lambda p: (
                p.width >= 200 and p.format != "png"
            ),
            And(()): lambda p: True,
            Or(()): lambda p: False,
        }
        for where, holds in cases.items():
            for k in (3, 100):
                hits = store.scan(query, k, where=where, exclude_hashes=[batch[6].content_hash])
                wanted = [
                    (score, path)
                    for score, path in model.scan(query, 100, [batch[6].content_hash])
                    if holds(next(item for item in batch if item.path == path))
                ]
                assert [(hit.score, hit.picture.path) for hit in hits] == wanted[:k], where
        assert len(expected) == 39

    def test_features_come_back(self, store: VectorStore) -> None:
        batch = pictures(range(8))
        with store.writer() as writer:
            writer.add(batch)
        tolerance = 2.4e-7 if self.manifest.dtype == "float32" else 2.0**-8
        rows = [store.find(item.path) for item in batch]
        for item, row in zip(batch, rows):
            assert row is not None
            assert np.all(np.abs(store.get(row.id) - item.feature) <= tolerance * np.abs(item.feature))
        ids = [row.id for row in reversed(rows) if row is not None]
        vectors = store.vectors(ids)
        assert vectors.dtype == np.float32
        if self.manifest.dtype == "float32":
            assert np.array_equal(vectors, np.stack([unit(item.feature) for item in reversed(batch)]))
        assert store.vectors([]).shape == (0, DIM)

    def test_pictures_are_restored_exactly(self, store: VectorStore) -> None:
        batch = pictures(range(5))
        with store.writer() as writer:
            writer.add([*batch[:2], picture(50, path=batch[3].path)])
            writer.fail([Failure(batch[4].path, 1, 2, "It is cut off.")])
        ids = {state.id for state in store.known().values()}
        items = [as_stored(at, item, gone=at == 2, manifest=self.manifest) for at, item in enumerate(batch)]
        with store.writer() as writer:
            writer.restore(items[2:])
            writer.restore([])
        known = store.known()
        assert [known[item.path].status for item in batch] == ["live", "live", "gone", "live", "live"]
        assert store.failures() == []
        restored = store.stored([known[item.path].id or 0 for item in reversed(batch)])
        for found, wanted in zip(reversed(restored), items):
            assert found.unit.dtype == np.float32
            assert found.unit.tobytes() == wanted.unit.tobytes()
            assert (found.norm, found.gone) == (wanted.norm, wanted.gone)
            assert replace(found.row, id=0) == replace(wanted.row, id=0)
        assert {item.row.id for item in restored[:3]}.isdisjoint(ids)
        assert store.find(batch[2].path) is None
        assert [hit.picture.path for hit in store.scan(unit(batch[3].feature), 1)] == [batch[3].path]
        assert store.stored([12345, known[batch[0].path].id or 0, 12346])[0].row.path == batch[0].path
        assert store.stored([]) == store.stored([12345]) == []

    def test_rows_are_found_by_id(self, store: VectorStore) -> None:
        batch = pictures(range(6))
        with store.writer() as writer:
            writer.add(batch)
        known = store.known()
        for item in batch:
            picture_id = known[item.path].id
            assert picture_id is not None
            row = store.row(picture_id)
            assert row == store.find(item.path)
            assert (row.id, row.path, row.content_hash) == (picture_id, item.path, item.content_hash)
        # A result that is still on somebody's screen stays a picture when its file vanishes.
        with store.writer() as writer:
            writer.mark_gone([batch[2].path])
        gone = known[batch[2].path].id
        assert gone is not None and store.row(gone).path == batch[2].path
        store.compact()
        with pytest.raises(UsageError, match=str(gone)):
            store.row(gone)

    def test_an_unknown_id_is_told(self, store: VectorStore) -> None:
        with pytest.raises(UsageError, match="12345"):
            store.row(12345)
        with pytest.raises(UsageError, match="12345"):
            store.get(12345)
        with pytest.raises(UsageError, match="12345"):
            store.vectors([12345])

    def test_names_of_any_bytes(self, store: VectorStore, model: Model) -> None:
        names = [
            b"\xff\xfe not utf-8.jpg", "é/ü.jpg".encode(), b"<img onerror=x>.png", b"-rf", b"~", b"a\nb",
            b"..a/b..", b"%s/'; DROP TABLE pictures; --", b" ", b"*?[]",
        ]  # fmt: skip
        batch = [picture(seed, name) for seed, name in enumerate(names)]
        with store.writer() as writer:
            writer.add(batch)
        model.add(batch)
        assert_same(store, model, k=20)

    @pytest.mark.parametrize("path", [b"/etc/passwd", b"../x", b"a/../b", b"a//b", b"", b".", b"a/", b"a\0b"])
    def test_paths_that_lead_outside_are_refused(self, store: VectorStore, path: bytes) -> None:
        with store.writer() as writer:
            with pytest.raises(ValueError, match="inside"):
                writer.add([picture(1), picture(2, path)])
            with pytest.raises(ValueError, match="inside"):
                writer.move([(b"a", path, 1, 1)])
        assert store.known() == {}

    @pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
    def test_a_feature_without_direction_is_refused(self, store: VectorStore, value: float) -> None:
        bad = picture(2, b"odd one.jpg", feature=np.full(DIM, value, np.float32))
        with store.writer() as writer, pytest.raises(SightwordError, match="odd one"):
            writer.add([picture(1), bad])
        assert store.known() == {}

    def test_queries_of_the_wrong_kind_are_refused(self, store: VectorStore) -> None:
        for query in (np.zeros(DIM, np.float32), np.ones(DIM, np.float32), np.ones(3, np.float32)):
            with pytest.raises(ValueError, match="query"):
                store.scan(query, 1)

    def test_a_path_twice_in_one_batch_counts_as_its_last(self, store: VectorStore, model: Model) -> None:
        batch = [picture(1, b"a"), picture(2, b"b"), picture(3, b"a")]
        with store.writer() as writer:
            writer.add(batch)
            writer.add([])
        model.add(batch)
        assert_same(store, model)

    def test_check_finds_nothing_in_a_sound_index(self, store: VectorStore) -> None:
        with store.writer() as writer:
            writer.add(pictures(range(10)))
            writer.mark_gone([picture(3).path])
        for repair in (True, False):
            report = store.check(repair=repair)
            assert (report.pictures, report.problems, report.ok) == (9, [], True)
