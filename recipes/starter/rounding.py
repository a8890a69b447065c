"""Trunk weights that bfloat16 holds exactly, so that both precisions compute with the same ones.

On CPUs that compute in bfloat16, most of what moved a picture's feature was the rounding of the weights, not that
of the maps. Here weights are rounded once, after training, and each bias takes over what its channel lost on the
mean over some training pictures (bias correction: Nagel et al. 2019, the form with data). The file's float16 holds
the rounded weights.
"""

from __future__ import annotations

import random

import numpy as np
import torch
from common import PICTURES, note, records
from PIL import Image
from torch import Tensor
from views import photo_rows, square, view

from sightword.backbones.torch_starter import TorchStarter, lite0_convolutions

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


def _mean(x: Tensor) -> Tensor:
    return x.mean(dim=(0, 2, 3))


class Exact(TorchStarter):
    """Keeps the mean and the spread of every convolution's output."""

    def __init__(self, image: dict[str, Tensor]) -> None:
        super().__init__(image, {}, torch.empty(0))
        self.seen: dict[str, tuple[Tensor, Tensor]] = {}

    def convolved(self, name: str, x: Tensor, stride: int, depthwise: bool) -> Tensor:
        """See `TorchStarter.convolved`."""
        out = super().convolved(name, x, stride, depthwise)
        self.seen[name] = _mean(out), out.std()
        return out


class Corrected(TorchStarter):
    """Moves every bias on the way, so that each convolution gets what the corrected ones before it give."""

    def __init__(self, image: dict[str, Tensor], exact: Exact) -> None:
        super().__init__(image, {}, torch.empty(0))
        self.exact, self.moved = exact, list[float]()

    def convolved(self, name: str, x: Tensor, stride: int, depthwise: bool) -> Tensor:
        """See `TorchStarter.convolved`."""
        out = super().convolved(name, x, stride, depthwise)
        mean, spread = self.exact.seen[name]
        shift = mean - _mean(out)
        self.image[f"{name}.bias"] = self.image[f"{name}.bias"] + shift
        self.moved.append(float(shift.abs().mean() / spread))
        return out + shift[:, None, None]


@torch.no_grad()
def rounded(image: dict[str, Tensor], pixels: Tensor) -> dict[str, Tensor]:
    """Image tensors with the trunk's weights on bfloat16's grid and its biases corrected.

    Parameters
    ----------
    image : dict of str to float32 Tensor
        Left as it is; a copy with other ``trunk.*`` comes back.
    pixels : float32 [N, 3, H, W]
    """
    exact = Exact(image)
    exact.trunk(pixels)
    weights = {f"{name}.weight" for name, *_ in lite0_convolutions()}
    near = Corrected({k: v.bfloat16().float() if k in weights else v for k, v in image.items()}, exact)
    near.trunk(pixels)
    note(
        f"rounded {len(near.moved)} convolutions; biases moved by {np.mean(near.moved):.4f} of a map's spread"
    )
    return near.image
