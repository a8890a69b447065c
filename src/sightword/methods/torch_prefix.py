"""A prompt's constant beginning, read once: "a photo of" costs nothing in the steps of a run.

In a causal text tower the words before the first slot do not see the pseudo-word, so keys and values of every
layer are constants. Only the pseudo-word and what follows it is computed, exactly as the whole would be.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightword.backbones.base import BackboneSpec

__all__ = ["PrefixTower", "prefix_tower"]


class PrefixTower:
    """open_clip's text transformer, entered behind a prefix.

    Parameters
    ----------
    text : TextTower of ``backbones/torch_clip``
        Its modules are shared, not copied.
    """

    def __init__(self, text: Any) -> None:
        self._blocks = list(text.transformer.resblocks)
        self._text = text

    def read(self, prefix: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Keys and values [1, heads, P, d] of every layer for embeddings [P, W]."""
        kept: list[tuple[Tensor, Tensor]] = []
        with torch.no_grad():
            x = (prefix + self._text.positions[: len(prefix)])[None]
            for block in self._blocks:
                x, pair = _block(block, x, None)
                kept.append(pair)
        return kept

    def encode(self, prefix: list[tuple[Tensor, Tensor]], embeddings: Tensor) -> Tensor:
        """Embeddings [B, T, W] behind the prefix, the last one ending the text -> [B, D]."""
        start = prefix[0][0].shape[2]
        x = embeddings + self._text.positions[start : start + embeddings.shape[1]]
        for block, pair in zip(self._blocks, prefix):
            x, _ = _block(block, x, pair)
        answer: Tensor = self._text.norm(x[:, -1])
        projection = self._text.projection
        if projection is None:
            return answer
        out: Tensor = projection(answer) if isinstance(projection, nn.Linear) else answer @ projection
        return out


def prefix_tower(tower: Any, spec: BackboneSpec) -> PrefixTower | None:
    """The tower behind a prefix, or None where that would not be exact or is not known how."""
    if (spec.mask, spec.pool, spec.pad_to) != ("causal", "eot", "longest"):
        return None
    text = getattr(tower, "text", None)
    blocks = getattr(getattr(text, "transformer", None), "resblocks", None)
    if not blocks or not all(_known(block) for block in blocks):
        return None
    return PrefixTower(text)


def _known(block: Any) -> bool:
    names = ("ln_1", "ls_1", "ln_2", "mlp", "ls_2")
    attention = getattr(block, "attn", None)
    if not isinstance(attention, nn.MultiheadAttention) or attention.in_proj_weight is None:
        return False
    if attention.bias_k is not None or attention.add_zero_attn:
        return False
    return all(hasattr(block, name) for name in names) and not hasattr(block, "ln_1_kv")


def _block(
    block: Any, x: Tensor, prefix: tuple[Tensor, Tensor] | None
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """One residual block; its own keys and values come back."""
    attention = block.attn
    batch, length, width = x.shape
    projected = F.linear(block.ln_1(x), attention.in_proj_weight, attention.in_proj_bias)
    query, key, value = projected.view(batch, length, 3, attention.num_heads, -1).permute(2, 0, 3, 1, 4)
    own = (key, value)
    mask = None
    if prefix is not None:
        before = prefix[0].shape[2]
        key = torch.cat([prefix[0].expand(batch, -1, -1, -1), key], dim=2)
        value = torch.cat([prefix[1].expand(batch, -1, -1, -1), value], dim=2)
        mask = torch.ones(length, before + length, dtype=torch.bool, device=x.device).tril(before)
    mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask, is_causal=mask is None)
    x = x + block.ls_1(attention.out_proj(mixed.transpose(1, 2).reshape(batch, length, width)))
    return x + block.ls_2(block.mlp(block.ln_2(x))), own
