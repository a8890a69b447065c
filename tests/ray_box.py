"""A real Ray cluster on this machine, in a process of its own, and drivers to be killed."""

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

_OWNER_OF_MORE = """
import sys
from sightword.scale.need import need_ray
need_ray()
from ray.cluster_utils import Cluster
machine = {"object_store_memory": 100 << 20, "include_dashboard": False}
soon = {"health_check_period_ms": 500, "health_check_failure_threshold": 4}  # as it is, 15 s
cluster = Cluster(initialize_head=True, head_node_args={**machine, "num_cpus": 0, "_system_config": soon})
more = [cluster.add_node(**machine, num_cpus=2, wait=False) for _ in range(int(sys.argv[1]))]
cluster.wait_for_nodes()
print(cluster.address, *(node.all_processes["raylet"][0].process.pid for node in more), flush=True)
sys.stdin.read()
cluster.shutdown()
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
    """A running cluster.

    `machines` are the processes that stand for machines beside the driver's, if there are any.
    """

    address: str
    owner: subprocess.Popen[str]
    env: dict[str, str]
    machines: tuple[int, ...] = ()

    def command(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """`sightword` with these arguments."""
        running = self.begin(*arguments)
        out, err = running.communicate(timeout=150)
        return subprocess.CompletedProcess(running.args, running.returncode, out, err)

    def begin(self, *arguments: str | Path) -> subprocess.Popen[str]:
        """The same, not waited for."""
        words = [sys.executable, "-m", "sightword", *map(str, arguments)]
        pipe = subprocess.PIPE
        return subprocess.Popen(words, env=self.env, stdout=pipe, stderr=pipe, text=True)

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

    def workers(self, word: str, below: int | None = None) -> list[int]:
        """Processes of this cluster, or below one of its processes, that have a word in their title."""
        return [pid for pid, (_, title) in self.processes(below).items() if word in title]

    def processes(self, below: int | None = None) -> dict[int, tuple[int, str]]:
        """Parent and command line of a process, by default the owner, and everything below it."""
        every = {}
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                try:
                    parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                    title = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                except (OSError, ValueError):
                    continue
                every[int(folder.name)] = (parent, title)
        ours = {self.owner.pid if below is None else below}
        while more := {pid for pid, (parent, _) in every.items() if parent in ours} - ours:
            ours |= more
        return {pid: every[pid] for pid in ours if pid in every}


@contextmanager
def box(machines: int = 0) -> Iterator[Box]:
    """Start a cluster of two cores, or of machines with two cores each; it ends with the test."""
    paths = os.pathsep.join([str(Path(__file__).parent), *(path for path in sys.path if path)])
    # One network interface, the loopback one, for drivers too.
    own = {"PYTHONPATH": paths, "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "OMP_NUM_THREADS": "1"}
    env = {**os.environ, **own}
    owner = subprocess.Popen(
        [sys.executable, "-c", _OWNER_OF_MORE if machines else _OWNER, str(machines)],
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert owner.stdout is not None
        told = owner.stdout.readline().split()
        assert len(told) == 1 + machines, "Ray did not start"
        yield Box(told[0], owner, env, tuple(map(int, told[1:])))
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
