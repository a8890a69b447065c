"""Which files are pictures: by name when walking a folder, by content when decoding."""

from __future__ import annotations

import importlib
from typing import NamedTuple

from PIL import Image

__all__ = ["EXTENSIONS", "SUPPORTED", "Format", "has_picture_name", "sniff"]

SUPPORTED = "JPEG, PNG, WebP, GIF, BMP, TIFF, HEIC or AVIF"

EXTENSIONS = frozenset(
    b".jpg .jpeg .jpe .jfif .mpo .png .apng .webp .gif .bmp .dib .tif .tiff .heic .heif .hif .avif".split()
)
"""Endings (lower case) of the files that a scan looks at."""


class Format(NamedTuple):
    """One kind of file: Pillow's name for it, and the module that teaches Pillow to read it."""

    name: str
    module: str

    def load(self) -> None:
        """Register the one reader that is needed; a picture never reaches Pillow's forty others."""
        if self.name == "HEIF" and self.name in Image.OPEN:
            return  # the host program registered a HEIF reader of its own
        module = importlib.import_module(self.module)
        if self.name == "HEIF":
            module.register_heif_opener(
                decode_threads=1, thumbnails=False, depth_images=False, aux_images=False
            )


_JPEG = Format("JPEG", "PIL.JpegImagePlugin")
_PNG = Format("PNG", "PIL.PngImagePlugin")
_GIF = Format("GIF", "PIL.GifImagePlugin")
_BMP = Format("BMP", "PIL.BmpImagePlugin")
_TIFF = Format("TIFF", "PIL.TiffImagePlugin")
_WEBP = Format("WEBP", "PIL.WebPImagePlugin")
_AVIF = Format("AVIF", "PIL.AvifImagePlugin")
_HEIF = Format("HEIF", "pi_heif")

_SIGNATURES = (
    (b"\xff\xd8\xff", _JPEG),
    (b"\x89PNG\r\n\x1a\n", _PNG),
    (b"GIF87a", _GIF),
    (b"GIF89a", _GIF),
    (b"BM", _BMP),
    (b"II*\0", _TIFF),
    (b"MM\0*", _TIFF),
    (b"II+\0", _TIFF),
    (b"MM\0+", _TIFF),
)
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIF_BRANDS = frozenset(b"heic heix heim heis hevc hevx hevm hevs mif1 msf1".split())


def has_picture_name(name: bytes) -> bool:
    """Whether a file of this name is worth opening."""
    dot = name.rfind(b".")
    return dot > 0 and name[dot:].lower() in EXTENSIONS


def sniff(data: bytes) -> Format | None:
    """The format by the signature of the bytes, whatever the file is called; None when it is none of ours."""
    for signature, kind in _SIGNATURES:
        if data.startswith(signature):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _WEBP
    if data[4:8] == b"ftyp":
        box = data[8 : min(int.from_bytes(data[:4], "big"), 256)]
        brands = {box[i : i + 4] for i in range(0, len(box), 4)}
        if brands & _AVIF_BRANDS:
            return _AVIF
        if brands & _HEIF_BRANDS:
            return _HEIF
    return None
