"""A ViT-B/32-shaped image tower with random weights, for speed only."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def vit_b32(seed: int = 0) -> Any:
    """The torch module: 224 px, patch 32, width 768, 12 layers, 512-d output."""
    import timm
    import torch

    torch.manual_seed(seed)
    return timm.create_model("vit_base_patch32_clip_224", pretrained=False, num_classes=512).eval()


def export_onnx(module: Any, path: Path, size: int = 224) -> Path:
    """Write a float32 ONNX graph with a dynamic batch."""
    import torch

    example = torch.zeros(2, 3, size, size)
    batch = torch.export.Dim("batch", min=1, max=1024)
    program = torch.onnx.export(module, (example,), dynamo=True, dynamic_shapes=({0: batch},), verbose=False)
    program.save(str(path))
    return path
