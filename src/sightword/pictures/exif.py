"""What a camera wrote: which way is up, and when the picture was taken."""

from __future__ import annotations

import calendar
import contextlib
import re
from collections.abc import Mapping
from typing import Any

from PIL import Image

__all__ = ["orientation", "taken", "turned"]

_ORIENTATION, _EXIF_IFD = 0x0112, 0x8769
# (date, fraction of a second): when the shutter opened, when it was digitised, when the file was written.
_EXIF_DATES = ((0x9003, 0x9291), (0x9004, 0x9292))
_FILE_DATE = 0x0132
_DATE = re.compile(r"(\d{4})[:/-](\d\d)[:/-](\d\d)[ T](\d\d):(\d\d):(\d\d)")

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _tags(image: Image.Image) -> Mapping[int, Any]:
    # A picture with broken EXIF is still a picture; Pillow raises almost anything on hostile tags.
    with contextlib.suppress(Exception):
        return image.getexif()
    return {}


def orientation(image: Image.Image) -> int:
    """EXIF orientation of a *loaded* picture, 1 to 8; 1 when there is none or it makes no sense.

    Readers that turn the pixels themselves (TIFF, HEIC) clear the tag when loading.
    """
    value = _tags(image).get(_ORIENTATION)
    return value if isinstance(value, int) and value in _TURNS else 1


def turned(image: Image.Image, how: int) -> Image.Image:
    """The picture the right way up."""
    return image.transpose(_TURNS[how]) if how in _TURNS else image


def taken(image: Image.Image) -> float | None:
    """When the picture was taken: seconds since 1970, its local time read as UTC; None when unknown."""
    tags = _tags(image)
    if not tags:
        return None
    own: Mapping[int, Any] = {}
    with contextlib.suppress(Exception):
        own = tags.get_ifd(_EXIF_IFD) if isinstance(tags, Image.Exif) else {}
    for date, fraction in _EXIF_DATES:
        seconds = _seconds(own.get(date), own.get(fraction))
        if seconds is not None:
            return seconds
    return _seconds(tags.get(_FILE_DATE), None)


def _seconds(date: object, fraction: object) -> float | None:
    if isinstance(date, bytes):
        date = date.decode("ascii", "replace")
    match = _DATE.match(date.strip()) if isinstance(date, str) else None
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in match.groups())
    sane = 1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second <= 60
    if year < 1800 or not sane:
        return None  # cameras without a clock write zeros
    digits = fraction.strip(" \0") if isinstance(fraction, str) else ""
    part = float(f"0.{digits}") if digits.isascii() and digits.isdigit() else 0.0
    return calendar.timegm((year, month, day, hour, minute, second)) + part
