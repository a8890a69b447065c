"""Weights from files, never code: safetensors, or pickles read with ``weights_only=True``."""

from __future__ import annotations

import pathlib
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sightword.errors import ModelUnavailable

__all__ = ["WEIGHT_FILES", "find_weights", "load_into", "read_checkpoint", "read_tensors"]

WEIGHT_FILES = (
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.safetensors",
    "model.safetensors",
    "open_clip_pytorch_model.bin",
    "pytorch_model.bin",
)
_WRAPPERS = ("state_dict", "CLIP", "model")


def read_checkpoint(path: Path) -> Any:
    """Whatever a file holds, on the CPU.

    Raises
    ------
    ModelUnavailable
        It is missing, damaged, a program, or holds objects that only running code could rebuild.
    """
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(str(path))
        # Training scripts like to note where they wrote; a path is data.
        with torch.serialization.safe_globals([pathlib.PosixPath, pathlib.PurePosixPath]):
            return torch.load(str(path), map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise ModelUnavailable(f"{path} is missing.") from None
    except pickle.UnpicklingError as error:
        reason = str(error).strip().splitlines()
        named = next((line for line in reason if "GLOBAL" in line or "global" in line), reason[0])
        raise ModelUnavailable(
            f"{path} holds more than tensors, so it is not opened ({named.strip()[:120]}).",
            "Save its weights alone with torch.save where you trust it.",
        ) from None
    except Exception as error:  # whatever torch's reader trips over in a file of another kind
        if "TorchScript" in str(error):
            raise ModelUnavailable(
                f"{path} is a TorchScript program, not a file of weights.",
                "Use the same weights by open_clip's name, such as ViT-L-14/openai.",
            ) from None
        raise ModelUnavailable(
            f"{path} is no checkpoint: neither a safetensors file nor one that torch.save wrote."
        ) from None


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The model's tensors in a file, without wrappers and without a ``module.`` on every name."""
    found = read_checkpoint(path)
    for key in _WRAPPERS:
        if isinstance(found, dict) and isinstance(found.get(key), dict):
            found = found[key]
    if not isinstance(found, dict) or not found:
        raise ModelUnavailable(f"{path} holds no dictionary of tensors.")
    tensors = {str(key): value for key, value in found.items() if isinstance(value, Tensor)}
    if tensors and all(key.startswith("module.") for key in tensors):
        tensors = {key.removeprefix("module."): value for key, value in tensors.items()}
    # OpenAI's files carry these three numbers beside the weights.
    return {k: v for k, v in tensors.items() if k not in ("input_resolution", "context_length", "vocab_size")}


def find_weights(folder: Path, names: Sequence[str] = WEIGHT_FILES) -> Path:
    """The file of weights in a folder.

    Raises
    ------
    ModelUnavailable
        There is none under the usual names.
    """
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise ModelUnavailable(f"{folder} holds none of {', '.join(names)}.", "Put the weights there.")


def load_into(model: Any, tensors: dict[str, Tensor], where: str) -> None:
    """Fill an open_clip model; every tensor must be there and fit.

    Raises
    ------
    ModelUnavailable
        Names or shapes differ: the first difference is told.
    """
    from open_clip.convert import convert_state_dict
    from open_clip.model import convert_to_custom_text_state_dict

    tensors = convert_state_dict(model, tensors)
    if "positional_embedding" in tensors and not hasattr(model, "positional_embedding"):
        tensors = convert_to_custom_text_state_dict(tensors)
    tensors.pop("text.transformer.embeddings.position_ids", None)
    own = model.state_dict()
    for scalar in ("logit_scale", "logit_bias"):
        if scalar in tensors and scalar in own:
            tensors[scalar] = tensors[scalar].reshape(own[scalar].shape)
        elif scalar in own:
            tensors[scalar] = own[scalar]
        else:
            tensors.pop(scalar, None)
    missing, extra = sorted(own.keys() - tensors.keys()), sorted(tensors.keys() - own.keys())
    wrong = [name for name in own if name in tensors and own[name].shape != tensors[name].shape]
    if wrong:
        name = wrong[0]
        detail = f"{name} is {list(tensors[name].shape)} where the model has {list(own[name].shape)}"
    elif missing:
        detail = f"{missing[0]} is missing"
    elif extra:
        detail = f"{extra[0]} is not part of the model"
    else:
        model.load_state_dict(tensors, strict=True)
        return
    raise ModelUnavailable(
        f"The weights in {where} do not fit the model: {detail}.", "Check the model's name."
    )
