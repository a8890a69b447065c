"""The worker as a process: what it loads, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from made_pictures import encoded, noise

SCRIPT = """
import os, sys
from sightword.backbones.base import PreprocessSpec
from sightword.pictures.pool import DecodePool

# No ``if __name__ == "__main__"``: nobody should have to know that there are worker processes.
folder = os.fsencode(sys.argv[1])
files = [(name, os.path.join(folder, name)) for name in sorted(os.listdir(folder))]
with DecodePool(PreprocessSpec(size=8), workers=1, program=sys.argv[2]) as pool:
    for result in pool.run(files):
        print(type(result).__name__, pool._workers[0]._process.pid, flush=True)
"""


def start(tmp_path: Path, names: list[str], program: str) -> subprocess.Popen[str]:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes(encoded(noise(20, 20), "PNG"))
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(SCRIPT))
    return subprocess.Popen(
        [sys.executable, str(script), str(folder), program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        start_new_session=True,
    )


def gone(pid: int) -> bool:
    """Whether the process ends within five seconds (a zombie has ended)."""
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def test_a_script_without_a_main_guard(tmp_path: Path) -> None:
    process = start(tmp_path, ["a.png", "b.png"], "sightword.pictures.worker")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()] == ["DecodedPicture"] * 2


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_workers_end_with_a_killed_program(tmp_path: Path) -> None:
    process = start(tmp_path, ["a.png", "slow-1.png", "slow-2.png", "slow-3.png"], "faulty_worker")
    assert process.stdout is not None
    pid = int(process.stdout.readline().split()[1])
    process.kill()
    process.communicate()
    assert gone(pid)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_prints_nothing_from_workers(tmp_path: Path) -> None:
    process = start(tmp_path, ["a.png", *(f"hang-{n}.png" for n in range(3))], "faulty_worker")
    assert process.stdout is not None
    pid = int(process.stdout.readline().split()[1])
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert err.count("Traceback") == 1  # the script's own: it does not catch KeyboardInterrupt
    assert err.rstrip().endswith("KeyboardInterrupt")
    assert "worker" not in err.replace("_workers", "").replace("faulty_worker", "")
    assert not sys.platform.startswith("linux") or gone(pid)


def test_a_worker_loads_little() -> None:
    code = "import sys, sightword.pictures.worker; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "PIL.Image" in loaded
    assert not loaded & {"numpy", "torch", "openvino", "pi_heif", "sightword.backbones", "sightword.index"}


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="alarms of POSIX")
def test_an_orphan_stuck_in_a_decoder_ends_itself() -> None:
    code = "from sightword.pictures.limits import arm; arm(0.2); sum(range(10**12))"
    before = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == -signal.SIGALRM
    assert time.monotonic() - before < 20
