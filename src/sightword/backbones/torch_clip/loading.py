"""A name -> a `TorchBackbone`: build the model, fill in the weights, describe the towers."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from sightword.backbones.base import BackboneSpec
from sightword.backbones.torch_clip.encoder_tower import EncoderTower, encoder_table
from sightword.backbones.torch_clip.kinds import text_kind
from sightword.backbones.torch_clip.looking import looking
from sightword.backbones.torch_clip.names import Source
from sightword.backbones.torch_clip.runtime import TorchBackbone, choose_device, choose_dtype
from sightword.backbones.torch_clip.sources import Parts, gather
from sightword.backbones.torch_clip.text_tower import TextTower
from sightword.backbones.torch_clip.weights_hash import hash_tensors
from sightword.errors import ModelUnavailable

__all__ = ["load_torch_clip"]

MULTILINGUAL = 60_000
"""Vocabularies with more rows than this are multilingual ones; English ones have 30,000 to 50,000."""


def load_torch_clip(
    source: Source,
    *,
    device: str | None = None,
    precision: str | None = None,
    cache: Path | None = None,
    local_files_only: bool = False,
) -> TorchBackbone:
    """Load a backbone in torch.

    Parameters
    ----------
    source : Source
        See `names.parse_name`.
    device : str, optional
        ``cuda``, ``cuda:1``, ``mps``, ``cpu``; None takes the best one here.
    precision : {"f32", "bf16", "f16"}, optional
        Of towers and token table; None means f32. The weights' hash does not depend on it.
    cache : Path, optional
        The hub's cache.
    local_files_only : bool
        Never ask the network.

    Raises
    ------
    ModelUnavailable
        It is not here and cannot be fetched, is damaged, or is of a kind that is not supported.
    """
    where, dtype = choose_device(device), choose_dtype(precision)
    parts = gather(source, cache=cache, local_files_only=local_files_only)
    model, spec = parts.model, _describe(parts)
    # Before the cast: bf16 weights are another rounding of the same model.
    text = model.text if hasattr(model, "text") else model
    model.to(where, dtype)
    if hasattr(text, "token_embedding"):
        tower: Any = TextTower(text, spec.pool)
        table = text.token_embedding.weight.detach()
    else:
        tower = EncoderTower(text, spec.pool)
        table = encoder_table(text)
    return TorchBackbone(
        spec,
        parts.tokens.tokenizer,
        image=model.visual,
        patches=seen.patches if (seen := looking(model.visual)) is not None else None,
        text=tower.eval(),
        table=table,
        device=where,
        dtype=dtype,
    )


def _describe(parts: Parts) -> BackboneSpec:
    model, tokens, name = parts.model, parts.tokens, parts.name
    kind = text_kind(name, parts.config, tokens)
    text = model.text if hasattr(model, "text") else model
    own = hasattr(text, "token_embedding")
    rows, width = (text.token_embedding if own else text.transformer.get_input_embeddings()).weight.shape
    if tokens.rows > rows:
        raise ModelUnavailable(
            f"{name} has {rows} token rows, its tokenizer needs {tokens.rows}: they do not belong together."
        )
    context = int(parts.config["text_cfg"].get("context_length", 77))
    quick = "quickgelu" if parts.quick_gelu else "gelu"
    return BackboneSpec(
        name=name,
        dim=int(parts.config["embed_dim"]),
        token_dim=width,
        context=context,
        prefix_ids=tokens.prefix,
        suffix_ids=tokens.suffix,
        pad_id=tokens.pad,
        mask=kind.mask,
        pool=kind.pool,
        pad_to=kind.pad_to,
        clean=tokens.clean,  # type: ignore[arg-type]
        weights_hash=hash_tensors(model.state_dict(), quick, kind.mask, kind.pool),
        activation=quick,
        logit_scale=float(math.exp(min(float(model.logit_scale.detach().float().reshape(-1)[0]), 10.0))),
        licence=parts.licence,
        source=parts.origin,
        languages=("mul",) if tokens.rows > MULTILINGUAL else ("en",),
        preprocess=parts.preprocess,
    )
