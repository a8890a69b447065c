"""A server as its own process, as people start it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sightword.client import Client, ServerError


@contextmanager
def server(
    backbone: Path, *folders: Path, options: tuple[str, ...] = (), ready: bool = True
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address of a server (that is ready), and its process."""
    command = [sys.executable, "-m", "sightword", "serve", *map(str, folders), "--backbone", str(backbone)]
    environ = {**os.environ, "SIGHTWORD_METHOD": "average", "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        [*command, "--port", "0", *options], stdout=subprocess.PIPE, text=True, env=environ
    ) as process:
        assert process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            assert url.startswith(("http://", "https://")), url
            if ready:
                wait_until_ready(url)
            yield url, process
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


def wait_until_ready(url: str, seconds: float = 60) -> None:
    """Until the encoders are loaded and the first refresh is through."""
    deadline = time.monotonic() + seconds
    with Client(url) as client:
        while time.monotonic() < deadline:
            try:
                client._json("GET", "/readyz")
                jobs = [item["job"] for item in client._json("GET", "/v1/indexes")]
                if all(job is None or job["state"] not in ("queued", "running") for job in jobs):
                    return
            except ServerError:
                pass
            time.sleep(0.1)
    raise AssertionError("the server is not ready")
