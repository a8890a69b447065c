"""https by the server itself: with a certificate made here, against real connections."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gallery import make_gallery
from serving import TestClient

sys.path.insert(0, str(Path(__file__).parent))
from real import server

from sightword.cli.door import cli
from sightword.client import Client, ServerError

HOME = "https://127.0.0.1:8765"


def run(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for this machine that nobody else vouches for, and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("certificates are made with openssl, which is not installed")
    home = tmp_path_factory.mktemp("tls")
    made = ["-keyout", str(home / "key.pem"), "-out", str(home / "cert.pem"), "-days", "2", "-nodes"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    subprocess.run([openssl, "req", "-x509", *kind, *made, *names], check=True, capture_output=True)
    return home / "cert.pem", home / "key.pem"


@pytest.mark.slow
def test_a_server_speaks_https(
    certificate: tuple[Path, Path],
    tiny_backbone_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = make_gallery(tmp_path / "pictures")
    chain, key = certificate
    options = ("--tls-cert", str(chain), "--tls-key", str(key))
    monkeypatch.setenv("SSL_CERT_FILE", str(chain))
    with server(tiny_backbone_dir, folder, options=options) as (url, process):
        assert url.startswith("https://127.0.0.1:")
        with Client(url) as client:
            assert client.search(folder / "red.png", "blue", k=2).hits
        done = run("search", "--server", url, "blue", "--json")
        assert done.exit_code == 0 and json.loads(done.stdout)["hits"][0]["path"].endswith("blue.png")
        monkeypatch.delenv("SSL_CERT_FILE")
        with Client(url) as stranger, pytest.raises(ServerError, match="does not prove who it is") as refused:
            stranger.indexes()
        assert "SSL_CERT_FILE" in str(refused.value)
        with Client(url.replace("https:", "http:")) as plain, pytest.raises(ServerError):
            plain.indexes()
        assert process.poll() is None


def test_host_and_origin_know_https(serve: Callable[..., TestClient], folder: Path) -> None:
    client = serve(folder, base_url=HOME, tls=True)
    body = {"text": "red"}
    assert client.post("/v1/search", json=body).status_code == 200
    wrong = {"origin": "http://127.0.0.1:8765"}
    assert client.post("/v1/search", json=body, headers=wrong).status_code == 403
    assert client.get("/v1/indexes", headers={"host": "127.0.0.1"}).status_code == 421
    usual = serve(folder, base_url="https://localhost", tls=True, port=443)
    assert usual.get("/v1/indexes", headers={"host": "localhost"}).status_code == 200


def test_the_session_of_https_stays_there(serve: Callable[..., TestClient], folder: Path) -> None:
    client = serve(folder, base_url=HOME, tls=True, api_key="a long enough key")
    cookie = client.post("/v1/session", json={"key": "a long enough key"}).headers["set-cookie"].lower()
    assert "; secure" in cookie and "httponly" in cookie


def test_what_is_no_certificate_is_told(certificate: tuple[Path, Path], tmp_path: Path) -> None:
    chain, key = certificate
    (tmp_path / "text.pem").write_text("no certificate")
    for cert, its_key, said in (
        (chain, None, "is no certificate for https"),
        (tmp_path / "text.pem", key, "is no certificate for https"),
        (tmp_path / "none.pem", key, "There is no file"),
        (chain, tmp_path / "none.pem", "There is no file"),
        (None, key, "--tls-key alone is not enough"),
    ):
        words = [*(["--tls-cert", cert] if cert else []), *(["--tls-key", its_key] if its_key else [])]
        done = run("serve", tmp_path, "--port", "0", *words)
        assert done.exit_code == 2 and said in done.stderr, done.output
