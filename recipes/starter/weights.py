"""Original weights as the tensors that ship: batch norms folded, projections as [in, out]."""

from __future__ import annotations

from typing import Any

import common
import timm
import torch
from safetensors.torch import load_file
from torch import Tensor

CONTEXT = 256


def timm_lite0() -> Any:
    """timm's tf_efficientnet_lite0 with the packaged weights (equal shapes in file order)."""
    source = torch.load(common.LITE0, map_location="cpu", weights_only=True)
    values = [v for k, v in source.items() if not k.endswith("num_batches_tracked")]
    model = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    names = [n for n in model.state_dict() if not n.endswith("num_batches_tracked")]
    if len(names) != len(values):
        raise SystemExit(f"{len(values)} tensors in the package, {len(names)} in timm")
    state = dict(zip(names, values, strict=True))
    model.load_state_dict(state, strict=False)
    return model.eval()


def _fold(conv: Any, norm: Any) -> tuple[Tensor, Tensor]:
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return conv.weight * scale[:, None, None, None], norm.bias - norm.running_mean * scale


@torch.no_grad()
def image_tensors(model: Any) -> dict[str, Tensor]:
    """Trunk (folded) and classifier of the image tower, float32."""
    found: dict[str, Tensor] = {}

    def put(name: str, conv: Any, norm: Any) -> None:
        found[f"{name}.weight"], found[f"{name}.bias"] = _fold(conv, norm)

    put("trunk.stem", model.conv_stem, model.bn1)
    for stage, blocks in enumerate(model.blocks):
        for repeat, block in enumerate(blocks):
            name = f"trunk.blocks.{stage}.{repeat}"
            if hasattr(block, "conv_pwl"):
                put(f"{name}.expand", block.conv_pw, block.bn1)
                put(f"{name}.depthwise", block.conv_dw, block.bn2)
                put(f"{name}.project", block.conv_pwl, block.bn3)
            else:
                put(f"{name}.depthwise", block.conv_dw, block.bn1)
                put(f"{name}.project", block.conv_pw, block.bn2)
    put("trunk.last", model.conv_head, model.bn2)
    found["classifier.weight"] = model.classifier.weight.T.contiguous()
    found["classifier.bias"] = model.classifier.bias
    return {k: v.detach().clone() for k, v in found.items()}


def text_tensors() -> tuple[dict[str, Tensor], Tensor]:
    """Text tower and token table of MiniLM, float32; the one token type is added to the positions."""
    source = load_file(common.MINILM / "model.safetensors")
    source = {name.removeprefix("bert."): value.float() for name, value in source.items()}
    found: dict[str, Tensor] = {}
    kind = source["embeddings.token_type_embeddings.weight"][0]
    found["positions.weight"] = source["embeddings.position_embeddings.weight"][:CONTEXT] + kind

    def copy(new: str, old: str) -> None:
        weight = source[f"{old}.weight"]
        found[f"{new}.weight"] = weight.T.contiguous() if weight.ndim == 2 else weight
        found[f"{new}.bias"] = source[f"{old}.bias"]

    copy("embedding_norm", "embeddings.LayerNorm")
    layer = 0
    while f"encoder.layer.{layer}.attention.self.query.weight" in source:
        old, new = f"encoder.layer.{layer}", f"layers.{layer}"
        parts = [f"{old}.attention.self.{part}" for part in ("query", "key", "value")]
        found[f"{new}.qkv.weight"] = torch.cat([source[f"{p}.weight"] for p in parts]).T.contiguous()
        found[f"{new}.qkv.bias"] = torch.cat([source[f"{p}.bias"] for p in parts])
        copy(f"{new}.attended", f"{old}.attention.output.dense")
        copy(f"{new}.attended_norm", f"{old}.attention.output.LayerNorm")
        copy(f"{new}.inner", f"{old}.intermediate.dense")
        copy(f"{new}.outer", f"{old}.output.dense")
        copy(f"{new}.outer_norm", f"{old}.output.LayerNorm")
        layer += 1
    return found, source["embeddings.word_embeddings.weight"]
