"""A real Milvus server for tests: the standalone binary from the package `milvus`, alone in a network.

Only `milvus_box.py`, our child, can reach it; when that dies, so does the server: nothing stays behind, and
it can be killed and started again at the same port.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

__all__ = ["MilvusServer", "reason_to_skip"]

_PARTS = ("rootCoord", "proxy", "queryCoord", "queryNode", "indexNode", "dataCoord", "dataNode")
_BOX = Path(__file__).with_name("milvus_box.py")
_PATIENCE = 120.0
_HEALTH = "9091"


def reason_to_skip() -> str | None:
    """Why the server cannot be started here; None when it can."""
    if not sys.platform.startswith("linux"):
        return "the package milvus has a server for Linux only"
    from importlib.util import find_spec

    missing = [name for name in ("milvus", "pymilvus") if find_spec(name) is None]
    return f"the package {missing[0]} is not installed" if missing else None


class MilvusServer:
    """One server; `start` and `kill` may follow each other.

    Parameters
    ----------
    directory : Path
        For everything it keeps.
    password : str, optional
        Of its user ``root``; without one, nobody is asked who they are.
    certificate : (Path, Path), optional
        Its certificate and key (PEM): it speaks TLS.
    visitors : Path, optional
        Certificates (PEM) from which those of its visitors must descend.
    """

    def __init__(
        self,
        directory: Path,
        password: str | None = None,
        certificate: tuple[Path, Path] | None = None,
        visitors: Path | None = None,
    ) -> None:
        from milvus import MilvusServerConfig

        self.directory = directory
        self.password = password
        self.tls = certificate is not None
        self._process: subprocess.Popen[bytes] | None = None
        config = MilvusServerConfig(data_dir=str(directory))
        for part in _PARTS:
            config.set(f"{part}.ip", "127.0.0.1")
        config.set("authorization_enabled", password is not None)
        if password is not None:
            config.set("common.security.defaultRootPassword", password)
        if certificate is not None:
            config.set("tls_mode", 1 if visitors is None else 2)
            config.set("server_pem_path", str(certificate[0]))
            config.set("server_key_path", str(certificate[1]))
            config.set("ca_pem_path", str(visitors or certificate[0]))
        # What a strongly consistent read waits for; the usual 200 ms would be most of the time of the tests.
        config.set("proxy.timeTickInterval", 20)
        # After a crash the parts wait until what their predecessors registered runs out: usually 30 s.
        config.set("common.session.ttl", 10)
        config.resolve_storage()
        config.write_config()
        self._inner = str(config.get("proxy_port"))
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]

    def start(self) -> None:
        """Start it and wait until it is healthy."""
        binary = _binaries() / "milvus"
        environ = {
            **os.environ,
            "DEPLOY_MODE": "STANDALONE",
            "METRICS_PORT": _HEALTH,
            "LD_LIBRARY_PATH": str(binary.parent),
            "GOMAXPROCS": "2",
        }
        command = [str(self.port), self._inner, _HEALTH, str(binary), "run", "standalone"]
        # Named after its port: two servers must not share a file with a process number in /run.
        command += ["-alias", str(self.port)]
        log = self.directory / "server.log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, str(_BOX), *command],
                cwd=self.directory,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                env=environ,
            )
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], _PATIENCE)
        line = self._process.stdout.readline() if ready else b""
        if line != b"healthy\n":
            self.kill()
            raise RuntimeError(f"Milvus did not start:\n{log.read_text(errors='replace')[-3000:]}")

    def kill(self) -> None:
        """End it as a crash would (SIGKILL)."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.communicate()
            self._process = None

    def url(self, collection: str, **options: Any) -> str:
        """The address of a collection."""
        user = "root@" if self.password is not None else ""
        query = "&".join(f"{name}={value}" for name, value in options.items())
        scheme = "milvus+tls" if self.tls else "milvus"
        return f"{scheme}://{user}127.0.0.1:{self.port}/{collection}" + (f"?{query}" if query else "")


def _binaries() -> Path:
    """The unpacked binaries: ten seconds of work that need not be done for every run."""
    from milvus import _initialize_data_files

    base = Path(tempfile.gettempdir()) / f"sightword-tests-milvus-{os.getuid()}"
    base.mkdir(mode=0o700, exist_ok=True)
    if base.stat().st_uid != os.getuid():
        raise RuntimeError(f"{base} belongs to somebody else")
    _initialize_data_files(str(base))
    return base / "bin"
