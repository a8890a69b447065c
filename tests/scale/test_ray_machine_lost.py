"""A machine of a real Ray cluster is lost in the middle of the work: nothing else is."""

from __future__ import annotations

import json
import os
import signal
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


def test_a_lost_machine_costs_time_alone(tmp_path: Path, tiny_backbone_dir: Path) -> None:
    folder, target = fill(tmp_path / "pictures", COUNT), tmp_path / "out.parquet"
    for path in sorted(folder.rglob("0*.png")):
        path.rename(path.with_name(f"slow{path.name}"))  # 0.3 s each, on the cluster
    options = {"backbone": str(tiny_backbone_dir), "program": "faulty_worker", "average": 8}
    with box(machines=2) as cluster:
        driver = cluster.start(folder, target, **options)
        until(lambda: any(target.glob("pictures/*.parquet")) or driver.poll() is not None, 120, "a shard")
        assert driver.poll() is None, driver.communicate()
        decoding = [raylet for raylet in cluster.machines if cluster.workers("Decoder", below=raylet)]
        assert decoding
        for pid in (
            decoding[0],
            *cluster.workers("ray::", below=decoding[0]),
        ):  # Ray's process, then all others
            os.kill(pid, signal.SIGKILL)
        out, err = driver.communicate(timeout=120)
        assert driver.returncode == 0, err
    done = json.loads(out.splitlines()[-1])
    assert (done["pictures"], done["encoded"], done["failed"]) == (COUNT, COUNT, 2)
    rows = [item.row.path for some in Features.open(target).stored() for item in some]
    assert len(rows) == len(set(rows)) == COUNT and Features.open(target).manifest.complete
    run(folder, tmp_path / "local.parquet", tiny_backbone_dir)
    assert in_features(target) == in_features(tmp_path / "local.parquet")
    assert set(failures(target)) == {b"broken.jpg", b"empty.png"}
