"""A CLIP in transformers' layout (``config.json`` and ``model.safetensors``) as an open_clip model.

The two write the same network with other names; transformers is not needed to read it.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sightword.errors import ModelUnavailable

__all__ = ["convert_tensors", "read_hugging_face"]

_BLOCK = re.compile(r"(text_model|vision_model)\.encoder\.layers\.(\d+)\.(.+)")
_PARTS = {
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
    "self_attn.out_proj": "attn.out_proj",
}
_NAMES = {
    "logit_scale": "logit_scale",
    "text_model.embeddings.token_embedding.weight": "token_embedding.weight",
    "text_model.embeddings.position_embedding.weight": "positional_embedding",
    "text_model.final_layer_norm.weight": "ln_final.weight",
    "text_model.final_layer_norm.bias": "ln_final.bias",
    "vision_model.embeddings.class_embedding": "visual.class_embedding",
    "vision_model.embeddings.patch_embedding.weight": "visual.conv1.weight",
    "vision_model.embeddings.position_embedding.weight": "visual.positional_embedding",
    "vision_model.pre_layrnorm.weight": "visual.ln_pre.weight",
    "vision_model.pre_layrnorm.bias": "visual.ln_pre.bias",
    "vision_model.post_layernorm.weight": "visual.ln_post.weight",
    "vision_model.post_layernorm.bias": "visual.ln_post.bias",
}
_TRANSPOSED = {"text_projection.weight": "text_projection", "visual_projection.weight": "visual.proj"}
_ACTIVATIONS = {"quick_gelu": True, "gelu": False}


def read_hugging_face(folder: Path) -> dict[str, Any]:
    """open_clip's configuration of a transformers CLIP.

    Raises
    ------
    ModelUnavailable
        It is another architecture, or has a detail that open_clip's CLIP does not know.
    """
    path = folder / "config.json"
    config = _read(path)
    if config.get("model_type") != "clip":
        raise ModelUnavailable(
            f"{path} describes a {config.get('model_type')!r}; of transformers' models only 'clip' is read.",
            "SigLIP and others are read by open_clip's names.",
        )
    text, vision = dict(config.get("text_config") or {}), dict(config.get("vision_config") or {})
    acts = {part.get("hidden_act", "quick_gelu") for part in (text, vision)}
    epsilons = {float(part.get("layer_norm_eps", 1e-5)) for part in (text, vision)}
    if len(acts) != 1 or not acts <= set(_ACTIVATIONS) or epsilons != {1e-5}:
        raise ModelUnavailable(
            f"{path} asks for activations {sorted(acts)} and epsilons {sorted(epsilons)}, "
            "which sightword does not run."
        )
    width, heads = int(vision.get("hidden_size", 768)), int(vision.get("num_attention_heads", 12))
    return {
        "embed_dim": int(config.get("projection_dim", 512)),
        "quick_gelu": _ACTIVATIONS[acts.pop()],
        "vision_cfg": {
            "image_size": int(vision.get("image_size", 224)),
            "patch_size": int(vision.get("patch_size", 32)),
            "layers": int(vision.get("num_hidden_layers", 12)),
            "width": width,
            "head_width": width // heads,
            "mlp_ratio": _ratio(int(vision.get("intermediate_size", 4 * width)), width),
        },
        "text_cfg": {
            "context_length": int(text.get("max_position_embeddings", 77)),
            "vocab_size": int(text.get("vocab_size", 49408)),
            "width": int(text.get("hidden_size", 512)),
            "heads": int(text.get("num_attention_heads", 8)),
            "layers": int(text.get("num_hidden_layers", 12)),
            "mlp_ratio": _ratio(int(text.get("intermediate_size", 2048)), int(text.get("hidden_size", 512))),
        },
    }


def convert_tensors(tensors: dict[str, Tensor], where: str) -> dict[str, Tensor]:
    """transformers' names and layouts -> open_clip's.

    Raises
    ------
    ModelUnavailable
        A tensor has no place, or an attention lacks one of its three parts.
    """
    out: dict[str, Tensor] = {}
    attention: dict[tuple[str, str], dict[str, Tensor]] = {}
    for name, value in tensors.items():
        match = _BLOCK.fullmatch(name)
        if name.endswith("position_ids"):
            continue
        if name in _NAMES:
            out[_NAMES[name]] = value
        elif name in _TRANSPOSED:
            out[_TRANSPOSED[name]] = value.T.contiguous()
        elif match:
            tower = "transformer" if match[1] == "text_model" else "visual.transformer"
            block = f"{tower}.resblocks.{match[2]}"
            part, _, kind = match[3].rpartition(".")
            if part in _PARTS:
                out[f"{block}.{_PARTS[part]}.{kind}"] = value
            elif part in ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"):
                attention.setdefault((block, kind), {})[part[10]] = value
            else:
                raise ModelUnavailable(f"{where}: {name} is not part of a CLIP.")
        else:
            raise ModelUnavailable(f"{where}: {name} is not part of a CLIP.")
    for (block, kind), parts in attention.items():
        if parts.keys() != {"q", "k", "v"}:
            raise ModelUnavailable(f"{where}: the attention of {block} is incomplete.")
        out[f"{block}.attn.in_proj_{kind}"] = torch.cat([parts["q"], parts["k"], parts["v"]])
    return out


def _ratio(inner: int, width: int) -> float:
    """open_clip multiplies and cuts off; half a unit more survives the rounding."""
    return (inner + 0.5) / width


def _read(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelUnavailable(f"{path} cannot be read: {error}.") from None
    return data if isinstance(data, dict) else {}
