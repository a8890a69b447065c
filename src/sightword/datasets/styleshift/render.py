"""Artwork -> RGB on white, no side longer than 256 pixels."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from PIL import Image

from sightword.errors import ModelUnavailable

if TYPE_CHECKING:
    from sightword.datasets.styleshift.art import Art

__all__ = ["SIDE", "Unusable", "check_renderer", "on_white", "render"]

SIDE = 256
SMALLEST = 16
DPI = 90.0
"""What Inkscape meant by millimetres and points when the clip art was drawn."""
LARGEST = 40_000_000
"""Pixels of a bitmap that is still opened."""


class Unusable(Exception):
    """This drawing shows nothing or cannot be read; it is left out and counted."""


def check_renderer() -> str:
    """The renderer's name and version.

    Raises
    ------
    ModelUnavailable
        The optional package is not installed.
    """
    try:
        import resvg_py
    except ImportError:
        raise ModelUnavailable(
            "Drawing SVG pictures needs the package resvg-py, which is not installed.",
            "Install it: pip install 'sightword[data]'.",
        ) from None
    return f"resvg-py {resvg_py.__version__}"


def render(art: Art) -> Image.Image:
    """Draw one piece of artwork.

    Raises
    ------
    Unusable
        It cannot be read, or is empty or tiny.
    """
    try:
        data = art.data
        if data[:1] in (b"<", b"\xef", b"\n", b" ") or b"<svg" in data[:2000]:
            data = _drawn(data)
        with Image.open(io.BytesIO(data)) as picture:
            if picture.width * picture.height > LARGEST:
                raise Unusable("larger than 40 megapixels")
            page = on_white(picture)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise Unusable(f"{type(error).__name__}: {error}"[:200]) from None
    if min(page.size) < SMALLEST or all(low == high for low, high in page.getextrema()):  # type: ignore[misc]
        raise Unusable("empty or tiny")
    return page


def _drawn(svg: bytes) -> bytes:
    import resvg_py

    # Some drawings ask for more than 160 megapixels unless a size is given; fonts differ between machines.
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=svg.decode("utf-8", "replace"),
            width=SIDE,
            height=SIDE,
            dpi=DPI,
            skip_system_fonts=True,
        )
    )


def on_white(picture: Image.Image, side: int = SIDE) -> Image.Image:
    """RGB on white, no side longer than `side`."""
    picture = picture.convert("RGBA")
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    page = Image.new("RGBA", picture.size, "white")
    page.alpha_composite(picture)
    return page.convert("RGB")
