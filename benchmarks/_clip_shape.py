"""open_clip models with random weights behind the product's own torch runtime, for speed only."""

from __future__ import annotations

from typing import Any

import torch

from sightword.backbones.base import BackboneSpec
from sightword.backbones.torch_clip.bpe import END, START, VOCABULARY, clip_bpe
from sightword.backbones.torch_clip.runtime import TorchBackbone
from sightword.backbones.torch_clip.text_tower import TextTower

__all__ = ["CONTEXT", "SHAPES", "clip_shape"]

CONTEXT = 77
SHAPES = {"b32": "ViT-B-32-quickgelu", "l14": "ViT-L-14-quickgelu", "toy": ""}


def clip_shape(name: str, dtype: torch.dtype = torch.float32, seed: int = 0) -> TorchBackbone:
    """A backbone of that shape; the same weights for the same seed."""
    torch.manual_seed(seed)
    model = (_open_clip(SHAPES[name]) if SHAPES[name] else _toy()).eval().requires_grad_(False).to(dtype)
    width, dim = model.text_projection.shape
    spec = BackboneSpec(
        name=f"random {name}", dim=dim, token_dim=width, context=CONTEXT, prefix_ids=(START,),
        suffix_ids=(END,), pad_id=0, mask="causal", pool="eot", pad_to="longest", clean="clip",
        weights_hash="0" * 64,
    )  # fmt: skip
    return TorchBackbone(
        spec, clip_bpe(), image=model.visual, text=TextTower(model, "eot").eval(),
        table=model.token_embedding.weight.detach(), device=torch.device("cpu"), dtype=dtype,
    )  # fmt: skip


def _open_clip(name: str) -> Any:
    import open_clip

    return open_clip.create_model(name, pretrained=None)


def _toy() -> Any:
    from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg

    vision = CLIPVisionCfg(layers=1, width=32, head_width=16, patch_size=32, image_size=224)
    text = CLIPTextCfg(context_length=CONTEXT, vocab_size=VOCABULARY, width=32, heads=2, layers=2)
    return CLIP(32, vision, text, quick_gelu=True)
