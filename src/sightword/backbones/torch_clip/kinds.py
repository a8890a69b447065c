"""What kind of text tower an open_clip configuration describes (design.md, "Backbone").

=====================  ========  ======  =========  ==========================================
tower                  mask      pool    padded to  for instance
=====================  ========  ======  =========  ==========================================
CLIP                   causal    eot     longest    ViT-L-14, ViT-bigG-14, EVA02, MobileCLIP-B
MobileCLIP             none      eot     context    MobileCLIP-S1, MobileCLIP2-S4
CLIPA, SigLIP          none      last    context    ViT-L-14-CLIPA, ViT-B-16-SigLIP2
last without padding   causal    last    context
first token            any       cls     as above
Hugging Face encoder   padding   mean    longest    roberta-ViT-B-32, xlm-roberta, mT5
Hugging Face encoder   padding   cls     longest    nllb-clip
=====================  ========  ======  =========  ==========================================

Refused by name: CoCa, maximum pooling, pooling that only CLIPS uses, and towers without a pooling.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sightword.backbones.torch_clip.tokens import Tokens
from sightword.errors import ModelUnavailable

__all__ = ["TextKind", "refuse_unsupported", "text_kind"]

POOLS: dict[str, Literal["eot", "last", "cls"]] = {
    "argmax": "eot",
    "eos": "eot",
    "last": "last",
    "first": "cls",
}
HF_POOLS: dict[str, Literal["mean", "cls"]] = {
    "mean_pooler": "mean",
    "cls_pooler": "cls",
    "cls_last_hidden_state_pooler": "cls",
}


@dataclass(frozen=True)
class TextKind:
    """Mask, pooling and padding of a text tower; values as in `BackboneSpec`."""

    mask: Literal["causal", "padding", "none"]
    pool: Literal["eot", "last", "mean", "cls"]
    pad_to: Literal["longest", "context"]


def text_kind(name: str, config: Mapping[str, Any], tokens: Tokens) -> TextKind:
    """Read the kind, or refuse it.

    Parameters
    ----------
    name : str
        The model, for the error.
    config : mapping
        open_clip's model configuration.
    tokens : Tokens

    Raises
    ------
    ModelUnavailable
        The tower is of a kind that pseudo-words cannot be put into here.
    """
    refuse_unsupported(name, config)
    text = config["text_cfg"]
    if text.get("hf_model_name"):
        return TextKind("padding", HF_POOLS[text.get("hf_pooler_type") or "mean_pooler"], "longest")
    given = text.get("pool_type", "argmax")
    if given == "argmax" and tokens.suffix[-1:] != (tokens.rows - 1,):
        raise _refuse(name, "pools at the largest id, which is not the one that ends its texts")
    if given == "eos" and tokens.suffix[-1:] != (text.get("eos_id", 2),):
        raise _refuse(name, f"pools at id {text.get('eos_id', 2)}, which is not the one that ends its texts")
    mask: Literal["causal", "none"] = "none" if text.get("no_causal_mask") else "causal"
    # The last position of a padded row is padding, so even a causal tower must see all of it.
    trims = mask == "causal" and POOLS[given] != "last"
    return TextKind(mask, POOLS[given], "longest" if trims else "context")


def refuse_unsupported(name: str, config: Mapping[str, Any]) -> None:
    """What the configuration alone rules out, before anything is built or fetched.

    Raises
    ------
    ModelUnavailable
    """
    text = config["text_cfg"]
    if "multimodal_cfg" in config or text.get("embed_cls"):
        raise _refuse(name, "is a CoCa, whose text tower pools a class token behind the text")
    if text.get("tokenizer_mode"):
        raise _refuse(name, f"reads text in the mode {text['tokenizer_mode']!r}")
    encoder = text.get("hf_model_name")
    pool = (text.get("hf_pooler_type") or "mean_pooler") if encoder else text.get("pool_type", "argmax")
    if pool not in (HF_POOLS if encoder else POOLS):
        raise _refuse(name, f"pools its text tower by {pool!r}")


def _refuse(name: str, why: str) -> ModelUnavailable:
    return ModelUnavailable(f"{name} {why}; sightword does not run such towers.", "Choose another backbone.")
