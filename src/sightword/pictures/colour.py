"""Any of Pillow's modes -> RGB as people see it: white behind transparency, 16 bits scaled, not clipped."""

from __future__ import annotations

from PIL import Image

__all__ = ["flat_rgb", "plain_rgb"]


def plain_rgb(image: Image.Image) -> Image.Image:
    """RGB as the encoders' own transforms make it: transparency is dropped, not filled.

    Deep greys are scaled to 8 bits (Pillow's own conversion clips them to white).
    """
    image = _eight_bits(image)
    if image.mode == "RGB":
        return image
    if image.mode == "LAB":
        return _from_lab(image)
    if image.mode == "La":
        image = image.convert("LA")
    return image.convert("RGB")


def flat_rgb(image: Image.Image) -> Image.Image:
    """RGB with white behind whatever is transparent."""
    image = _eight_bits(image)
    if not image.has_transparency_data:
        return plain_rgb(image)
    if image.mode == "La":
        image = image.convert("LA")
    if image.mode != "RGBA":
        image = image.convert("RGBA")
    if image.getchannel("A").getextrema() == (255, 255):
        return image.convert("RGB")
    # Pasting RGBA with itself as the mask makes no further copies: such pictures may have 200 megapixels.
    page = Image.new("RGB", image.size, (255, 255, 255))
    page.paste(image, (0, 0), image)
    return page


def _eight_bits(image: Image.Image) -> Image.Image:
    """Modes of 16 and 32 bits to L; all others as they are."""
    if not (image.mode.startswith("I") or image.mode == "F"):
        return image
    import numpy as np  # 0.1 s to import: a reader that never meets a deep picture never pays

    values = np.asarray(image)
    if image.mode.startswith("I;16"):
        shades = np.arange(65536, dtype=np.uint32)
        return Image.fromarray(((shades * 255 + 32767) // 65535).astype(np.uint8)[values])
    finite = np.isfinite(values)
    low = float(values.min(where=finite, initial=0))
    high = float(values.max(where=finite, initial=0))
    # 32-bit files do not say what white is: take the narrowest usual range that holds every value.
    usual = (1.0, 255.0, 65535.0) if image.mode == "F" else (255.0, 65535.0)
    top = next((white for white in usual if low >= 0 and high <= white), None)
    black, scale = (0.0, 255.0 / top) if top is not None else (low, 255.0 / max(high - low, 1e-9))
    grey = np.empty(values.shape, np.uint8)
    for row, line in enumerate(values):  # by rows, not to hold a second picture of 64-bit numbers
        line = np.nan_to_num(line.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
        grey[row] = np.rint((line - black) * scale)
    return Image.fromarray(grey)


def _from_lab(image: Image.Image) -> Image.Image:
    from PIL import ImageCms

    turned = ImageCms.profileToProfile(
        image, ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    assert turned is not None  # inPlace is off
    return turned
