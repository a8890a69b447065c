"""Small copies for showing: upright, on white, and without anything the file said beside its pixels."""

from __future__ import annotations

import io
import os
from typing import Literal

from PIL import Image

from sightword.errors import PictureError, UsageError
from sightword.pictures.names import display
from sightword.pictures.opening import MAX_PIXELS, open_picture
from sightword.pictures.reading import read_file

__all__ = ["thumbnail", "thumbnail_bytes"]

_OPTIONS: dict[str, dict[str, int | bool]] = {
    "JPEG": {"quality": 85, "optimize": True},
    "PNG": {"optimize": True},
    "WEBP": {"quality": 80},
}


def thumbnail(
    path: str | bytes | os.PathLike[str],
    size: int = 256,
    *,
    kind: Literal["JPEG", "PNG", "WEBP"] = "JPEG",
    max_pixels: int = MAX_PIXELS,
) -> bytes:
    """A small copy of a picture file.

    Parameters
    ----------
    path : str, bytes or os.PathLike
    size : int
        Longest side in pixels; smaller pictures keep their size.
    kind : {"JPEG", "PNG", "WEBP"}
    max_pixels : int
        Larger pictures are refused before they are decoded.

    Returns
    -------
    bytes
        An encoded picture without EXIF, colour profile, comments or embedded previews.

    Raises
    ------
    PictureError
        The file cannot be read.
    UsageError
        `size` or `kind` is not possible.
    """
    try:
        return thumbnail_bytes(read_file(os.fsencode(path)).data, size, kind=kind, max_pixels=max_pixels)
    except OSError as error:
        raise PictureError(f"{display(path)}: {error.strerror or error}.") from None
    except PictureError as error:
        raise PictureError(f"{display(path)}: {error.message}") from None


def thumbnail_bytes(
    data: bytes,
    size: int = 256,
    *,
    kind: Literal["JPEG", "PNG", "WEBP"] = "JPEG",
    max_pixels: int = MAX_PIXELS,
) -> bytes:
    """`thumbnail` of a picture that is already in memory."""
    if size < 1:
        raise UsageError(f"A thumbnail of {size} pixels is not possible.")
    if kind not in _OPTIONS:
        raise UsageError(f"Thumbnails are JPEG, PNG or WEBP, not {kind}.")

    def fitted(width: int, height: int) -> tuple[int, int]:
        ratio = max(width, height) / size
        return (
            (width, height) if ratio <= 1 else (max(1, round(width / ratio)), max(1, round(height / ratio)))
        )

    opened = open_picture(data, max_pixels=max_pixels, draft_for=fitted)
    small = opened.image.resize(
        fitted(opened.width, opened.height), Image.Resampling.LANCZOS, reducing_gap=2.0
    )
    small.info = {}  # Pillow would write profiles and comments found here
    result = io.BytesIO()
    small.save(result, kind, **_OPTIONS[kind])
    return result.getvalue()
