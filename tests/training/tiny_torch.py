"""The tiny towers once more, in torch, so that gradients can pass through them."""

from __future__ import annotations

from collections.abc import Callable

import torch

from tiny import _weights


class TinyTextTower:
    """The same equation as `tiny.text_reference`, kind ``mean``."""

    def __init__(self) -> None:
        self.positions, self.mixer, self.projection, self.bias = (torch.from_numpy(w) for w in _weights())

    def encode_embeddings(self, embeddings: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        x = embeddings + self.positions[: embeddings.shape[1]]
        x = x + torch.tanh(x @ self.mixer)
        mask = (torch.arange(x.shape[1]) < lengths[:, None]).to(x)[..., None]
        return (x * mask).sum(dim=1) / mask.sum(dim=1) @ self.projection + self.bias


class TinyImageTower:
    """The same equation as `tiny.image_reference`; its feature map is the colour of the four quarters."""

    def __call__(
        self, pixels: torch.Tensor, look: Callable[[torch.Tensor], torch.Tensor] | None = None
    ) -> torch.Tensor:
        quarters = torch.nn.functional.adaptive_avg_pool2d(pixels, 2)
        if look is not None:
            quarters = look(quarters)
        colour = quarters.permute(0, 2, 3, 1).flatten(1)
        deviation = pixels.std(dim=(2, 3), correction=0)
        constant = torch.full((len(pixels), 1), 0.3)
        # Channel by channel, as the reference has them: quarter after quarter, three colours each.
        return torch.cat([colour, 0.5 * deviation, constant], dim=1)
