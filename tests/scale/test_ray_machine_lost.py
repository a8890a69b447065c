"""A machine of a real Ray cluster is lost in the middle of the work: nothing else is."""

from __future__ import annotations

import json
import os
import signal
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from bulk_album import failures, fill, in_features, run
from ray_box import box, until
from sightword.scale.features import Features

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("ray") is None, reason="ray is an extra"),
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc"),
]

COUNT = 80


def test_a_lost_machine_costs_time_alone(tmp_path: Path) -> None:
    folder, target = fill(tmp_path / "pictures", COUNT), tmp_path / "out.parquet"
    for path in sorted(folder.rglob("0*.png")):
        path.rename(path.with_name(f"slow{path.name}"))  # 0.3 s each, on the cluster
    # Decoded pictures of this size lie in their machine's memory, and are lost with it.
    options = {"backbone": "starter", "program": "faulty_worker", "average": 8}
    with box(machines=2) as cluster:
        driver = cluster.start(folder, target, **options)
        at_work: list[int] = []

        def decoding() -> bool:
            at_work[:] = [pid for pid in cluster.machines if cluster.workers("Decoder", below=pid)]
            return bool(at_work) or driver.poll() is not None

        until(decoding, 90, "the start of the workers")
        time.sleep(3)  # a piece of work takes five seconds
        assert driver.poll() is None, driver.communicate()
        machine = at_work[0]
        assert cluster.workers("Decoder", below=machine)
        for pid in (machine, *cluster.workers("ray::", below=machine)):  # Ray's process, then all others
            os.kill(pid, signal.SIGKILL)
        out, err = driver.communicate(timeout=120)
        assert driver.returncode == 0, err
    done = json.loads(out.splitlines()[-1])
    assert (done["pictures"], done["encoded"], done["failed"]) == (COUNT, COUNT, 2)
    rows = [item.row.path for some in Features.open(target).stored() for item in some]
    assert len(rows) == len(set(rows)) == COUNT and Features.open(target).manifest.complete
    run(folder, tmp_path / "local.parquet", Path("starter"))
    assert in_features(target) == in_features(tmp_path / "local.parquet")
    assert set(failures(target)) == {b"broken.jpg", b"empty.png"}
