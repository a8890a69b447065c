"""open_clip's own text transformer, entered at the token embeddings instead of at the ids."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["TextTower"]


class TextTower(nn.Module):  # type: ignore[misc]
    """Positions, transformer, pooling and projection; the modules are shared with the model, not copied.

    Parameters
    ----------
    text : open_clip CLIP or TextTransformer
        Both carry the same attributes.
    pool : {"eot", "last", "cls"}
    """

    def __init__(self, text: Any, pool: str) -> None:
        super().__init__()
        self.transformer = text.transformer
        self.positions = text.positional_embedding
        self.norm = text.ln_final
        self.projection = text.text_projection
        self.register_buffer("mask", text.attn_mask, persistent=False)
        self.pool = pool

    def forward(self, embeddings: Tensor, lengths: Tensor) -> Tensor:
        """Embeddings [B, T, W] and lengths int64 [B] -> [B, D], not normalised.

        Parameters
        ----------
        embeddings : Tensor [B, T, W]
            T is the context for towers that are padded to it, else anything up to it.
        lengths : int64 Tensor [B]
            Special tokens included.
        """
        width = embeddings.shape[1]
        x = embeddings + self.positions[:width]
        mask = None if self.mask is None else self.mask[:width, :width]
        x = self.norm(self.transformer(x, attn_mask=mask))
        if self.pool == "eot":
            x = x[torch.arange(x.shape[0], device=x.device), lengths - 1]
        else:
            # Every graph has both inputs, also where the length says nothing.
            x = x[:, 0 if self.pool == "cls" else -1] + 0.0 * lengths[:, None].to(x.dtype)
        if self.projection is None:
            return x
        return self.projection(x) if isinstance(self.projection, nn.Linear) else x @ self.projection
