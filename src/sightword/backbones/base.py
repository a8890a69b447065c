"""What a backbone is: a frozen dual encoder that reads pictures, and words with slots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from sightword.prompts import Prompt

__all__ = ["Array", "Backbone", "BackboneSpec", "PreprocessSpec"]

Array = NDArray[np.float32]


@dataclass(frozen=True)
class PreprocessSpec:
    """How pixels are prepared for the image tower.

    Attributes
    ----------
    size : int
        Side of the square input, in pixels.
    resize : {"shortest", "longest", "squash"}
        Which side is brought to `size` before cropping (shortest) or padding (longest).
    interpolation : {"bicubic", "bilinear"}
        Pillow's antialiased filter.
    mean, std : tuple of float
        Per channel, on values in [0, 1].
    """

    size: int = 224
    resize: Literal["shortest", "longest", "squash"] = "shortest"
    interpolation: Literal["bicubic", "bilinear"] = "bicubic"
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)


@dataclass(frozen=True)
class BackboneSpec:
    """What ``backbone.json`` says (design.md, "Backbone").

    Attributes
    ----------
    name : str
        For instance ``starter`` or ``ViT-L-14/openai``.
    dim : int
        D, the width of the joint space.
    token_dim : int
        W, the width of one row of the token-embedding table.
    context : int
        Longest sequence the text tower takes, special tokens included.
    prefix_ids, suffix_ids : tuple of int
        Special tokens put before and after every prompt.
    mask, pool, pad_to, clean : str
        The kind of the text tower; see design.md.
    pad_id : int
        Row used for padding.
    weights_hash : str
        sha256 over all tensors; an index or a method is bound to it.
    exact : tuple of {"image", "text"}
        Towers that run in float32 whatever precision is asked for, because bfloat16 moves their answers
        too far (cosine below 0.999).
    patches : int, optional
        How many leading rows of the tensor ``patches`` inside ``image.onnx`` stand for no place (0 for maps);
        None when there is no such tensor. See `sightword.backbones.patches`.
    """

    name: str
    dim: int
    token_dim: int
    context: int
    prefix_ids: tuple[int, ...]
    suffix_ids: tuple[int, ...]
    pad_id: int
    mask: Literal["causal", "padding", "none"]
    pool: Literal["eot", "last", "mean", "cls"]
    pad_to: Literal["longest", "context"]
    clean: Literal["clip", "canonicalize", "whitespace", "none"]
    weights_hash: str
    activation: str = "gelu"
    logit_scale: float = 100.0
    licence: str = "unknown"
    source: str = ""
    languages: tuple[str, ...] = ("en",)
    exact: tuple[str, ...] = ()
    patches: int | None = None
    schema: int = 1
    preprocess: PreprocessSpec = field(default_factory=PreprocessSpec)
    golden: dict[str, Any] = field(default_factory=dict)


@runtime_checkable
class Backbone(Protocol):
    """A frozen dual encoder. Outputs are raw: nothing is normalised here.

    Optional: ``has_patches`` (bool) and ``encode_patches(pixels) -> float32 [B, N, Dp]``, see
    `sightword.backbones.patches`.
    """

    spec: BackboneSpec

    def encode_images(self, pixels: Array) -> Array:
        """Pictures to features.

        Parameters
        ----------
        pixels : float32 [B, 3, H, W]
            Preprocessed as ``spec.preprocess`` says.

        Returns
        -------
        float32 [B, D]
            Raw image features.
        """
        ...

    def encode_prompts(self, prompts: Sequence[Prompt], tokens: Sequence[Sequence[Array]] = ()) -> Array:
        """Prompts with filled slots to features.

        Parameters
        ----------
        prompts : sequence of Prompt, length B
        tokens : sequence of length B, optional
            ``tokens[i][j]`` is float32 [k, W]: the k >= 1 pseudo-tokens of slot j of prompt i.
            May be empty when no prompt has a slot.

        Returns
        -------
        float32 [B, D]
            Raw text features.
        """
        ...

    def token_embedding(self) -> Array:
        """The table of token embeddings, float32 [V, W]."""
        ...

    def count_unknown(self, text: str) -> float:
        """Share of the text's pieces that the tokenizer does not know, in [0, 1]."""
        ...

    def vocabulary(self) -> list[str]:
        """The word piece of each row of the table (V strings)."""
        ...
