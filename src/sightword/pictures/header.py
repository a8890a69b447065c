"""What a picture file says of itself, without its pixels (a PNG must be decoded to see all that it says)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from sightword.errors import PictureError
from sightword.pictures import exif
from sightword.pictures.formats import SUPPORTED, sniff
from sightword.pictures.names import display
from sightword.pictures.opening import pillow_quiet

__all__ = ["Header", "read_header"]

_SIGNATURE = 512
"""Bytes that are enough to tell the format: the list of brands of a HEIC file is no longer."""


class Header(NamedTuple):
    """Facts of a file; `width` and `height` are those before any turning."""

    size: int
    mtime_ns: int
    width: int
    height: int
    format: str
    taken: float | None


def read_header(path: Path) -> Header:
    """Read the header of a picture that was decoded before: what comes behind it is not looked at.

    Raises
    ------
    PictureError
        The file cannot be read, or is no picture any more.
    """
    try:
        with path.open("rb") as file, pillow_quiet():
            state = os.fstat(file.fileno())
            kind = sniff(file.read(_SIGNATURE))
            if kind is None:
                raise PictureError(f"{display(os.fsencode(path))} is not a picture ({SUPPORTED}).")
            kind.load()
            file.seek(0)
            with Image.open(file, formats=(kind.name,)) as image:
                width, height = image.size
                when = exif.taken(image)
            return Header(state.st_size, state.st_mtime_ns, width, height, kind.name.lower(), when)
    except PictureError:
        raise
    except Exception as error:  # hostile files make decoders raise nearly anything
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is damaged"
        raise PictureError(f"{display(os.fsencode(path))} cannot be read: {reason}.") from None
