"""Trunk weights that bfloat16 holds exactly, so that both precisions compute with the same ones.

On CPUs that compute in bfloat16, most of what moved a picture's feature was the rounding of the weights, not that
of the maps. Here weights are rounded once, after training, and each bias takes over what its channel lost on the
mean over some training pictures (bias correction: Nagel et al. 2019, the form with data). The file's float16 holds
the rounded weights.
"""

from __future__ import annotations

import random
from collections.abc import Generator

import numpy as np
import torch
from common import PICTURES, note, records
from PIL import Image
from torch import Tensor
from views import photo_rows, square, view

from sightword.backbones.torch_starter import convolved, lite0_convolutions

DRAWINGS, PHOTOGRAPHS = 96, 64
KINDS = ("plain", "jitter", "bg", "edges")
"""How they look: drawings on white alone would leave half of the colours out."""


def sample(split: str = "train") -> Tensor:
    """Pictures of a split as the trunk takes them, float32 [N, 3, 224, 224]."""
    dice = random.Random(3)
    drawn = [PICTURES / row["file"] for row in records() if row["split"] == split]
    shown = [row["path"] for row in photo_rows() if row["split"] == split]
    squares = []
    paths = dice.sample(drawn, DRAWINGS) + dice.sample(shown, min(PHOTOGRAPHS, len(shown)))
    for number, path in enumerate(paths):
        with Image.open(path) as image:
            seen = square(image.convert("RGB"))
        squares.append(np.asarray(view(KINDS[number % len(KINDS)], seen, dice)[2], np.float32))
    return torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2) / 127.5 - 1.0


def walk(image: dict[str, Tensor], pixels: Tensor) -> Generator[tuple[str, Tensor], Tensor | None, None]:
    """The trunk, convolution by convolution: gives name and output, takes what is to be added per channel."""
    x = shortcut = pixels
    for name, stride, depthwise, activated, residual in lite0_convolutions():
        if name.endswith(".expand") or (name.endswith(".depthwise") and ".0.0." in name):
            shortcut = x
        x = convolved(x, image[f"{name}.weight"], image[f"{name}.bias"], stride, depthwise)
        shift = yield name, x
        if shift is not None:
            x = x + shift[:, None, None]
        if activated:
            x = x.clamp(0.0, 6.0)
        if residual:
            x = x + shortcut


@torch.no_grad()
def rounded(image: dict[str, Tensor], pixels: Tensor) -> dict[str, Tensor]:
    """Image tensors with the trunk's weights on bfloat16's grid and its biases corrected.

    Parameters
    ----------
    image : dict of str to float32 Tensor
        Left as it is; a copy with other ``trunk.*`` comes back.
    pixels : float32 [N, 3, H, W]
    """
    found = dict(image)
    for name, *_ in lite0_convolutions():
        found[f"{name}.weight"] = image[f"{name}.weight"].bfloat16().float()
    exact, near = walk(image, pixels), walk(found, pixels)
    shift, moved = None, []
    for name, right in exact:
        _, wrong = near.send(shift)
        shift = (right - wrong).mean(dim=(0, 2, 3))
        found[f"{name}.bias"] = found[f"{name}.bias"] + shift
        moved.append(float(shift.abs().mean() / right.std()))
    note(f"rounded {len(moved)} convolutions; biases moved by {np.mean(moved):.4f} of a map's spread")
    return found
