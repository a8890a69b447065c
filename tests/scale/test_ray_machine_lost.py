"""A machine of a real Ray cluster is lost in the middle of the work: nothing else is."""

from __future__ import annotations

import json
import os
import signal
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from bulk_album import failures, fill, in_index, run
from ray_box import box, until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("ray") is None, reason="ray is an extra"),
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc"),
]

COUNT = 96


def test_a_lost_machine_costs_time_alone(tmp_path: Path, tiny_backbone_dir: Path) -> None:
    folder = fill(tmp_path / "pictures", COUNT)
    for path in sorted(folder.rglob("[01]*.png")):
        path.rename(path.with_name(f"slow{path.name}"))  # 0.3 s each, on the cluster
    with box(machines=2) as cluster:
        driver = cluster.start(folder, None, backbone=str(tiny_backbone_dir), program="faulty_worker")
        there = cluster.second
        until(
            lambda: cluster.workers("Decoder", below=there) or driver.poll() is not None,
            90, "work on the second machine",
        )  # fmt: skip
        time.sleep(3)  # a piece of work takes five seconds
        assert driver.poll() is None, driver.communicate()
        lost = cluster.workers("Map", below=there)
        assert there is not None and lost
        os.kill(there, signal.SIGKILL)
        out, err = driver.communicate(timeout=120)
        assert driver.returncode == 0, err
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in lost), 30, "the end of its workers")
    done = json.loads(out.splitlines()[-1])
    assert (done["pictures"], done["encoded"], done["failed"]) == (COUNT, COUNT, 2)  # each counted once
    run(folder, None, tiny_backbone_dir, index=tmp_path / "local")
    assert in_index(folder) == in_index(folder, tmp_path / "local") and len(in_index(folder)) == COUNT
    assert set(failures(folder)) == {b"broken.jpg", b"empty.png"}
