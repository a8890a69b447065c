"""Uploads: limits on size, number and pixels; hostile files cost one request and nothing else."""

from __future__ import annotations

import asyncio
import io
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from serving import HOME, TestClient, png


def bomb(side: int) -> bytes:
    """A small PNG that says it has side x side pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * 100_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def wordy(size: int) -> bytes:
    """A small picture with a compressed remark that unfolds to `size` bytes."""
    data = io.BytesIO()
    Image.new("RGB", (20, 20), "red").save(data, "PNG")
    head, rest = data.getvalue()[:33], data.getvalue()[33:]
    remark = b"Comment\0\0" + zlib.compress(b"\0" * size, 9)
    chunk = struct.pack(">I", len(remark)) + b"zTXt" + remark
    return head + chunk + struct.pack(">I", zlib.crc32(b"zTXt" + remark)) + rest


def frames(count: int) -> bytes:
    """A GIF of many frames, each as large as the screen."""
    data = io.BytesIO()
    images = [Image.new("P", (64, 64), number % 250) for number in range(count)]
    images[0].save(data, "GIF", save_all=True, append_images=images[1:])
    return data.getvalue()


def jpeg() -> bytes:
    data = io.BytesIO()
    Image.effect_noise((200, 200), 50).convert("RGB").save(data, "JPEG")
    return data.getvalue()


HOSTILE = {
    "empty": b"",
    "text": b"hello",
    "html": b"<html><script>alert(1)</script>",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
    "bomb": bomb(60_000),
    "cut": jpeg()[:900],
    "gif-html": b"GIF89a<script>",
    "tiff": b"II*\0" + b"\xff" * 200,
    "pickle": b"\x80\x04\x95\x1a\0\0\0\0\0\0\0\x8c\x05posix\x8c\x06system\x93.",
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_files_are_refused(client: TestClient, kind: str) -> None:
    answer = client.post(
        "/v1/search", data={"text": "red"}, files=[("image", ("x.png", HOSTILE[kind], "image/png"))]
    )
    assert answer.status_code == 422, answer.text
    assert answer.json()["detail"].endswith(".")
    assert client.post("/v1/search", files=[("image", png("red"))]).status_code == 200


@pytest.mark.parametrize("make", [lambda: wordy(80 << 20), lambda: frames(400)], ids=["remark", "frames"])
def test_what_unfolds_beside_the_picture_does_no_harm(client: TestClient, make: Callable[[], bytes]) -> None:
    """Small files that grow when read whole: answered or refused soon, and the next is fine."""
    data = make()
    assert len(data) < 1 << 20
    began = time.monotonic()
    answer = client.post("/v1/search", files=[("image", data)])
    assert answer.status_code in (200, 422) and time.monotonic() - began < 15
    assert client.post("/v1/search", files=[("image", png("red"))]).status_code == 200


def test_a_broken_upload_is_named(client: TestClient) -> None:
    """Which of several files it is, and what is wrong with it."""
    files = [("image", ("beach.png", png("red"))), ("image", ("../holi\x1b[31mday/cut.jpg", jpeg()[:900]))]
    for path, data in (("/v1/search", {"text": "red"}), ("/v1/embed", {})):
        answer = client.post(path, data=data, files=files)
        assert answer.status_code == 422
        told = answer.json()
        assert told["detail"].startswith("cut.jpg: ") and told["detail"].endswith(".")
        assert told["type"] == "urn:sightword:picture"
    unwanted = [("image", ("beach.png", png("red"))), ("without_image", ("", b"GIF89a and no more"))]
    told = client.post("/v1/search", files=unwanted).json()["detail"]
    assert told.startswith(("without_image", "without_image 1: "))


def test_too_large(serve: Callable[..., TestClient], folder: Path) -> None:
    client = serve(folder, max_file=2000, max_upload=9000, max_json=500)
    files = [("image", b"\x89PNG" + bytes(3000))]
    answer = client.post("/v1/search", files=files)
    assert answer.status_code == 413 and answer.json()["detail"].startswith("upload: The file is larger")
    assert client.post("/v1/search", files=files * 4).status_code == 413
    assert client.post("/v1/search", json={"text": "x" * 600}).status_code == 413


def test_a_body_that_hides_its_size(serve: Callable[..., TestClient], folder: Path) -> None:
    client = serve(folder, max_json=500)
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 1
            yield b" " * 100

    headers = {"content-type": "application/json"}
    answer = client.post("/v1/search", content=endless(), headers=headers)
    assert answer.status_code == 413


def test_too_many(client: TestClient) -> None:
    assert client.post("/v1/search", files=[("image", png("red"))] * 9).status_code == 400
    ids = {"images": ["pictures.1"] * 9}
    assert client.post("/v1/search", json=ids).status_code == 422
    assert (
        client.post("/v1/search", data={f"f{n}": "x" for n in range(70)}, files=[("image", b"")]).status_code
        == 400
    )


def test_too_many_pixels(serve: Callable[..., TestClient], folder: Path) -> None:
    client = serve(folder, max_pixels=1000)
    answer = client.post("/v1/search", files=[("image", png("red", (40, 41)))])
    assert answer.status_code == 422 and "pixels" in answer.json()["detail"]


def test_addresses_are_not_fetched(client: TestClient) -> None:
    for where in ("http://127.0.0.1:1/x.png", "file:///etc/passwd", "/etc/passwd"):
        assert client.post("/v1/search", json={"images": [where]}).status_code == 422
        assert (
            client.post("/v1/search", data={"image": where}, files=[("image", png("red"))]).status_code == 422
        )


def test_a_body_that_never_ends_is_not_waited_for(serve: Callable[..., TestClient], folder: Path) -> None:
    app = serve(folder, body_seconds=0.05).app
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        await asyncio.sleep(30)
        raise AssertionError

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    kind = (b"content-type", b"application/json")
    headers = [(b"host", b"127.0.0.1:8765"), (b"origin", HOME.encode()), kind]
    place: dict[str, object] = {"path": "/v1/search", "raw_path": b"/v1/search", "root_path": ""}
    peers = {"client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8765), "scheme": "http"}
    scope = {"type": "http", "method": "POST", "query_string": b"", "http_version": "1.1", "headers": headers}
    scope |= place | peers
    asyncio.run(asyncio.wait_for(app(scope, receive, send), 10))  # type: ignore[operator]
    assert sent[0]["status"] == 408
