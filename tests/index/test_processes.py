"""Several processes at one index: readers while one writes, writers that meet."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from samples import MANIFEST, pictures

from sightword.errors import IndexBusy
from sightword.index import writer as writing
from sightword.index.store import open_store

BATCH = 20

READER = """
import sys
from samples import feature, picture, unit
from sightword.index.store import open_store
query = unit(feature(5))
last, generations, sizes = 0, set(), set()
with open_store(sys.argv[1], readonly=True) as store:
    print("ready", flush=True)
    while last < int(sys.argv[2]):
        hits = store.scan(query, 10_000)
        assert len(hits) % 20 == 0, "a batch was seen in part"
        assert len(hits) >= last, "pictures were lost"
        assert len({hit.picture.id for hit in hits}) == len(hits)
        assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
        if len(hits) > 5:
            assert hits[0].picture.path == picture(5).path and hits[0].score == 1.0
        assert len(store.known()) >= len(hits)
        last = len(hits)
        sizes.add(last)
        with store.current() as moment:
            generations.add(moment.view.generation)
print(len(sizes), len(generations), flush=True)
"""

STEPPER = """
import sys
from samples import feature, unit
from sightword.index.store import open_store
with open_store(sys.argv[1], readonly=True) as store:
    for line in sys.stdin:
        before = store._view.generation if store._view is not None else 0
        print(len(store.scan(unit(feature(5)), 10_000)), before, store._view.generation, flush=True)
"""

WRITER = """
import sys
from samples import pictures
from sightword.errors import IndexBusy
from sightword.index.store import open_store
with open_store(sys.argv[1]) as store:
    try:
        with store.writer() as writer:
            writer.add(pictures(range(1000, 1010)))
        print("written")
    except IndexBusy as busy:
        print(busy.message)
"""


@contextmanager
def process(code: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Another Python; it must end well."""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ
    ) as started:
        try:
            yield started
        finally:
            started.kill()


def line(process: subprocess.Popen[str], say: str = "") -> str:
    """What it says next."""
    assert process.stdin is not None
    assert process.stdout is not None
    if say:
        process.stdin.write(say + "\n")
        process.stdin.flush()
    return process.stdout.readline().strip()


def test_readers_see_whole_batches_while_one_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "TAIL_ROWS", 60)
    count = 600
    with (
        open_store(tmp_path, create=MANIFEST) as store,
        process(READER, tmp_path, count) as one,
        process(READER, tmp_path, count) as two,
    ):
        assert (line(one), line(two)) == ("ready", "ready")
        with store.writer() as writer:
            for start in range(0, count, BATCH):
                writer.add(pictures(range(start, start + BATCH)))
        for reader in (one, two):
            sizes, generations = map(int, line(reader).split())
            assert reader.wait(60) == 0
            assert sizes > 1
            assert generations > 1


def test_a_reader_follows_over_many_generations(tmp_path: Path) -> None:
    with open_store(tmp_path, create=MANIFEST) as store, process(STEPPER, tmp_path) as reader:
        assert line(reader, "go") == "0 0 0"
        for job in range(1, 5):
            with store.writer() as writer:
                writer.add(pictures(range(20 * job - 20, 20 * job)))
                assert line(reader, "go").split()[:2] == [str(20 * job), str(job - 1)]
            with store.writer() as writer:  # removes the generation that the reader holds
                writer.touch({})
                assert line(reader, "go") == f"{20 * job} {job - 1} {job}"


def test_a_second_writer_is_told_who_writes(tmp_path: Path) -> None:
    with open_store(tmp_path, create=MANIFEST) as store:
        with store.writer() as writer:
            writer.add(pictures(range(5)))
            with process(WRITER, tmp_path) as other:
                assert f"being written by process {os.getpid()} on " in line(other)
        with process(WRITER, tmp_path) as other:
            assert line(other) == "written"
        assert len(store.known()) == 15
        with process(WRITER.replace("range(1000, 1010)", "range(10)"), tmp_path) as other:
            assert line(other) == "written"
        with pytest.raises(IndexBusy), store.writer(), store.writer():
            pass


def test_two_processes_that_create_make_one_index(tmp_path: Path) -> None:
    code = WRITER.replace("open_store(sys.argv[1])", "open_store(sys.argv[1], create=MANIFEST)").replace(
        "import pictures", "import MANIFEST, pictures"
    )
    with process(code, tmp_path) as one, process(code, tmp_path) as two:
        said = {line(one), line(two)}
        assert "written" in said
        assert {one.wait(30), two.wait(30)} <= {0, 1}
    with open_store(tmp_path) as store:
        assert len(store.known()) == 10
        assert store.check().problems == []
