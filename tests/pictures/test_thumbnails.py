"""Thumbnails are small, upright and tell nothing but pixels."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from made_pictures import QUARTERS, close, corners, encoded, quarters, with_orientation
from sightword.errors import PictureError, UsageError
from sightword.pictures.thumbnails import thumbnail, thumbnail_bytes


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_size_format_and_silence(kind: str) -> None:
    exif = Image.Exif()
    exif[0x010F] = "SECRETMAKER"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    source = encoded(
        quarters(400, 300), kind, exif=exif, icc_profile=profile, comment=b"SECRETNOTE", quality=95
    )
    assert b"SECRETMAKER" in source
    data = thumbnail_bytes(source, 80, kind=kind)  # type: ignore[arg-type]
    small = Image.open(io.BytesIO(data))
    assert (small.format, small.size) == (kind, (80, 60))
    assert b"SECRET" not in data
    assert not small.getexif() and "icc_profile" not in small.info and "comment" not in small.info
    assert close(corners(np.asarray(small.convert("RGB"))), QUARTERS, 12)


@pytest.mark.parametrize("how", range(1, 9))
def test_upright(how: int) -> None:
    small = Image.open(io.BytesIO(thumbnail_bytes(with_orientation(how, "JPEG"), 32)))
    assert small.size == (32, 24)
    assert close(corners(np.asarray(small)), QUARTERS, 16)


def test_small_pictures_do_not_grow() -> None:
    assert Image.open(io.BytesIO(thumbnail_bytes(encoded(quarters(), "PNG"), 500))).size == (64, 48)
    strip = encoded(Image.new("RGB", (1000, 2)), "PNG")
    assert Image.open(io.BytesIO(thumbnail_bytes(strip, 100))).size == (100, 1)


def test_errors(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no")
    with pytest.raises(PictureError, match=r"a\.png: This is not a picture"):
        thumbnail(tmp_path / "a.png")
    with pytest.raises(PictureError, match=r"b\.png: No such file"):
        thumbnail(tmp_path / "b.png")
    with pytest.raises(UsageError, match="0 pixels"):
        thumbnail_bytes(b"", 0)
    with pytest.raises(UsageError, match="not BMP"):
        thumbnail_bytes(b"", 10, kind="BMP")  # type: ignore[arg-type]
