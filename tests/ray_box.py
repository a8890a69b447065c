"""A real Ray cluster of two cores on this machine, in a process of its own, and drivers to be killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_OWNER = """
import sys
from sightword.scale.ray_session import ray_session
with ray_session(None, cpus=2, object_store=100 << 20) as ray:
    print(ray.get_runtime_context().gcs_address, flush=True)
    sys.stdin.read()
"""

_DRIVER = """
import json, sys, time
from sightword.errors import SightwordError
from sightword.scale import EngineChoice, bulk_index
from sightword.scale.features import Features
options = json.loads(sys.argv[1])
choice = EngineChoice("ray", address=options.pop("address"))
pause = options.pop("pause", 0)
keep = Features.keep
def slowly(*arguments):  # shards come in bursts, and a test wants to kill between two of them
    time.sleep(pause)
    return keep(*arguments)
Features.keep = slowly
try:
    report = bulk_index(options.pop("source"), options.pop("to"), choice=choice, **options)
except SightwordError as error:
    sys.exit(f"{type(error).__name__}: {error}")
print(json.dumps({name: getattr(report, name) for name in ("pictures", "encoded", "failed", "already")}))
"""


@dataclass
class Box:
    """A running cluster."""

    address: str
    owner: subprocess.Popen[str]
    env: dict[str, str]

    def command(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """`sightword` with these arguments."""
        words = [sys.executable, "-m", "sightword", *map(str, arguments)]
        return subprocess.run(words, env=self.env, capture_output=True, text=True, timeout=150, check=False)

    def start(self, source: Path, to: Path | None, **options: Any) -> subprocess.Popen[str]:
        """A driver; its standard output is the report."""
        told = {
            "address": self.address,
            "source": str(source),
            "to": None if to is None else str(to),
            **options,
        }
        return subprocess.Popen(
            [sys.executable, "-c", _DRIVER, json.dumps(told)],
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def workers(self, word: str) -> list[int]:
        """Processes of this cluster that have a word in their title."""
        return [pid for pid, (_, title) in self.processes().items() if word in title]

    def processes(self) -> dict[int, tuple[int, str]]:
        """Parent and command line of the owner and everything below it."""
        every = {}
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                try:
                    parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                    title = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                except (OSError, ValueError):
                    continue
                every[int(folder.name)] = (parent, title)
        ours = {self.owner.pid}
        while more := {pid for pid, (parent, _) in every.items() if parent in ours} - ours:
            ours |= more
        return {pid: every[pid] for pid in ours if pid in every}


@contextmanager
def box() -> Iterator[Box]:
    """Start a cluster; it ends with the test."""
    paths = os.pathsep.join([str(Path(__file__).parent), *(path for path in sys.path if path)])
    # One network interface, the loopback one, for drivers too.
    own = {"PYTHONPATH": paths, "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "OMP_NUM_THREADS": "1"}
    env = {**os.environ, **own}
    owner = subprocess.Popen(
        [sys.executable, "-c", _OWNER], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert owner.stdout is not None
        address = owner.stdout.readline().strip()
        assert address, "Ray did not start"
        yield Box(address, owner, env)
    finally:
        try:
            owner.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            owner.kill()
            owner.wait()


def until(condition: Any, seconds: float, what: str) -> None:
    """Wait for something."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds:g} s"
        time.sleep(0.05)
