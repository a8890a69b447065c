"""Killing the writer: nothing acknowledged is lost, and a resumed index equals one that was left in peace."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from samples import MANIFEST, Model, assert_same, feature, picture, pictures, unit

from sightword.index.store import LocalStore, open_store

COUNT, BATCH, TAIL_ROWS = 900, 30, 100
INSIDE = 24
VICTIM = Path(__file__).with_name("victim.py")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL"),
]


class Run:
    """One victim and what it said."""

    def __init__(self, folder: Path, failpoint: str = "", count: int = COUNT) -> None:
        environ = {**os.environ, "SIGHTWORD_FAILPOINT": failpoint}
        command = [sys.executable, str(VICTIM), str(folder), str(count), str(BATCH), str(TAIL_ROWS)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ)
        self.records: list[str] = []
        self._entered = threading.Event()
        self._enough = 0
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.records.append(line.strip())
            if sum(record.startswith("I") for record in self.records) > self._enough:
                self._entered.set()
        self._entered.set()

    def kill_inside(self, batches: int, delay: float) -> None:
        """SIGKILL some time after the (batches + 1)-th entry into add."""
        self._enough = batches
        self._entered.wait(60)
        time.sleep(delay)
        self.process.send_signal(signal.SIGKILL)
        self.end()

    def end(self) -> int:
        """Wait; returns the exit code."""
        code = self.process.wait(120)
        self._thread.join()
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    @property
    def died_inside_add(self) -> bool:
        """Whether the last thing that left the process was that it had entered add."""
        return bool(self.records) and self.records[-1].startswith("I")

    @property
    def acknowledged(self) -> set[int]:
        """First pictures of the batches that were said to be safe."""
        return {int(record[2:]) for record in self.records if record.startswith("A")}


def batches_in(store: LocalStore) -> set[int]:
    """First pictures of the batches that are there; each must be there as a whole."""
    known = store.known()
    found = set()
    for start in range(0, COUNT, BATCH):
        there = [picture(seed).path in known for seed in range(start, min(COUNT, start + BATCH))]
        assert all(there) or not any(there), f"batch {start} is there in part"
        found.update({start} if all(there) else ())
    return found


def assert_equals_undisturbed(folder: Path, undisturbed: Path) -> None:
    """All rows, and what is answered from the matrix file, are the same."""
    model = Model()
    model.add(pictures(range(COUNT)))
    with open_store(folder) as one, open_store(undisturbed) as other:
        for store in (one, other):
            with store.current() as moment:
                assert moment.view.matrix is not None
                assert (len(moment.view), moment.view.tail) == (COUNT, 0)
        first, second = one.known(), other.known()
        assert first.keys() == second.keys()
        for path in first:
            assert one.find(path).__dict__ | {"id": 0} == other.find(path).__dict__ | {"id": 0}
        order = sorted(first)
        ids = [[states[path].id for path in order] for states in (first, second)]
        assert np.array_equal(one.vectors(ids[0]), other.vectors(ids[1]))  # type: ignore[arg-type]
        for seed in range(20):
            query = unit(feature(10_000 + seed))
            answers = [
                [(hit.score, hit.picture.path) for hit in store.scan(query, 25)] for store in (one, other)
            ]
            assert answers[0] == answers[1]
            assert np.allclose(one.background(query), other.background(query), atol=1e-6)
        assert_same(one, model, k=30)
        assert one.check(repair=False).problems == []
        files = sorted(path.name for path in one.location.directory.glob("matrix-*"))
        assert len(files) <= 2
        assert not any(name.endswith(".tmp") for name in files)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same pictures, added in peace."""
    folder = tmp_path_factory.mktemp("undisturbed")
    run = Run(folder)
    assert run.end() == 0
    assert run.records[-1] == "D"
    return folder


def test_kills_inside_add(tmp_path: Path, undisturbed: Path) -> None:
    rng = random.Random(20240517)
    # Half of the kills meet the code at its own speed, half with a point inside add that takes its time.
    slow = [
        "",
        "add.after_insert=sleep:0.03",
        "",
        "add.before_commit=sleep:0.03",
        "",
        "add.after_commit=sleep:0.03",
    ]
    folder, safe, inside, attempts = tmp_path / "0", set[int](), 0, 0
    while inside < INSIDE:
        attempts += 1
        assert attempts < 40 * INSIDE, "the kills do not land inside add"
        failpoint = slow[attempts % len(slow)]
        run = Run(folder, failpoint)
        run.kill_inside(rng.randrange(3), rng.uniform(0.0, 0.04 if failpoint else 0.008))
        inside += run.died_inside_add
        safe |= run.acknowledged
        with open_store(folder) as store:
            there = batches_in(store)
            assert safe <= there
            # At most the batch in flight may be there without having been acknowledged.
            unasked = there - safe
            assert unasked <= ({int(run.records[-1][2:])} if run.died_inside_add else set())
            assert store.check(repair=False).problems == []
            safe |= there
        if len(safe) * BATCH >= COUNT:  # full: finish it, and go on with the next
            assert Run(folder).end() == 0
            assert_equals_undisturbed(folder, undisturbed)
            folder, safe = tmp_path / str(attempts), set()
    print(f"{inside} kills inside add, {attempts} in all")
    assert Run(folder).end() == 0
    assert_equals_undisturbed(folder, undisturbed)


POINTS = [
    "add.after_insert",
    "add.before_commit",
    "add.after_commit",
    "matrix.during_write",
    "matrix.before_rename",
    "matrix.after_rename",
    "matrix.after_commit",
]


@pytest.mark.parametrize("nth", [1, 3])
@pytest.mark.parametrize("action", ["kill", "exit"])
@pytest.mark.parametrize("point", POINTS)
def test_named_points(tmp_path: Path, undisturbed: Path, point: str, action: str, nth: int) -> None:
    run = Run(tmp_path, f"{point}:{nth}={action}")
    code = run.end()
    assert code == (-signal.SIGKILL if action == "kill" else 70), "the point was not reached"
    assert run.died_inside_add or run.records[-1] == "F"
    with open_store(tmp_path) as store:
        there = batches_in(store)
        assert run.acknowledged <= there
        pending = {int(run.records[-1][2:])} if run.died_inside_add else set()
        committed = point == "add.after_commit" or point.startswith("matrix")
        assert there - run.acknowledged == (pending if committed else set())
        model = Model()
        model.add([picture(seed) for start in there for seed in range(start, start + BATCH)])
        assert_same(store, model, k=30)
    assert Run(tmp_path).end() == 0
    assert_equals_undisturbed(tmp_path, undisturbed)


COMPACT = """
import sys
from samples import MANIFEST, picture
from sightword.index.store import open_store
with open_store(sys.argv[1]) as store:
    print(store.compact())
"""


@pytest.mark.parametrize("point", ["compact.before_commit", "compact.after_commit", *POINTS[3:]])
def test_compact_can_be_killed(tmp_path: Path, point: str) -> None:
    model = Model()
    with open_store(tmp_path, create=MANIFEST) as store, store.writer() as writer:
        writer.add(pictures(range(200)))
        writer.mark_gone([item.path for item in pictures(range(100))])
        model.add(pictures(range(100, 200)))
    environ = {**os.environ, "SIGHTWORD_FAILPOINT": point, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", COMPACT, str(tmp_path)], env=environ, check=False, timeout=60
    )
    assert done.returncode == -signal.SIGKILL
    with open_store(tmp_path) as store:
        assert {hit.picture.path for hit in store.scan(unit(feature(1)), 300)} == {
            item.path for item in model.live()
        }
        assert store.check().ok
        store.compact()
        assert_same(store, model)
