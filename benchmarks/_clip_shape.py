"""CLIP-shaped towers with random weights, for speed only; the text tower takes embeddings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightword.backbones.base import Array, BackboneSpec
from sightword.backbones.tokenize import PromptTokenizer
from sightword.backbones.torch_clip.bpe import END, START, VOCABULARY, clip_bpe

__all__ = ["SHAPES", "ClipShape", "Shape"]

CONTEXT = 77


@dataclass(frozen=True)
class Shape:
    """Widths and depths; `vision` is timm's name, or None for a toy."""

    dim: int
    width: int
    layers: int
    heads: int
    vision: str | None


SHAPES = {
    "b32": Shape(512, 512, 12, 8, "vit_base_patch32_clip_224"),
    "l14": Shape(768, 768, 12, 12, "vit_large_patch14_clip_224"),
    "toy": Shape(32, 32, 2, 2, None),
}


class Block(nn.Module):
    """Pre-norm attention and QuickGELU MLP."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, W] -> [B, T, W], causal."""
        batch, length, _ = x.shape
        qkv = self.qkv(self.ln_1(x)).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(*qkv.unbind(0), is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).reshape(batch, length, -1))
        inner = self.up(self.ln_2(x))
        return x + self.down(inner * torch.sigmoid(1.702 * inner))


class ClipShape(nn.Module):
    """Both towers behind what training needs of a backbone.

    Parameters
    ----------
    shape : Shape
    dtype : torch.dtype
    """

    def __init__(self, shape: Shape, dtype: torch.dtype = torch.float32, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.shape = shape
        self.table = nn.Embedding(VOCABULARY, shape.width)
        nn.init.normal_(self.table.weight, std=0.02)
        self.positions = nn.Parameter(0.01 * torch.randn(CONTEXT, shape.width))
        self.blocks = nn.ModuleList([Block(shape.width, shape.heads) for _ in range(shape.layers)])
        self.ln = nn.LayerNorm(shape.width)
        self.projection = nn.Parameter(shape.width**-0.5 * torch.randn(shape.width, shape.dim))
        self.requires_grad_(False).eval().to(dtype)
        self.spec = BackboneSpec(
            name="random", dim=shape.dim, token_dim=shape.width, context=CONTEXT, prefix_ids=(START,),
            suffix_ids=(END,), pad_id=0, mask="causal", pool="eot", pad_to="longest", clean="clip",
            weights_hash="0" * 64,
        )  # fmt: skip
        self.tokenizer = PromptTokenizer(clip_bpe(), self.spec)

    def token_embedding(self) -> Array:
        """float32 [V, W]."""
        table: Array = self.table.weight.detach().float().numpy()
        return table

    def encode_embeddings(self, embeddings: Tensor, lengths: Tensor) -> Tensor:
        """[B, T, W], [B] -> [B, D], read where the text ends."""
        x = embeddings + self.positions[: embeddings.shape[1]]
        for block in self.blocks:
            x = block(x)
        return self.ln(x[torch.arange(len(x)), lengths - 1]) @ self.projection

    def vision(self, dtype: torch.dtype = torch.float32) -> Any:
        """The image tower."""
        if self.shape.vision is None:
            return nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(48, self.shape.dim)).eval()
        import timm

        tower = timm.create_model(self.shape.vision, pretrained=False, num_classes=self.shape.dim)
        return tower.requires_grad_(False).eval().to(dtype)
