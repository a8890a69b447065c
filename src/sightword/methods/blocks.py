"""A transformer block in numpy: pre-normalised, softmax attention, exact GELU.

Tensors are named ``PREFIX.norm_1``, ``.qkv``, ``.join``, ``.norm_2``, ``.rise``, ``.fall``, each with
``.weight`` [out, in] and ``.bias``; `sightword.training.torch_blocks` is the same in torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightword.backbones.base import Array
from sightword.methods.phi import gelu

__all__ = ["attention", "attention_mask", "block", "layer_norm", "linear", "shapes_around"]

Tensors = Mapping[str, Array]
EPS = 1e-5


def linear(x: Array, tensors: Tensors, name: str) -> Array:
    """``W x + b``."""
    out: Array = x @ tensors[f"{name}.weight"].T + tensors[f"{name}.bias"]
    return out


def layer_norm(x: Array, tensors: Tensors, name: str) -> Array:
    """Over the last axis, in float64 inside."""
    wide = x.astype(np.float64)
    centred = wide - wide.mean(axis=-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + EPS)
    return np.asarray(scaled * tensors[f"{name}.weight"] + tensors[f"{name}.bias"], np.float32)


def attention_mask(lengths: NDArray[Any], longest: int) -> NDArray[np.bool_]:
    """Which of [first, words ..., last] may be looked at, bool [B, longest + 2]: the words that there are."""
    words = np.arange(longest) < lengths[:, None]
    ends = np.ones((len(lengths), 1), bool)
    return np.concatenate([ends, words, ends], axis=1)


def attention(x: Array, tensors: Tensors, name: str, heads: int, mask: NDArray[np.bool_]) -> Array:
    """Self-attention, float32 [B, T, H]; `mask` [B, T] says which places may be looked at."""
    batch, length, width = x.shape
    parts = linear(x, tensors, f"{name}.qkv").reshape(batch, length, 3, heads, width // heads)
    query, key, value = parts.transpose(2, 0, 3, 1, 4)
    scores = query @ key.transpose(0, 1, 3, 2) / np.sqrt(np.float32(width // heads))
    scores = np.where(mask[:, None, None, :], scores, -np.inf)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    mixed = (weights.astype(np.float32) @ value).transpose(0, 2, 1, 3).reshape(batch, length, width)
    return linear(mixed, tensors, f"{name}.join")


def block(x: Array, tensors: Tensors, name: str, heads: int, mask: NDArray[np.bool_]) -> Array:
    """``x + attention(LN x)``, then ``x + fall(gelu(rise(LN x)))``."""
    x = x + attention(layer_norm(x, tensors, f"{name}.norm_1"), tensors, name, heads, mask)
    inner = gelu(linear(layer_norm(x, tensors, f"{name}.norm_2"), tensors, f"{name}.rise"))
    out: Array = x + linear(inner, tensors, f"{name}.fall")
    return out


def shapes_around(
    linears: Mapping[str, tuple[int, int]], network: Mapping[str, Any]
) -> dict[str, tuple[int, ...]]:
    """Tensors of a network of these blocks, and their shapes.

    Parameters
    ----------
    linears : mapping of str to (out, in)
        What lies before and behind the blocks.
    network : mapping
        ``width``, ``layers`` and ``longest``: as many places as words are read.
    """
    width = network["width"]
    inner, norms = dict(linears), ["input", "output_norm"]
    for layer in range(network["layers"]):
        prefix = f"blocks.{layer}"
        inner |= {
            f"{prefix}.qkv": (3 * width, width), f"{prefix}.join": (width, width),
            f"{prefix}.rise": (4 * width, width), f"{prefix}.fall": (width, 4 * width),
        }  # fmt: skip
        norms += [f"{prefix}.norm_1", f"{prefix}.norm_2"]
    found: dict[str, tuple[int, ...]] = {"places": (network["longest"], width)}
    for name, shape in inner.items():
        found |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
    for name in norms:
        found |= {f"{name}.weight": (width,), f"{name}.bias": (width,)}
    return found
