"""`sightword.methods.blocks` in torch, with dropout."""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["Block"]


class Block(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """One transformer block; see `sightword.methods.blocks.block`.

    Parameters
    ----------
    width, heads : int
    dropout : float
        Behind attention and behind the second layer.
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.norm_1, self.norm_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.join = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.rise, self.fall = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """float32 [B, T, H] and bool [B, T] -> [B, T, H]."""
        batch, length, width = x.shape
        parts = self.qkv(self.norm_1(x)).view(batch, length, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        mixed = nn.functional.scaled_dot_product_attention(
            query, key, value, attn_mask=mask[:, None, None, :]
        )
        mixed = mixed.transpose(1, 2).reshape(batch, length, width)
        x = x + self._drop(self.join(mixed))
        return x + self._drop(self.fall(nn.functional.gelu(self.rise(self.norm_2(x)))))

    def _drop(self, values: torch.Tensor) -> torch.Tensor:
        return nn.functional.dropout(values, self.dropout, self.training)
