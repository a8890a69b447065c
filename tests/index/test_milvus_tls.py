"""TLS to a real server that speaks it, with certificates made here; and what is said when it does not fit."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from samples import MANIFEST, pictures

from milvus_server import MilvusServer, reason_to_skip
from sightword.errors import IndexProblem, UsageError
from sightword.index.milvus import connection
from sightword.index.milvus.address import Address, parse_address
from sightword.index.milvus.store import MilvusStore
from sightword.index.milvus.tls import diagnose, refuse_plain, speaks_tls


def made(home: Path, name: str, subject: str = "127.0.0.1") -> tuple[Path, Path]:
    """A certificate that nobody else vouches for, and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("certificates are made with openssl, which is not installed")
    certificate, key = home / f"{name}.pem", home / f"{name}.key"
    names = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=IP:{subject}"]
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "2", "-nodes"]
    out = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([openssl, "req", "-x509", *kind, *out, *names], check=True, capture_output=True)
    return certificate, key


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def own(home: Path) -> tuple[Path, Path]:
    """The server's."""
    return made(home, "server")


@pytest.fixture(scope="module")
def visitor(home: Path) -> tuple[Path, Path]:
    """Ours."""
    return made(home, "visitor")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTWORD_MILVUS_TIMEOUT", "5")


def start(directory: Path, **options: object) -> MilvusServer:
    if reason := reason_to_skip():
        pytest.skip(reason)
    server = MilvusServer(directory, **options)  # type: ignore[arg-type]
    server.start()
    return server


@pytest.fixture(scope="module")
def guarded(own: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusServer]:
    """A server with a certificate and a password."""
    server = start(tmp_path_factory.mktemp("tls"), password="Milvus", certificate=own)
    yield server
    server.kill()


def refusal(address: str) -> IndexProblem:
    with pytest.raises(IndexProblem) as caught:
        MilvusStore.open(parse_address(address))
    return caught.value


