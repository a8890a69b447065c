"""When a picture was taken."""

from __future__ import annotations

import calendar

import pytest
from PIL import Image

from made_pictures import DATA, encoded, quarters
from sightword.pictures.opening import open_picture

MOMENT = float(calendar.timegm((2021, 5, 6, 7, 8, 9)))
ORIGINAL, DIGITISED, WRITTEN, FRACTION = 0x9003, 0x9004, 0x0132, 0x9291


def taken(kind: str = "JPEG", **tags: object) -> float | None:
    exif = Image.Exif()
    own = exif.get_ifd(0x8769)
    for name, value in tags.items():
        if name == "written":
            exif[WRITTEN] = value
        else:
            own[{"original": ORIGINAL, "digitised": DIGITISED, "fraction": FRACTION}[name]] = value
    return open_picture(encoded(quarters(), kind, exif=exif.tobytes())).taken


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_formats(kind: str) -> None:
    assert taken(kind, original="2021:05:06 07:08:09") == MOMENT


def test_heic() -> None:
    assert open_picture((DATA / "tiny.heic").read_bytes()).taken == MOMENT


def test_the_shutter_counts_first() -> None:
    later = "2022:01:01 00:00:00"
    assert taken(original="2021:05:06 07:08:09", digitised=later, written=later) == MOMENT
    assert taken(digitised="2021:05:06 07:08:09", written=later) == MOMENT
    assert taken(written="2021-05-06T07:08:09") == MOMENT


def test_fraction() -> None:
    assert taken(original="2021:05:06 07:08:09", fraction="25 ") == MOMENT + 0.25
    assert taken(original="2021:05:06 07:08:09", fraction="?") == MOMENT


@pytest.mark.parametrize(
    "date", ["0000:00:00 00:00:00", "", "2021:13:01 00:00:00", "yesterday", "2021:05:06"]
)
def test_nonsense_is_no_date(date: str) -> None:
    assert taken(original=date) is None


def test_none() -> None:
    assert open_picture(encoded(quarters(), "PNG")).taken is None
