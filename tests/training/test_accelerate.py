"""`accelerate launch` itself: two processes on the CPU learn what one learns from the same global batch."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from test_world import PROGRAM, launch

torch = pytest.importorskip("torch", reason="training needs the extra torch")
pytest.importorskip("accelerate", reason="several processes are started by the extra train")
pytestmark = pytest.mark.slow


def test_two_accelerated_processes_equal_one(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    command = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2"]
    command += ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no"]
    command += ["--main_process_port", str(port), str(program), str(tmp_path / "two.pt")]
    own = {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1", "HF_HOME": str(tmp_path / "hf")}
    done = subprocess.run(
        command, env={**os.environ, **own}, capture_output=True, text=True, timeout=150, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    two = torch.load(tmp_path / "two.pt", weights_only=True)
    one = launch(tmp_path / "one.pt", 1)
    assert two["curve"] == pytest.approx(one["curve"], rel=1e-5)
    for mine, other in zip(two["gradients"], one["gradients"], strict=True):  # type: ignore[call-overload]
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-6)