@pytest.mark.slow
def test_an_index_behind_tls(
    guarded: MilvusServer, own: tuple[Path, Path], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTWORD_MILVUS_PASSWORD", "Milvus")
    monkeypatch.setenv("SIGHTWORD_MILVUS_CA", str(own[0]))
    address = guarded.url("secret")
    assert address.startswith("milvus+tls://root@127.0.0.1:")
    with closing(MilvusStore.create(parse_address(address), MANIFEST)) as store:
        with store.writer() as writer:
            writer.add(pictures(range(5)))
        assert store.info()["pictures"] == 5
    # The command as its own process: nothing but the environment tells it.
    command = [sys.executable, "-m", "sightword", "info", address]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert address in done.stdout

    monkeypatch.setenv("SIGHTWORD_MILVUS_PASSWORD", "wrong")
    assert "does not let the user 'root' in" in refusal(address).message
    monkeypatch.setenv("SIGHTWORD_MILVUS_PASSWORD", "Milvus")
    other, _ = made(home, "other")
    monkeypatch.setenv("SIGHTWORD_MILVUS_CA", str(other))
    told = refusal(address)
    assert "does not prove who it is (self-signed certificate)" in told.message.replace(
        "self signed", "self-signed"
    )
    assert "SIGHTWORD_MILVUS_CA" in (told.hint or "")
    monkeypatch.delenv("SIGHTWORD_MILVUS_CA")
    assert "does not prove who it is" in refusal(address).message
    told = refusal(address.replace("milvus+tls:", "milvus:"))
    assert "speaks TLS, for which the address does not ask" in told.message
    assert told.hint == f"Write {address}."


@pytest.mark.slow
def test_a_server_that_wants_our_certificate(
    own: tuple[Path, Path],
    visitor: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = start(tmp_path / "server", certificate=own, visitors=visitor[0])
    try:
        address = server.url("mutual")
        monkeypatch.setenv("SIGHTWORD_MILVUS_CA", str(own[0]))
        told = refusal(address)
        assert "wants to see a certificate of ours" in told.message
        assert "SIGHTWORD_MILVUS_CERT" in (told.hint or "")
        monkeypatch.setenv("SIGHTWORD_MILVUS_CERT", str(visitor[0]))
        monkeypatch.setenv("SIGHTWORD_MILVUS_KEY", str(visitor[1]))
        with closing(MilvusStore.create(parse_address(address), MANIFEST)) as store:
            with store.writer() as writer:
                writer.add(pictures(range(3)))
            assert len(store.known()) == 3
    finally:
        server.kill()


@pytest.mark.slow
def test_tls_to_a_server_without(milvus_server: MilvusServer) -> None:
    plain = milvus_server.url("x")
    told = refusal(plain.replace("milvus:", "milvus+tls:"))
    assert (
        told.message
        == f"The Milvus server 127.0.0.1:{milvus_server.port} does not speak TLS, for which the address asks."
    )
    assert told.hint == f"Write {plain}, or have TLS switched on there."


class Greeter:
    """Shakes hands with whoever comes, and hangs up."""

    def __init__(self, certificate: tuple[Path, Path] | None, visitors: Path | None = None) -> None:
        self._context: ssl.SSLContext | None = None
        if certificate is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(*certificate)
            if visitors is not None:
                self._context.load_verify_locations(visitors)
                self._context.verify_mode = ssl.CERT_REQUIRED
        self._door = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._work)
        self._thread.start()
        self.address = Address("127.0.0.1", self._door.getsockname()[1], "x", tls=True)

    def _work(self) -> None:
        while True:
            try:
                raw, _ = self._door.accept()
            except OSError:
                return
            with raw:
                try:
                    if self._context is None:
                        raw.recv(1000)
                        raw.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                    else:
                        with self._context.wrap_socket(raw, server_side=True):
                            pass
                except OSError:
                    pass

    def __enter__(self) -> Greeter:
        return self

    def __exit__(self, *_: object) -> None:
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self._thread.join()


def test_who_does_not_speak_tls_is_told() -> None:
    with Greeter(None) as server:
        assert speaks_tls(server.address, 5.0) is False
        with pytest.raises(IndexProblem, match="does not speak TLS") as caught:
            refuse_plain(server.address, 5.0)
        assert (
            caught.value.hint == f"Write milvus://{server.address.server}/x, or have TLS switched on there."
        )


@pytest.mark.parametrize("cut", [True, False], ids=["cut", "slow"])
def test_a_handshake_that_does_not_end_proves_nothing(cut: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:

        def work() -> None:
            for _ in range(3):
                raw, _ = door.accept()
                with raw:
                    if not cut:  # until the visitor has enough
                        while raw.recv(1000):
                            pass

        thread = threading.Thread(target=work)
        thread.start()
        address = Address("127.0.0.1", door.getsockname()[1], "x", tls=True)
        begun = time.monotonic()
        assert speaks_tls(address, 0.2) is None
        refuse_plain(address, 0.2)
        assert diagnose(replace(address, tls=False), {}, 0.2) is None
        assert time.monotonic() - begun < 2.5
        thread.join()


@pytest.mark.parametrize("host", ["db..example", "d" * 64, ".example"])
def test_a_name_that_cannot_be_a_machines(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "client_library", lambda: None)
    address = parse_address(f"milvus+tls://{host}/x")
    with pytest.raises(IndexProblem, match=r"can be reached at .*: there is no such machine"):
        connection.Connection(address)
    assert speaks_tls(address, 1.0) is None
    assert diagnose(address, {}, 1.0) is None


def test_what_is_wrong_with_a_certificate_is_told(
    own: tuple[Path, Path], visitor: tuple[Path, Path], home: Path
) -> None:
    elsewhere = made(home, "elsewhere", "192.0.2.1")
    with Greeter(own) as server:
        assert speaks_tls(server.address, 5.0)
        refuse_plain(server.address, 5.0)
        assert diagnose(server.address, {"server_pem_path": str(own[0])}, 5.0) is None
        told = diagnose(server.address, {"server_pem_path": str(elsewhere[0])}, 5.0)
        assert told is not None and "SIGHTWORD_MILVUS_CA" in (told.hint or "")
        told = diagnose(server.address, {"server_pem_path": str(own[1])}, 5.0)
        assert isinstance(told, UsageError) and "PEM" in (told.hint or "")
        files = {
            "ca_pem_path": str(own[0]),
            "client_pem_path": str(own[0]),
            "client_key_path": str(visitor[1]),
        }
        assert isinstance(diagnose(server.address, files, 5.0), UsageError)
    with Greeter(elsewhere) as server:
        told = diagnose(server.address, {"server_pem_path": str(elsewhere[0])}, 5.0)
        assert told is not None and "as its certificate does" in (told.hint or "")
    with Greeter(own, visitor[0]) as server:
        told = diagnose(server.address, {"server_pem_path": str(own[0])}, 5.0)
        assert told is not None and "certificate of ours" in told.message
        files = {
            "ca_pem_path": str(own[0]),
            "client_pem_path": str(visitor[0]),
            "client_key_path": str(visitor[1]),
        }
        assert diagnose(server.address, files, 5.0) is None
