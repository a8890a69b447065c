"""Bytes -> an upright RGB picture, or one sentence that says why not."""

from __future__ import annotations

import contextlib
import io
import math
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image, UnidentifiedImageError

from sightword.errors import PictureError
from sightword.pictures import colour, exif
from sightword.pictures.formats import SUPPORTED, Format, sniff

if TYPE_CHECKING:
    from sightword.pictures.types import Preset

__all__ = ["MAX_PIXELS", "OpenedPicture", "open_picture", "pillow_quiet"]

MAX_PIXELS = 200_000_000
"""Pictures with more pixels are refused before they are decoded."""

# A drafted picture must still be about halved: then the starter's features keep a mean cosine of 0.9995 to
# those of full decoding (measured on 15 photographs of 0.5 to 8 megapixels), and one megapixel qualifies.
_DRAFT_GAP = 1.9

_LOCK = threading.RLock()


@dataclass(frozen=True)
class OpenedPicture:
    """A decoded picture and what its file says; `width` and `height` are the upright, undrafted size."""

    image: Image.Image
    width: int
    height: int
    format: str
    taken: float | None


def open_picture(
    data: bytes,
    *,
    preset: Preset = "product",
    max_pixels: int = MAX_PIXELS,
    draft_for: Callable[[int, int], tuple[int, int]] | None = None,
) -> OpenedPicture:
    """Decode a picture from its bytes; the first frame when there are several.

    Parameters
    ----------
    data : bytes
        The whole file. Its signature decides the format, not its name.
    preset : {"product", "clip"}
        ``product`` turns as EXIF says and puts white behind transparency; ``clip`` does neither, as the
        transforms that came with the encoders.
    max_pixels : int
        Pixel cap, checked before decoding.
    draft_for : callable, optional
        ``(width, height) -> (width, height)`` the picture will be resized to. Allows JPEG to be decoded at
        a half, a quarter or an eighth of its size, never below 1.9 times that.

    Raises
    ------
    PictureError
        With one sentence as its message.
    """
    if not data:
        raise PictureError("The file is empty.")
    kind = sniff(data)
    if kind is None:
        raise PictureError(f"This is not a picture in a supported format ({SUPPORTED}).")
    with pillow_quiet():
        try:
            return _decode(data, kind, preset, max_pixels, draft_for)
        except PictureError:
            raise
        except MemoryError:
            raise PictureError("Decoding the picture needs more memory than it may have.") from None
        except Exception as error:  # hostile files make decoders raise nearly anything
            raise PictureError(_sentence(error)) from None


@contextlib.contextmanager
def pillow_quiet() -> Iterator[None]:
    """Our pixel cap instead of Pillow's, and no warnings; one thread at a time, as both are global."""
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = theirs


def _decode(
    data: bytes,
    kind: Format,
    preset: Preset,
    max_pixels: int,
    draft_for: Callable[[int, int], tuple[int, int]] | None,
) -> OpenedPicture:
    kind.load()
    with Image.open(io.BytesIO(data), formats=(kind.name,)) as image:
        width, height = image.size
        if width * height > max_pixels:
            raise PictureError(
                f"The picture has {width:,} x {height:,} pixels; "
                f"the limit is {max_pixels / 1e6:g} megapixels."
            )
        if kind.name == "JPEG" and draft_for is not None:
            to_width, to_height = draft_for(width, height)
            image.draft(None, (math.ceil(_DRAFT_GAP * to_width), math.ceil(_DRAFT_GAP * to_height)))
            drafted = True
        else:
            drafted = False
        image.load()
        if not drafted:
            width, height = image.size  # TIFF turns while loading
        how = exif.orientation(image) if preset == "product" else 1
        if how >= 5:
            width, height = height, width
        rgb = colour.flat_rgb(image) if preset == "product" else colour.plain_rgb(image)
        return OpenedPicture(exif.turned(rgb, how), width, height, kind.name.lower(), exif.taken(image))


def _sentence(error: Exception) -> str:
    """One sentence for a decoder's complaint."""
    text = "".join(c if c.isprintable() else " " for c in str(error)).strip(" .'\"")[:120]
    if isinstance(error, EOFError) or "truncat" in text.lower() or "end of" in text.lower():
        return "The picture is cut short."
    if isinstance(error, UnidentifiedImageError) or not text:
        return "The picture is damaged."
    return f"The picture is damaged ({text})."
