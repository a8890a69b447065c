"""What cannot be read says why, in one sentence, and costs nothing."""

from __future__ import annotations

import os
import struct
import time
import zlib
from pathlib import Path

import pytest

from made_pictures import COLOURED, DATA, encoded, noise, quarters
from sightword.errors import PictureError
from sightword.pictures import decode, decode_bytes


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few hundred bytes that claims to be enormous."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def reason(data: bytes, **options: int) -> str:
    with pytest.raises(PictureError) as caught:
        decode_bytes(data, **options)  # type: ignore[arg-type]
    sentence = caught.value.message
    assert sentence.endswith(".") and "\n" not in sentence
    return sentence


def test_empty() -> None:
    assert reason(b"") == "The file is empty."


@pytest.mark.parametrize(
    "data", [b"\0" * 100, b"<html>", b"RIFF0000WAVE", b"\0\0\0\x18ftypisom" + b"\0" * 20]
)
def test_not_a_picture(data: bytes) -> None:
    assert reason(data).startswith("This is not a picture in a supported format (JPEG, PNG,")


def test_a_pixel_bomb_is_refused_before_decoding() -> None:
    before = time.process_time()
    assert (
        reason(bomb(60_000, 60_000)) == "The picture has 60,000 x 60,000 pixels; the limit is 200 megapixels."
    )
    assert time.process_time() - before < 0.5


def test_the_cap_can_be_set() -> None:
    data = encoded(quarters(100, 100), "PNG")
    assert (
        reason(data, max_pixels=9_999)
        == "The picture has 100 x 100 pixels; the limit is 0.009999 megapixels."
    )
    assert decode_bytes(data, max_pixels=10_000).shape == (100, 100, 3)


LARGE = {
    kind: encoded(noise(200, 150), kind) for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
}
LARGE["HEIC"] = (DATA / "tiny.heic").read_bytes()


@pytest.mark.parametrize("kind", LARGE)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_cut_short(kind: str, share: float) -> None:
    data = LARGE[kind]
    assert reason(data[: int(len(data) * share)]).startswith(
        ("The picture is cut short", "The picture is damaged")
    )


def test_cut_short_is_told_from_damaged() -> None:
    assert reason(LARGE["JPEG"][:-500]) == "The picture is cut short."
    png = bytearray(LARGE["PNG"])
    png[len(png) // 2] ^= 0xFF
    assert reason(bytes(png)).startswith("The picture is damaged")


@pytest.mark.parametrize("name", COLOURED)
def test_only_a_signature(name: str) -> None:
    reason(COLOURED[name]()[:12])


def test_broken_exif_does_not_spoil_a_picture() -> None:
    exif = b"Exif\0\0MM\0*" + b"\xff" * 50
    assert decode_bytes(encoded(quarters(), "JPEG", exif=exif)).shape == (48, 64, 3)


def test_paths_are_named(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match=r"missing\.png: No such file or directory\.$"):
        decode(tmp_path / "missing.png")
    with pytest.raises(PictureError, match=r"(regular file|Is a directory|Permission denied)\.$"):
        decode(tmp_path)
    (tmp_path / "e\x1b[31mvil.png").write_bytes(b"")
    with pytest.raises(PictureError, match=r"/evil\.png: The file is empty\.$"):
        decode(tmp_path / "e\x1b[31mvil.png")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(PictureError, match="not a regular file"):
        decode(tmp_path / "pipe.jpg")


def test_too_many_bytes(tmp_path: Path) -> None:
    from sightword.pictures.reading import read_file

    (tmp_path / "a.png").write_bytes(bytes(100))
    with pytest.raises(PictureError, match=r"^The file has 100 bytes; the limit is 99\.$"):
        read_file(tmp_path / "a.png", max_bytes=99)
    assert read_file(tmp_path / "a.png", max_bytes=100).data == bytes(100)
