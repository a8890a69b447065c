"""Every format and mode comes out as RGB that looks right."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from made_pictures import (
    COLOURED,
    DATA,
    GREY,
    GREYS,
    QUARTERS,
    close,
    corners,
    encoded,
    quarters,
    with_orientation,
)
from sightword.errors import PictureError
from sightword.pictures import decode, decode_bytes
from sightword.pictures.opening import open_picture


@pytest.mark.parametrize("name", COLOURED)
def test_colours(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(COLOURED[name]())
    pixels = decode(tmp_path / name)
    assert (pixels.dtype, pixels.shape) == (np.uint8, (48, 64, 3))
    assert close(corners(pixels), QUARTERS, 12 if name.startswith(("cmyk", "lab")) else 6)


@pytest.mark.parametrize("name", GREY)
def test_greys_are_scaled_not_clipped(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(GREY[name]())
    assert close(corners(decode(tmp_path / name)), tuple((g, g, g) for g in GREYS), 2)


def test_one_bit() -> None:
    image = Image.fromarray(np.array([[0, 255], [255, 0]], np.uint8)).convert("1")
    assert decode_bytes(encoded(image, "PNG"))[..., 0].tolist() == [[0, 255], [255, 0]]


def test_a_float_picture_beyond_white_uses_its_own_range() -> None:
    values = np.array([[-100.0, 100.0], [np.nan, 300.0]], np.float32)
    assert decode_bytes(encoded(Image.fromarray(values), "TIFF"))[..., 0].tolist() == [[0, 127], [64, 255]]


@pytest.mark.parametrize("alpha, wanted", [(0, 255), (128, 177), (255, 100)])
def test_white_shows_through(alpha: int, wanted: int) -> None:
    image = Image.new("RGBA", (4, 4), (100, 100, 100, alpha))
    assert abs(int(decode_bytes(encoded(image, "PNG"))[0, 0, 0]) - wanted) <= 1


def test_the_clip_preset_neither_turns_nor_fills() -> None:
    turned = decode_bytes(with_orientation(6), preset="clip")
    assert turned.shape == (64, 48, 3)
    glass = encoded(Image.new("RGBA", (4, 4), (7, 8, 9, 0)), "PNG")
    assert decode_bytes(glass, preset="clip")[0, 0].tolist() == [7, 8, 9]
    assert decode_bytes(glass)[0, 0].tolist() == [255, 255, 255]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("how", range(1, 9))
def test_upright(kind: str, how: int) -> None:
    opened = open_picture(with_orientation(how, kind))
    assert (opened.width, opened.height) == (64, 48)
    assert close(corners(np.asarray(opened.image)), QUARTERS)
    if kind != "AVIF" and kind != "JPEG":
        assert np.array_equal(np.asarray(opened.image), np.asarray(quarters()))


def test_a_turned_phone_picture_is_turned_once() -> None:
    red, green, blue, white = QUARTERS
    assert close(corners(decode(DATA / "turned.heic")), (blue, red, white, green))


@pytest.mark.parametrize("name", ["plain.png", "photo.jpg", "phone.heic", "plain.avif"])
def test_the_content_decides_not_the_name(name: str, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.gif"
    wrong.write_bytes(COLOURED[name]())
    assert close(corners(decode(wrong)), QUARTERS)


def test_format_names() -> None:
    named = {name: open_picture(make()).format for name, make in COLOURED.items()}
    assert named["photo.jpg"] == named["two.mpo"] == "jpeg"
    assert named["phone.heic"] == "heif"
    assert set(named.values()) == {"jpeg", "png", "webp", "gif", "bmp", "tiff", "avif", "heif"}


def test_draft_keeps_nearly_twice_the_target_and_the_true_size() -> None:
    data = encoded(quarters(1000, 700), "JPEG")
    drafted = open_picture(data, draft_for=lambda w, h: (143, 100))
    assert (drafted.width, drafted.height) == (1000, 700)
    assert drafted.image.size == (500, 350)
    assert open_picture(data, draft_for=lambda w, h: (263, 184)).image.size == (500, 350)
    assert open_picture(data, draft_for=lambda w, h: (264, 185)).image.size == (1000, 700)
    assert open_picture(data).image.size == (1000, 700)


def test_a_reader_of_the_host_program_keeps_its_limits() -> None:
    before = Image.MAX_IMAGE_PIXELS
    decode_bytes(COLOURED["plain.png"]())
    with pytest.raises(PictureError):
        decode_bytes(b"nonsense")
    assert before == Image.MAX_IMAGE_PIXELS


@pytest.mark.skipif(sys.platform == "win32", reason="file names are not bytes there")
def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    import os

    path = os.path.join(os.fsencode(tmp_path), b"caf\xe9.png")  # noqa: PTH118 - bytes
    with open(path, "wb") as file:  # noqa: PTH123 - bytes
        file.write(COLOURED["plain.png"]())
    assert decode(path).shape == decode(os.fsdecode(path)).shape == (48, 64, 3)
