"""The shipped starter in torch, from the very tensors that OpenVINO reads."""

from __future__ import annotations

from pathlib import Path

from sightword.backbones.spec import read_spec
from sightword.backbones.torch_clip.runtime import TorchBackbone, choose_device, choose_dtype
from sightword.backbones.torch_starter import load_torch_starter

__all__ = ["load_starter"]


def load_starter(
    directory: Path, *, device: str | None = None, precision: str | None = None
) -> TorchBackbone:
    """A starter directory as a `TorchBackbone`; parameters as in `load_torch_clip`."""
    where, dtype = choose_device(device), choose_dtype(precision)
    starter = load_torch_starter(directory, str(where), dtype)
    return TorchBackbone(
        read_spec(directory),
        directory / "tokenizer.json",
        image=starter.encode_images,
        patches=starter.patches,
        text=starter.encode_embeddings,
        table=starter.token_embedding,
        device=where,
        dtype=dtype,
    )
