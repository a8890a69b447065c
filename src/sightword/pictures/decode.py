"""A file -> its pixels as a person sees them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sightword.errors import PictureError
from sightword.pictures.names import display
from sightword.pictures.opening import MAX_PIXELS, open_picture
from sightword.pictures.reading import read_file

if TYPE_CHECKING:
    from sightword.pictures.types import RGB, Preset

__all__ = ["decode", "decode_bytes"]


def decode(
    path: str | bytes | os.PathLike[str], *, preset: Preset = "product", max_pixels: int = MAX_PIXELS
) -> RGB:
    """Decode a picture file.

    JPEG, PNG, WebP, GIF, BMP, TIFF, HEIC and AVIF, recognised by content; the first frame of an animation;
    16 bits scaled to 8; CMYK, palette and grey converted.

    Parameters
    ----------
    path : str, bytes or os.PathLike
        The file.
    preset : {"product", "clip"}
        ``product`` applies the EXIF orientation and puts white behind transparency. ``clip`` ignores both,
        as the transforms published with the encoders do; benchmarks are measured that way.
    max_pixels : int
        Larger pictures are refused before they are decoded.

    Returns
    -------
    uint8 [H, W, 3]

    Raises
    ------
    PictureError
        The file cannot be read, with the reason in one sentence.
    """
    name = os.fsencode(path)
    try:
        return decode_bytes(read_file(name).data, preset=preset, max_pixels=max_pixels)
    except OSError as error:
        raise PictureError(f"{display(name)}: {error.strerror or error}.") from None
    except PictureError as error:
        raise PictureError(f"{display(name)}: {error.message}") from None


def decode_bytes(data: bytes, *, preset: Preset = "product", max_pixels: int = MAX_PIXELS) -> RGB:
    """`decode` for a picture that is already in memory, such as an upload; uint8 [H, W, 3]."""
    import numpy as np

    return np.array(open_picture(data, preset=preset, max_pixels=max_pixels).image, dtype=np.uint8)
