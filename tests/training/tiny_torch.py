"""The tiny text tower once more, in torch, so that gradients can pass through it."""

from __future__ import annotations

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
