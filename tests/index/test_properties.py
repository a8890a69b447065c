"""Random histories: the store always answers like a plain dictionary."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from samples import MANIFEST, Model, assert_same, picture

from sightword.index import writer as writing
from sightword.index.base import Failure
from sightword.index.store import open_store

names = st.sampled_from([b"a", b"b", b"c", b"d/a", b"d/\xff", "é".encode()])
stats = st.tuples(st.integers(0, 3), st.integers(0, 3))


class History(RuleBasedStateMachine):
    """Two stores on one folder, one of them with an open writer, against the model."""

    @initialize(
        dtype=st.sampled_from(["float32", "bfloat16"]),
        tail=st.sampled_from([0, 3, 10_000]),
        beside=st.booleans(),
    )
    def begin(self, dtype: str, tail: int, beside: bool) -> None:
        self.folder = Path(tempfile.mkdtemp())
        manifest = replace(MANIFEST, dtype=dtype)  # type: ignore[arg-type]
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(writing, "TAIL_ROWS", tail)
        if beside:  # every new generation is made ready by a thread
            self.patch.setattr("sightword.index.session._AT_ONCE", 0)
            self.patch.setattr("sightword.index.session._DEAR", 0)
        self.patch.setattr("sightword.index.files.os.fsync", lambda handle: None)
        self.model = Model(manifest)
        self.store = open_store(self.folder, create=manifest)
        self.reader = open_store(self.folder, readonly=True)
        self.open_writer()

    def open_writer(self) -> None:
        self.context = self.store.writer()
        self.writer = self.context.__enter__()

    def close_writer(self) -> None:
        self.context.__exit__(None, None, None)

    @rule(items=st.lists(st.tuples(names, st.integers(0, 9)), max_size=4))
    def add(self, items: list[tuple[bytes, int]]) -> None:
        batch = [picture(seed, path) for path, seed in items]
        self.writer.add(batch)
        self.model.add(batch)

    @rule(paths=st.lists(names, max_size=3, unique=True), stat=stats)
    def fail(self, paths: list[bytes], stat: tuple[int, int]) -> None:
        batch = [Failure(path, *stat, "It is broken.") for path in paths]
        self.writer.fail(batch)
        self.model.fail(batch)

    @rule(states=st.dictionaries(names, stats, max_size=3))
    def touch(self, states: dict[bytes, tuple[int, int]]) -> None:
        self.writer.touch(states)
        self.model.touch(states)

    @rule(
        old=st.lists(names, max_size=4, unique=True),
        new=st.permutations([b"a", b"b", b"c", b"d/a", b"new"]),
        stat=stats,
    )
    def move(self, old: list[bytes], new: list[bytes], stat: tuple[int, int]) -> None:
        pairs = [(source, target, *stat) for source, target in zip(old, new)]
        before = self.store.known()
        self.writer.move(pairs)
        self.model.move(pairs)
        after = self.store.known()
        for source, target, _, _ in pairs:
            if source in before and before[source].id is not None:
                assert after[target].id == before[source].id

    @rule(paths=st.lists(names, max_size=4))
    def mark_gone(self, paths: list[bytes]) -> None:
        self.writer.mark_gone(paths)
        self.model.mark_gone(paths)

    @rule()
    def end_of_job(self) -> None:
        self.close_writer()
        self.open_writer()

    @rule()
    def compact(self) -> None:
        self.close_writer()
        self.store.compact()
        self.model.compact()
        self.open_writer()

    @rule()
    def reopen_reader(self) -> None:
        self.reader.close()
        self.reader = open_store(self.folder, readonly=True)

    @rule()
    def check(self) -> None:
        assert self.reader.check().problems == []

    @invariant()
    def both_answer_like_the_model(self) -> None:
        if hasattr(self, "reader"):
            assert_same(self.reader, self.model, seeds=(1, 20), k=3)
            assert_same(self.store, self.model, seeds=(2,), k=50)

    def teardown(self) -> None:
        if not hasattr(self, "reader"):
            return
        self.close_writer()
        self.both_answer_like_the_model()
        self.reader.close()
        self.store.close()
        self.patch.undo()
        shutil.rmtree(self.folder)


quick = settings(
    max_examples=25,
    stateful_step_count=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)


class TestHistory(History.TestCase):  # type: ignore[name-defined,misc]
    """A few short histories, the same every time."""

    settings = quick


@pytest.mark.slow
class TestManyHistories(History.TestCase):  # type: ignore[name-defined,misc]
    """More and longer ones, new every time."""

    settings = settings(quick, max_examples=150, stateful_step_count=40, derandomize=False)
