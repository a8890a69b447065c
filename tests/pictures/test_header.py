"""What a header says is what decoding says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from sightword.errors import PictureError
from sightword.pictures.header import read_header
from sightword.pictures.opening import open_picture

DATE = 0x9003


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "gif", "bmp", "tiff"])
def test_as_decoded(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "a.anything"
    exif = Image.Exif()
    exif[0x0112] = 6  # lying on its side: not turned in the preset of benchmarks
    exif.get_ifd(0x8769)[DATE] = "2024:05:17 10:30:05"
    more = {"exif": exif} if kind in ("jpeg", "webp", "png") else {}
    Image.new("RGB", (30, 20), "red").save(path, format=kind, **more)
    header, opened = read_header(path), open_picture(path.read_bytes(), preset="clip")
    assert header[2:] == (opened.width, opened.height, opened.format, opened.taken)
    assert header[2:5] == (30, 20, kind)
    assert (header.taken is not None) == bool(more)
    assert (header.size, header.mtime_ns) == (path.stat().st_size, path.stat().st_mtime_ns)


def test_what_is_no_picture_is_told(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match=r"none\.png cannot be read: No such file or directory"):
        read_header(tmp_path / "none.png")
    (tmp_path / "text.png").write_text("hello")
    with pytest.raises(PictureError, match=r"text\.png is not a picture"):
        read_header(tmp_path / "text.png")
    (tmp_path / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n" + os.urandom(4))
    with pytest.raises(PictureError, match=r"cut\.png cannot be read: it is damaged"):
        read_header(tmp_path / "cut.png")
