"""The torch runtime: a backbone on CUDA, MPS or the CPU, with a differentiable text tower."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sightword.backbones.base import Array, BackboneSpec
from sightword.backbones.batches import check_finite, check_pixels, encode_by_length
from sightword.backbones.patches import check_patches
from sightword.backbones.tokenize import GAP, PromptTokenizer, TokenRow
from sightword.backbones.unknown import share_unknown
from sightword.errors import UsageError
from sightword.prompts import Prompt

__all__ = ["DTYPES", "TorchBackbone", "choose_device", "choose_dtype"]

DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}
IMAGE_BATCH = {"cpu": 16}
TEXT_BATCH = {"cpu": 32}
BROKEN = "In f16 that happens; use f32 or bf16."
LARGE_BATCH = 256
"""On accelerators, which a small batch leaves idle."""


def choose_device(device: str | None) -> torch.device:
    """The named device, or the best one of this machine.

    Raises
    ------
    UsageError
        There is no such device here.
    """
    if device is None:
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        chosen = torch.device(device)
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UsageError(f"The device {device!r} cannot be used here: {reason[:120]}") from None
    return chosen


def choose_dtype(precision: str | None) -> torch.dtype:
    """``f32`` (default), ``bf16`` or ``f16`` as torch's type."""
    if precision not in (None, *DTYPES):
        raise UsageError(f"Precision {precision!r} is not known.", f"Choose one of {', '.join(DTYPES)}.")
    return DTYPES[precision or "f32"]


class TorchBackbone:
    """Two towers as torch functions, behind the same protocol as `OpenVINOBackbone`.

    Parameters
    ----------
    spec : BackboneSpec
    tokenizer : tokenizers.Tokenizer or Path
    image : callable
        Pixels [B, 3, H, W] -> [B, D].
    text : callable
        Embeddings [B, T, W], lengths [B] -> [B, D].
    patches : callable, optional
        Pixels [B, 3, H, W] -> what the image tower sees at each place [B, N, Dp].
    table : Tensor [V, W]
        Token embeddings as the tower consumes them.
    device, dtype : torch.device, torch.dtype
        Of towers and table.

    Attributes
    ----------
    spec : BackboneSpec
    table : Tensor [V, W]
    runtime, precision : str
        What reports should record.
    """

    runtime = "torch"
    threads = None
    directory = None

    def __init__(
        self,
        spec: BackboneSpec,
        tokenizer: Any,
        *,
        image: Callable[[Tensor], Tensor],
        text: Callable[[Tensor, Tensor], Tensor],
        table: Tensor,
        patches: Callable[[Tensor], Tensor] | None = None,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self.spec = spec
        self.image = image
        self.text = text
        self.patches = patches
        self.table = table
        self.device = device
        self.dtype = dtype
        self.tokenizer = PromptTokenizer(tokenizer, spec)
        self.precision = next(name for name, value in DTYPES.items() if value == dtype)

    def encode_pixels(self, pixels: Tensor) -> Tensor:
        """Pixels [B, 3, H, W] -> raw features [B, D]; differentiable."""
        return self.image(pixels.to(self.device, self.dtype))

    def encode_embeddings(self, embeddings: Tensor, lengths: Tensor) -> Tensor:
        """Token embeddings [B, T, W], lengths int64 [B] -> raw features [B, D].

        Differentiable with respect to `embeddings`. Rows at and after the length have no influence: a tower
        that reads its padding gets the padding token's rows there, up to its context.
        """
        x = embeddings.to(self.device, self.dtype)
        lengths = lengths.to(self.device)
        if self.spec.pad_to == "context":
            pad = self.table[self.spec.pad_id]
            missing = self.spec.context - x.shape[1]
            if missing > 0:
                x = torch.cat([x, pad.expand(x.shape[0], missing, -1)], dim=1)
            inside = torch.arange(x.shape[1], device=self.device)[None, :] < lengths[:, None]
            x = torch.where(inside[..., None], x, pad)
        return self.text(x, lengths)

    def encode_images(self, pixels: Array) -> Array:
        """Pictures to raw features; see `Backbone.encode_images`."""
        check_pixels(pixels, self.spec)
        out = np.empty((len(pixels), self.spec.dim), np.float32)
        batch = IMAGE_BATCH.get(self.device.type, LARGE_BATCH)
        with torch.inference_mode():
            for start in range(0, len(pixels), batch):
                block = np.ascontiguousarray(pixels[start : start + batch], np.float32)
                out[start : start + batch] = self.encode_pixels(torch.from_numpy(block)).float().cpu().numpy()
        return check_finite(out, self.spec, BROKEN)

    @property
    def has_patches(self) -> bool:
        """Whether `encode_patches` can answer."""
        return self.patches is not None

    def encode_patches(self, pixels: Array) -> Array:
        """Pictures to patches, float32 [B, N, Dp]; see `sightword.backbones.patches`.

        Raises
        ------
        MethodNeeds
            This backbone has none.
        """
        check_patches(self, "What was asked for")
        check_pixels(pixels, self.spec)
        assert self.patches is not None
        batch = IMAGE_BATCH.get(self.device.type, LARGE_BATCH)
        parts = []
        with torch.inference_mode():
            for start in range(0, max(1, len(pixels)), batch):
                block = np.ascontiguousarray(pixels[start : start + batch], np.float32)
                seen = self.patches(torch.from_numpy(block).to(self.device, self.dtype))
                parts.append(np.asarray(seen.float().cpu().numpy(), np.float32))
        return check_finite(np.concatenate(parts), self.spec, BROKEN)

    def encode_prompts(self, prompts: Sequence[Prompt], tokens: Sequence[Sequence[Array]] = ()) -> Array:
        """Prompts with filled slots to raw features; see `Backbone.encode_prompts`."""
        batch = TEXT_BATCH.get(self.device.type, LARGE_BATCH)
        with torch.inference_mode():
            out = encode_by_length(prompts, tokens, self.spec, self.tokenizer, self._encode_rows, batch)
        return check_finite(out, self.spec, BROKEN)

    def token_embedding(self) -> Array:
        """The whole table of token embeddings, float32 [V, W]; a fresh copy."""
        return np.array(self.table.detach().float().cpu().numpy(), np.float32)

    def count_unknown(self, text: str) -> float:
        """Share of the text's words that the model's languages do not cover, in [0, 1]; see `unknown`."""
        return share_unknown(self.tokenizer.words(text), self.spec.languages, self.tokenizer.unknown)

    def vocabulary(self) -> list[str]:
        """The word piece of each row of the table (V strings)."""
        rows = len(self.table)
        return (self.tokenizer.vocabulary() + [""] * rows)[:rows]

    def _encode_rows(self, rows: list[TokenRow], filled: list[list[Array]]) -> Array:
        width = max(len(row) for row in rows)
        ids = np.full((len(rows), width), self.spec.pad_id, np.int64)
        for index, row in enumerate(rows):
            ids[index, : len(row)] = row.ids
        gaps = torch.from_numpy(ids == GAP)
        embeddings = self.table[torch.from_numpy(np.where(ids == GAP, self.spec.pad_id, ids)).to(self.device)]
        if gaps.any():
            # Row by row, slot by slot: the order in which boolean indexing walks the gaps.
            words = np.concatenate([token for tokens in filled for token in tokens])
            embeddings[gaps.to(self.device)] = torch.from_numpy(words).to(self.device, self.dtype)
        lengths = torch.tensor([len(row) for row in rows])
        features = self.encode_embeddings(embeddings, lengths).float().cpu().numpy()
        return np.asarray(features, np.float32)
