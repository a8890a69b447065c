"""Pixels -> what the image tower takes.

In two steps, so that decoding workers can send small uint8 squares and the numbers become floats per batch:
`resize_uint8`, then `normalise`. `preprocess` is both for one picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image

from sightword.errors import UsageError
from sightword.pictures.resizing import to_square

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sightword.backbones.base import Array, PreprocessSpec
    from sightword.pictures.types import RGB, Preset

__all__ = ["normalise", "preprocess", "resize_uint8"]


def preprocess(image: RGB, spec: PreprocessSpec, preset: Preset = "clip") -> Array:
    """Resize, crop and normalise one picture.

    Parameters
    ----------
    image : uint8 [H, W, 3]
    spec : PreprocessSpec
        The backbone's, ``backbone.spec.preprocess``.
    preset : {"clip", "product"}
        ``clip`` equals the backbone's own transform (torchvision's antialiased resize, centre crop,
        normalise); ``product`` resizes large pictures in two steps, which is faster and nearly equal.

    Returns
    -------
    float32 [3, S, S]

    Raises
    ------
    UsageError
        The array is not uint8 [H, W, 3] with at least one pixel.
    """
    small = resize_uint8(image, spec, preset)
    result: Array = normalise(small[None], spec)[0]
    return result


def resize_uint8(image: RGB, spec: PreprocessSpec, preset: Preset = "clip") -> NDArray[np.uint8]:
    """The first half of `preprocess`: uint8 [H, W, 3] -> uint8 [S, S, 3]."""
    import numpy as np

    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise UsageError(f"A picture is uint8 [H, W, 3], not {image.dtype} {list(image.shape)}.")
    square = to_square(Image.fromarray(np.ascontiguousarray(image)), spec, exact=preset == "clip")
    return np.array(square, dtype=np.uint8)


def normalise(batch: NDArray[np.uint8], spec: PreprocessSpec) -> Array:
    """The second half: values to [0, 1], minus mean, over standard deviation, channels first.

    Parameters
    ----------
    batch : uint8 [B, S, S, 3]
    spec : PreprocessSpec

    Returns
    -------
    float32 [B, 3, S, S]
    """
    import numpy as np

    count, height, width, _ = batch.shape
    result = np.empty((count, 3, height, width), dtype=np.float32)
    for channel, (mean, std) in enumerate(zip(spec.mean, spec.std)):
        plane = result[:, channel]
        np.multiply(batch[..., channel], np.float32(1.0 / (255.0 * std)), out=plane)
        plane -= np.float32(mean / std)
    return result
