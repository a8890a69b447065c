"""What every runtime does around its towers: check what comes in and goes out, and share calls by length."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from sightword.backbones.base import Array, BackboneSpec
from sightword.backbones.tokenize import PromptTokenizer, TokenRow
from sightword.errors import ModelUnavailable, UsageError
from sightword.prompts import Prompt

__all__ = ["check_finite", "check_pixels", "encode_by_length"]


def check_pixels(pixels: Array, spec: BackboneSpec) -> None:
    """Refuse pixels that are not [B, 3, S, S] with a UsageError."""
    size = spec.preprocess.size
    if pixels.ndim != 4 or pixels.shape[1:] != (3, size, size):
        raise UsageError(f"{spec.name} reads pixels [B, 3, {size}, {size}], not {list(pixels.shape)}.")


def check_finite(features: Array, spec: BackboneSpec, hint: str) -> Array:
    """The features themselves; values that are not numbers are a ModelUnavailable."""
    if not np.isfinite(features).all():
        raise ModelUnavailable(f"{spec.name} answered with values that are not numbers.", hint)
    return features


def encode_by_length(
    prompts: Sequence[Prompt],
    tokens: Sequence[Sequence[Array]],
    spec: BackboneSpec,
    tokenizer: PromptTokenizer,
    encode: Callable[[list[TokenRow], list[list[Array]]], Array],
    batch: int,
) -> Array:
    """Prompts with filled slots to features, in calls of `batch` rows.

    Parameters
    ----------
    tokens : sequence of sequences of float32 [k, W]
        The pseudo-words of each prompt; empty when no prompt has a slot.
    encode : callable
        Rows of ids with their pseudo-words -> float32 [B, D].

    Returns
    -------
    float32 [B, D], in the order of the prompts.

    Raises
    ------
    UsageError
        Pseudo-words are missing, too many or of another shape.
    """
    slots: Sequence[Sequence[Array]] = tokens if len(tokens) else [()] * len(prompts)
    if len(slots) != len(prompts):
        raise UsageError(f"{len(prompts)} prompts were given pseudo-tokens for {len(slots)}.")
    filled = [[_pseudo(token, spec) for token in row] for row in slots]
    rows = [
        tokenizer.encode(prompt, [len(token) for token in row])
        for prompt, row in zip(prompts, filled)
    ]  # fmt: skip
    out = np.empty((len(rows), spec.dim), np.float32)
    # Neighbours in length share a call, so little is padding; the order of answers is the order asked.
    order = sorted(range(len(rows)), key=lambda index: len(rows[index]))
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        out[chosen] = encode([rows[i] for i in chosen], [filled[i] for i in chosen])
    return out


def _pseudo(token: Array, spec: BackboneSpec) -> Array:
    token = np.asarray(token, np.float32)
    if token.ndim != 2 or len(token) < 1 or token.shape[1] != spec.token_dim:
        raise UsageError(f"A pseudo-word for {spec.name} is [k, {spec.token_dim}], not {list(token.shape)}.")
    return token
