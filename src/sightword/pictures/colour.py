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
    if image.mode in ("La", "RGBa"):
        image = image.convert("LA" if image.mode == "La" else "RGBA")
    if image.mode != "LA":
        image = image.convert("RGBA")
    alpha = image.getchannel("A")
    if alpha.getextrema() == (255, 255):
        return image.convert("RGB")
    page = Image.new("RGB", image.size, (255, 255, 255))
    page.paste(image.convert("RGB"), mask=alpha)
    return page


def _eight_bits(image: Image.Image) -> Image.Image:
    """Modes of 16 and 32 bits to L; all others as they are."""
    if not (image.mode.startswith("I") or image.mode == "F"):
        return image
    import numpy as np  # 0.1 s to import: a reader that never meets a deep picture never pays

    values = np.asarray(image)
    if image.mode.startswith("I;16"):
        return Image.fromarray(((values.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8))
    values = np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    # 32-bit files do not say what white is: take the narrowest usual range that holds every value.
    usual = (1.0, 255.0, 65535.0) if image.mode == "F" else (255.0, 65535.0)
    top = next((white for white in usual if low >= 0 and high <= white), None)
    if top is None:
        values, top = values - low, max(high - low, 1e-9)
    return Image.fromarray(np.rint(values * (255.0 / top)).astype(np.uint8))


def _from_lab(image: Image.Image) -> Image.Image:
    from PIL import ImageCms

    turned = ImageCms.profileToProfile(
        image, ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    assert turned is not None  # inPlace is off
    return turned
