"""The API, fuzzed from its own description: nothing breaks, and every answer is one that it announces."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gallery import make_gallery

sys.path.insert(0, str(Path(__file__).parent))
from real import server

from sightword.client import Client

pytestmark = pytest.mark.slow
SECONDS = 45
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
    "response_headers_conformance"
)


def test_fuzz(tiny_backbone_dir: Path, tmp_path: Path) -> None:
    pytest.importorskip("schemathesis", reason="schemathesis is not installed")
    folder = make_gallery(tmp_path / "pictures")
    with server(tiny_backbone_dir, folder, options=("--rate", "100000")) as (url, process):
        home = url.rstrip("/")
        program = str(Path(sys.executable).parent / "schemathesis")
        options = ["--checks", CHECKS, "--max-time", str(SECONDS), "--seed", "7", "--request-timeout", "60"]
        options += ["-H", f"Origin: {home}", "--no-color", "--warnings", "off", "--continue-on-failure"]
        command = [program, "run", f"{home}/openapi.json", *options]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=tmp_path, timeout=20 * SECONDS
        )
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
        assert process.poll() is None
        with Client(url) as client:
            assert client.search(text="red").hits[0].path == "red.png"
            told = client._ask("GET", "/metrics").decode()
    answered = [line for line in told.splitlines() if line.startswith("sightword_http_requests_total{")]
    # While the model was loaded, /readyz said so.
    assert not [line for line in answered if 'status="5' in line and 'route="/readyz"' not in line]
    # It must have got past the doors, too.
    assert [line for line in answered if 'route="/v1/search",status="200"' in line]
