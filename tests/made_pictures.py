"""Pictures made for the tests: four coloured quarters in every format; a turn or a wrong colour shows."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

DATA = Path(__file__).parent / "data"

RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 200, 30), (30, 30, 220), (255, 255, 255)
QUARTERS = (RED, GREEN, BLUE, WHITE)
GREYS = (0, 80, 160, 255)


def quarters(width: int = 64, height: int = 48) -> Image.Image:
    """Red, green / blue, white."""
    image = Image.new("RGB", (width, height), WHITE)
    half_x, half_y = width // 2, height // 2
    image.paste(RED, (0, 0, half_x, half_y))
    image.paste(GREEN, (half_x, 0, width, half_y))
    image.paste(BLUE, (0, half_y, half_x, height))
    return image


def corners(pixels: np.ndarray) -> list[tuple[int, ...]]:
    """The colour in the middle of each quarter of uint8 [H, W, 3]."""
    height, width = pixels.shape[:2]
    spots = [(height // 4, width // 4), (height // 4, 3 * width // 4)]
    spots += [(3 * height // 4, width // 4), (3 * height // 4, 3 * width // 4)]
    return [tuple(int(v) for v in pixels[spot]) for spot in spots]


def close(found: list[tuple[int, ...]], wanted: tuple[tuple[int, ...], ...], tolerance: int = 6) -> bool:
    return bool(np.abs(np.array(found) - np.array(wanted)).max() <= tolerance)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    """Something like a photograph: noise whose large structures are the strongest."""
    rng = np.random.default_rng(seed)
    total = np.zeros((height, width, 3))
    for cells in (4, 8, 16, 64):
        grid = rng.uniform(0, 255, (cells, cells, 3)).astype(np.uint8)
        resized = Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC)
        total += np.asarray(resized, dtype=np.float64) / (1 + cells**0.5)
    total -= total.min()
    return Image.fromarray((total * (255 / total.max())).astype(np.uint8))


def grey_quarters(dtype: type = np.uint16, scale: int = 257) -> np.ndarray:
    values = np.zeros((48, 64), dtype)
    values[:24, :32], values[:24, 32:], values[24:, :32], values[24:, 32:] = (
        np.array(GREYS, dtype=np.float64) * scale
    ).astype(dtype)
    return values


def _palette() -> Image.Image:
    return quarters().quantize(4, dither=Image.Dither.NONE)


def _see_through() -> Image.Image:
    """The white quarter is transparent black."""
    image = quarters().convert("RGBA")
    image.paste((0, 0, 0, 0), (32, 24, 64, 48))
    return image


def _palette_see_through() -> bytes:
    return encoded(_see_through().quantize(4, dither=Image.Dither.NONE), "PNG")


def _colour_key() -> bytes:
    image = quarters()
    image.paste((1, 2, 3), (32, 24, 64, 48))
    return encoded(image, "PNG", transparency=(1, 2, 3))


def _second_frame() -> list[Image.Image]:
    return [Image.new("RGB", (64, 48), (9, 9, 9))]


COLOURED: dict[str, Callable[[], bytes]] = {
    "photo.jpg": lambda: encoded(quarters(), "JPEG", quality=95, subsampling=0),
    "progressive.jpeg": lambda: encoded(quarters(), "JPEG", quality=95, progressive=True),
    "cmyk.jpg": lambda: encoded(quarters().convert("CMYK"), "JPEG", quality=95),
    "two.mpo": lambda: encoded(quarters(), "MPO", save_all=True, append_images=_second_frame(), quality=95),
    "plain.png": lambda: encoded(quarters(), "PNG"),
    "palette.png": lambda: encoded(_palette(), "PNG"),
    "palette-see-through.png": _palette_see_through,
    "see-through.png": lambda: encoded(_see_through(), "PNG"),
    "colour-key.png": _colour_key,
    "animated.png": lambda: encoded(quarters(), "PNG", save_all=True, append_images=_second_frame()),
    "plain.webp": lambda: encoded(quarters(), "WEBP", lossless=True),
    "see-through.webp": lambda: encoded(_see_through(), "WEBP", lossless=True),
    "animated.webp": lambda: encoded(
        quarters(), "WEBP", save_all=True, append_images=_second_frame(), lossless=True
    ),
    "plain.gif": lambda: encoded(_palette(), "GIF"),
    "animated.gif": lambda: encoded(_palette(), "GIF", save_all=True, append_images=_second_frame()),
    "plain.bmp": lambda: encoded(quarters(), "BMP"),
    "plain.tif": lambda: encoded(quarters(), "TIFF"),
    "packed.tiff": lambda: encoded(quarters(), "TIFF", compression="tiff_lzw"),
    "cmyk.tiff": lambda: encoded(quarters().convert("CMYK"), "TIFF"),
    "lab.tiff": lambda: encoded(_lab(), "TIFF"),
    "pages.tiff": lambda: encoded(quarters(), "TIFF", save_all=True, append_images=_second_frame()),
    "plain.avif": lambda: encoded(quarters(), "AVIF", quality=95),
    "phone.heic": lambda: (DATA / "tiny.heic").read_bytes(),
}
"""All show `QUARTERS`, some a little off (lossy, CMYK)."""

GREY: dict[str, Callable[[], bytes]] = {
    "grey.jpg": lambda: encoded(Image.fromarray(grey_quarters(np.uint8, 1)), "JPEG", quality=95),
    "grey.png": lambda: encoded(Image.fromarray(grey_quarters(np.uint8, 1)), "PNG"),
    "grey-alpha.png": lambda: encoded(Image.fromarray(grey_quarters(np.uint8, 1)).convert("LA"), "PNG"),
    "deep.png": lambda: encoded(Image.fromarray(grey_quarters()), "PNG"),
    "deep.tiff": lambda: encoded(Image.fromarray(grey_quarters()), "TIFF"),
    "32-bit.tiff": lambda: encoded(Image.fromarray(grey_quarters(np.int32)), "TIFF"),
    "float.tiff": lambda: encoded(Image.fromarray((grey_quarters() / 65535).astype(np.float32)), "TIFF"),
}
"""All show `GREYS`."""


def _lab() -> Image.Image:
    from PIL import ImageCms

    lab = ImageCms.profileToProfile(
        quarters(), ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    assert lab is not None
    return lab


def with_orientation(how: int, kind: str = "PNG") -> bytes:
    """`quarters` stored turned, with the EXIF tag that turns it back."""
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    image = quarters().transpose(undo[how]) if how in undo else quarters()
    exif = Image.Exif()
    exif[0x0112] = how
    options = {"JPEG": {"quality": 95, "subsampling": 0}, "WEBP": {"lossless": True}, "AVIF": {"quality": 95}}
    return encoded(image, kind, exif=exif, **options.get(kind, {}))
