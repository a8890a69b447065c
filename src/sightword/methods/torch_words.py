"""Pseudo-words in prompts, differentiably: what `Backbone.encode_prompts` computes, with gradients.

Only training and optimisation-based inversion (``oti.py``) need this; searching with a trained phi does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from sightword.backbones.base import Array, BackboneSpec
from sightword.backbones.tokenize import GAP, PromptTokenizer
from sightword.errors import ModelUnavailable, UsageError
from sightword.methods.torch_prefix import prefix_tower
from sightword.prompts import Prompt

__all__ = ["PromptEncoder", "Readable", "RowEncoder", "TextTower", "buckets", "text_tower"]

Ids = NDArray[np.int64]


class TextTower(Protocol):
    """The differentiable text tower."""

    def encode_embeddings(self, embeddings: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """float [B, T, W] and int64 [B] -> float [B, D], not normalised."""
        ...


class Readable(Protocol):
    """What is needed of a loaded backbone besides its text tower."""

    spec: BackboneSpec

    @property
    def tokenizer(self) -> PromptTokenizer:
        """Its tokenizer."""
        ...

    def token_embedding(self) -> Array:
        """float32 [V, W]."""
        ...


def text_tower(backbone: Any, *, device: str = "cpu", dtype: str = "f32") -> TextTower:
    """The text tower of a loaded backbone in torch; its weights stay as they are.

    Parameters
    ----------
    backbone : Backbone
        One of the torch runtime, which is its own tower, or the starter, whose tensors torch can read.
    device : str
    dtype : {"f32", "bf16"}
        What the frozen tower computes in; a backbone of the torch runtime has its own.

    Raises
    ------
    ModelUnavailable
        Its graph cannot be differentiated.
    """
    kind = {"f32": torch.float32, "bf16": torch.bfloat16}[dtype]
    if hasattr(backbone, "encode_embeddings"):
        tower: TextTower = backbone
        return tower
    directory = getattr(backbone, "directory", None)
    if directory is not None and (directory / "text.safetensors").is_file():
        from sightword.backbones.torch_starter import load_torch_starter

        return load_torch_starter(directory, device=device, dtype=kind)
    raise ModelUnavailable(
        f"The backbone {backbone.spec.name!r} is a compiled graph; learning needs its text tower in torch.",
        "Use the starter, or an open_clip model by its name, such as --backbone ViT-B-32/openai.",
    )


def buckets(lengths: Sequence[int], *, least: int = 8, waste: float = 0.25) -> list[list[int]]:
    """Rows of similar length, so that little is padding.

    Parameters
    ----------
    lengths : sequence of int
    least : int
        A bucket of fewer rows is not worth a call of its own.
    waste : float
        Share of the longest row by which the shortest may be shorter.

    Returns
    -------
    list of list of int
        Positions in `lengths`, shortest first; every position once.
    """
    order = sorted(range(len(lengths)), key=lambda index: lengths[index])
    found: list[list[int]] = []
    for index in order:
        full = found and len(found[-1]) >= least
        if not found or (full and lengths[found[-1][0]] < (1 - waste) * lengths[index]):
            found.append([])
        found[-1].append(index)
    return found


class RowEncoder:
    """Encodes rows of token ids with gaps, in buckets of similar length.

    "Trim, don't pad": towers that mask padding, and causal ones that read at the end, see the same without it
    (design.md); the others get the pad row up to their context, as their spec says.

    Parameters
    ----------
    tower : TextTower
    backbone : Readable
    device : str
    dtype : {"f32", "bf16"}
        Of the rows given to the tower; what comes out is float32.
    """

    def __init__(
        self, tower: TextTower, backbone: Readable, *, device: str = "cpu", dtype: str = "f32"
    ) -> None:
        self.spec = backbone.spec
        self.tokenizer = backbone.tokenizer
        self.tower = tower
        self._kind = {"f32": torch.float32, "bf16": torch.bfloat16}[dtype]
        self.table = torch.from_numpy(backbone.token_embedding()).to(device, self._kind)

    def __call__(self, rows: Sequence[Ids], tokens: torch.Tensor | None = None) -> torch.Tensor:
        """Rows to features.

        Parameters
        ----------
        rows : sequence of int [T_i], length B
            Special tokens included; `GAP` where a pseudo-token goes, k for each slot.
        tokens : float [B, k, W], optional
            They fill every slot of their row.

        Returns
        -------
        float32 [B, D]
            Not normalised, in the order of `rows`.
        """
        lengths = [len(row) for row in rows]
        exact = self.spec.pad_to == "longest"
        groups = buckets(lengths) if exact else [list(range(len(rows)))]
        parts = [self._encode([rows[i] for i in group], group, tokens) for group in groups]
        back = torch.from_numpy(np.argsort([i for group in groups for i in group]))
        return torch.cat(parts)[back.to(self.table.device)]

    def _encode(self, rows: list[Ids], group: list[int], tokens: torch.Tensor | None) -> torch.Tensor:
        lengths = np.array([len(row) for row in rows])
        width = int(lengths.max()) if self.spec.pad_to == "longest" else self.spec.context
        ids = np.full((len(rows), width), self.spec.pad_id, np.int64)
        for index, row in enumerate(rows):
            ids[index, : len(row)] = row
        gaps = ids == GAP
        device = self.table.device
        frame = self.table[torch.from_numpy(np.where(gaps, self.spec.pad_id, ids)).to(device)]
        if gaps.any():
            if tokens is None:
                raise UsageError("A row with a slot needs pseudo-tokens.")
            at, where = np.nonzero(gaps)
            nth = (gaps.cumsum(axis=1) - 1)[at, where] % tokens.shape[1]
            chosen = torch.from_numpy(np.asarray(group)[at]).to(device)
            values = tokens[chosen, torch.from_numpy(nth).to(device)].to(self._kind)
            frame = frame.index_put(
                (torch.from_numpy(at).to(device), torch.from_numpy(where).to(device)), values
            )
        return self.tower.encode_embeddings(frame, torch.from_numpy(lengths).to(device)).float()


class PromptEncoder:
    """Encodes one prompt around a batch of pseudo-tokens.

    Parameters
    ----------
    encoder : RowEncoder
    backbone : Readable
    prompt : Prompt
        With one slot.
    tokens : int
        k.
    """

    def __init__(self, encoder: RowEncoder, backbone: Readable, prompt: Prompt, tokens: int) -> None:
        if prompt.slots != 1:
            raise UsageError(f"The training prompt {str(prompt)!r} needs exactly one slot.")
        self._encoder = encoder
        self._row = np.array(backbone.tokenizer.encode(prompt, [tokens]).ids, np.int64)
        start = int(np.flatnonzero(self._row == GAP)[0])
        self._behind = prefix_tower(encoder.tower, encoder.spec) if start else None
        if self._behind is not None:
            self._prefix = self._behind.read(encoder.table[torch.from_numpy(self._row[:start])])
            self._tail = encoder.table[torch.from_numpy(self._row[start + tokens :])]

    def __call__(self, tokens: torch.Tensor) -> torch.Tensor:
        """Pseudo-tokens [B, k, W] -> features float32 [B, D], not normalised."""
        if self._behind is None:
            return self._encoder([self._row] * len(tokens), tokens)
        tail = self._tail.expand(len(tokens), -1, -1)
        return self._behind.encode(self._prefix, torch.cat([tokens.to(tail), tail], dim=1)).float()
