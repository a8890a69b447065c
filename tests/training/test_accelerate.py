"""``accelerate launch -m sightword train``, as documented: two processes, and two machines, do as one."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs the extra torch")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("accelerate") is None, reason="accelerate is in the extra train"),
    pytest.mark.skipif(find_spec("open_clip") is None, reason="open_clip is in the extra torch"),
]

from safetensors.numpy import load_file  # noqa: E402

import tiny_clip  # noqa: E402

LAUNCH = [str(Path(sys.executable).with_name("accelerate")), "launch", "--multi_gpu"]
PLAIN = ["--mixed_precision", "no", "--dynamo_backend", "no"]
QUICK = ["--batch", 32, "--steps", 6, "--lr", 3e-3, "--hidden", 32, "--dropout", 0, "--threads", 1, "--json"]


def free_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


@pytest.fixture
def train(tmp_path: Path) -> Callable[..., dict[str, object]]:
    """Runs launchers at the same time, each before the same training; returns the one report."""
    backbone = tiny_clip.folder(tmp_path / "clip", "none-last")
    np.save(tmp_path / "features.npy", np.random.default_rng(0).normal(size=(150, tiny_clip.D)).astype("f4"))
    own = {"SIGHTWORD_CACHE": str(tmp_path / "cache"), "PYTHONPATH": os.pathsep.join(sys.path)}
    env = {name: value for name, value in os.environ.items() if not name.startswith("SIGHTWORD_")} | own

    def start(out: str, *launchers: list[str]) -> dict[str, object]:
        call = ["-m", "sightword", "train", "pic2word", *QUICK, "--device", "cpu"]
        call += ["--features", tmp_path / "features.npy"]
        call += ["--backbone", backbone, "--out", tmp_path / out]
        pipe = subprocess.PIPE
        running = [
            subprocess.Popen([*map(str, [*launcher, *call])], env=env, stdout=pipe, stderr=pipe, text=True)
            for launcher in launchers
        ]
        told = [process.communicate(timeout=120) for process in running]
        assert [process.returncode for process in running] == [0] * len(running), told
        written = [said for said, _ in told if said.strip()]
        assert len(written) == 1, told
        return json.loads(written[0])  # type: ignore[no-any-return]

    return start


def test_two_processes_and_two_machines(train: Callable[..., dict[str, object]], tmp_path: Path) -> None:
    one = train("one", [sys.executable])
    two = train("two", [*LAUNCH, "--num_processes", "2", "--main_process_port", free_port(), *PLAIN])
    address = ["--main_process_ip", "127.0.0.1", "--main_process_port", free_port()]
    machines = [["--num_machines", "2", "--num_processes", "2", "--machine_rank", rank] for rank in "01"]
    far = train("far", *([*LAUNCH, *machine, *address, *PLAIN] for machine in machines))
    assert [report["processes"] for report in (one, two, far)] == [1, 2, 2]
    losses = [loss for _, loss in one["curve"]]  # type: ignore[attr-defined]
    assert losses[-1] < losses[0] - 0.01  # it learnt: equal weights say something
    alone, *others = (load_file(tmp_path / name / "model.safetensors") for name in ("one", "two", "far"))
    for weights, report in zip(others, (two, far)):
        np.testing.assert_allclose(report["curve"], one["curve"], rtol=1e-4)  # type: ignore[arg-type]
        assert weights.keys() == alone.keys()
        for name, values in weights.items():
            np.testing.assert_allclose(values, alone[name], rtol=0, atol=2e-6, err_msg=name)
