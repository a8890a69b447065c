"""Packages are found by content, downloads go on where they stopped, what is missing is told."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from made_packages import deb, tar

from sightword.datasets import fetch
from sightword.datasets.archives import members
from sightword.datasets.fetch import address, obtain
from sightword.datasets.sources import Source
from sightword.errors import SightwordError
from sightword.update.progress import Progress

CONTENT = bytes(range(256)) * 4000


def source(content: bytes = CONTENT, name: str = "@scope/thing", **values: object) -> Source:
    fields = {
        "registry": "npm",
        "name": name,
        "version": "1.2",
        "file": "scope-thing-1.2.tgz",
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "licence": "MIT",
        "author": "nobody",
        "use": "tests",
        **values,
    }
    return Source(**fields)  # type: ignore[arg-type]


class Server(ThreadingHTTPServer):
    """Serves `CONTENT`; `cut` ends the first answer early, `ranges` switches continuing off."""

    cut = 0
    ranges = True
    content = CONTENT
    asked: list[tuple[str, str | None]]


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers["Range"]
        self.server.asked.append((self.path, wanted))
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.server.ranges else 0
        data = self.server.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        cut, self.server.cut = self.server.cut, 0
        self.wfile.write(data[:cut] if cut else data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(("127.0.0.1", 0), _Handler)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def mirrors(server: Server) -> dict[str, str]:
    base = f"http://127.0.0.1:{server.server_port}/"
    return {"npm": base, "debian": base}


class Counted(Progress):
    wanted = done = 0

    def total(self, count: int) -> None:
        self.wanted = count

    def advance(self, count: int = 1) -> None:
        self.done += count


def test_a_package_is_found_by_content_under_any_name(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "scope-thing-1.2.tgz").write_bytes(CONTENT[::-1])  # the name, another content
    (tmp_path / "a" / "thing_1%3a1.2_all.deb").write_bytes(CONTENT)
    found = obtain([source()], tmp_path / "none", places=[tmp_path / "a"])
    assert found == {"@scope/thing": tmp_path / "a" / "thing_1%3a1.2_all.deb"}


def test_what_is_missing_is_listed_with_how_to_place_it(tmp_path: Path) -> None:
    with pytest.raises(SightwordError) as caught:
        obtain([source()], tmp_path / "cache", places=[tmp_path])
    said = str(caught.value)
    assert all(
        part in said for part in ("1 of 1", "scope-thing-1.2.tgz", "pkg:npm/%40scope/thing@1.2", "--from")
    )
    assert not (tmp_path / "cache").exists()


def test_downloads_are_checked_and_kept(tmp_path: Path, server: Server) -> None:
    progress = Counted()
    found = obtain([source()], tmp_path, mirrors=mirrors(server), progress=progress)
    assert found["@scope/thing"].read_bytes() == CONTENT
    assert progress.wanted == progress.done == len(CONTENT)
    assert server.asked == [("/@scope/thing/-/thing-1.2.tgz", None)]
    assert obtain([source()], tmp_path, mirrors={"npm": "http://127.0.0.1:9"}) == found  # no second time


@pytest.mark.parametrize("ranges", [True, False])
def test_an_interrupted_download_goes_on(tmp_path: Path, server: Server, ranges: bool) -> None:
    server.cut, server.ranges = 300_000, ranges
    with pytest.raises(SightwordError, match="could not be downloaded"):
        obtain([source()], tmp_path, mirrors=mirrors(server))
    have = (tmp_path / "scope-thing-1.2.tgz.part").stat().st_size
    assert 0 < have <= 300_000
    progress = Counted()
    found = obtain([source()], tmp_path, mirrors=mirrors(server), progress=progress)
    assert found["@scope/thing"].read_bytes() == CONTENT
    assert server.asked[1][1] == f"bytes={have}-"
    assert progress.done == len(CONTENT)


def test_another_file_is_refused_and_not_kept(tmp_path: Path, server: Server) -> None:
    server.content = CONTENT[::-1]
    with pytest.raises(SightwordError, match="sha256 differs"):
        obtain([source()], tmp_path, mirrors=mirrors(server))
    assert not list(tmp_path.iterdir())


def test_debian_packages_have_a_path(server: Server, tmp_path: Path) -> None:
    wanted = source(registry="debian", path="pool/t.deb", file="t.deb")
    obtain([wanted], tmp_path, mirrors=mirrors(server))
    assert server.asked == [("/pool/t.deb", None)]
    assert wanted.url == "pkg:deb/debian/%40scope/thing@1.2"


def test_without_a_mirror_the_registrys_client_is_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    said = {"npm": "http://mirror.invalid/thing.tgz\n", "apt-get": "'http://mirror.invalid/t.deb' t.deb 5\n"}
    monkeypatch.setattr(fetch, "_asked", lambda command: said[command[0]])
    assert address(source(), {}) == "http://mirror.invalid/thing.tgz"
    assert address(source(registry="debian"), {}) == "http://mirror.invalid/t.deb"
    monkeypatch.undo()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SightwordError, match="npm is not installed") as caught:
        obtain([source()], tmp_path / "cache")
    assert "--npm-mirror" in str(caught.value)


@pytest.mark.parametrize("packed", ["xz", "gz"])
def test_debian_packages_are_read_without_dpkg(tmp_path: Path, packed: str) -> None:
    path = deb(tmp_path / "a.deb", {"usr/one.txt": b"1", "usr/two.svg": b"two" * 50_000}, packed)
    assert list(members(path, lambda name: name.endswith(".svg"))) == [("usr/two.svg", b"two" * 50_000)]


def test_damaged_and_unknown_archives_are_told(tmp_path: Path) -> None:
    for name, content, said in (
        ("a.deb", b"not one", "is not a Debian package"),
        ("b.deb", b"!<arch>\n", "has no data"),
        ("c.tgz", b"\x1f\x8b\x08 broken", "cannot be unpacked"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(SightwordError, match=said):
            list(members(tmp_path / name, lambda name: True))
    zst = deb(tmp_path / "d.deb", {"a": b"1"}, "zst")
    with pytest.raises(SightwordError, match=r"packed as data\.tar\.zst"):
        list(members(zst, lambda name: True))
    whole = tar(tmp_path / "e.tgz", {"a": bytes(range(256)) * 999})
    whole.write_bytes(whole.read_bytes()[:-200])
    with pytest.raises(SightwordError, match="cannot be unpacked"):
        list(members(whole, lambda name: True))
