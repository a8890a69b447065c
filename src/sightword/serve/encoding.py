"""A backbone whose encoders are shared by the threads of a server."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Sized
from typing import Any

import numpy as np

from sightword.backbones.base import Array, Backbone
from sightword.prompts import Prompt
from sightword.serve.batching import Coalescer

__all__ = ["IMAGE_BATCHES", "SharedBackbone"]

IMAGE_BATCHES = (8, 4, 2, 1)
"""Sizes that pictures are encoded in. The runtime prepares itself for every new size (60-250 ms on the
starter), so there are few, and all are used once before the server says that it is ready."""

TEXT_BATCH = 64

_Filled = list[tuple[Prompt, Sequence[Array]]]


class SharedBackbone:
    """Wraps a backbone; calls of several threads are encoded together.

    Features of a picture or a prompt can differ in the last bits from those encoded alone (another order of
    summation); search rounds scores to 1e-6.

    Parameters
    ----------
    inner : Backbone
    observe : callable, optional
        Told ("image" or "text", size) of every batch.
    """

    def __init__(self, inner: Backbone, observe: Callable[[str, int], None] | None = None) -> None:
        told = observe or (lambda kind, size: None)
        self.inner = inner
        self.spec = inner.spec
        self._images: Coalescer[Array, Array] = Coalescer(
            self._encode_images, IMAGE_BATCHES[0], lambda size: told("image", size)
        )
        self._texts: Coalescer[_Filled, Array] = Coalescer(
            self._encode_texts, TEXT_BATCH, lambda size: told("text", size)
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def encode_images(self, pixels: Array) -> Array:
        """See `Backbone.encode_images`; float32 [B, 3, S, S] -> [B, D]."""
        if not 0 < len(pixels) <= IMAGE_BATCHES[0]:
            return self.inner.encode_images(pixels)  # an index being made; it shares the towers' locks
        return self._images(pixels)

    def encode_prompts(self, prompts: Sequence[Prompt], tokens: Sequence[Sequence[Array]] = ()) -> Array:
        """See `Backbone.encode_prompts`; [B, D]."""
        if not prompts or len(prompts) > TEXT_BATCH or (len(tokens) and len(tokens) != len(prompts)):
            return self.inner.encode_prompts(prompts, tokens)
        filling: Sequence[Sequence[Array]] = tokens if len(tokens) else [()] * len(prompts)
        return self._texts(list(zip(prompts, filling)))

    def token_embedding(self) -> Array:
        """See `Backbone.token_embedding`."""
        return self.inner.token_embedding()

    def count_unknown(self, text: str) -> float:
        """See `Backbone.count_unknown`."""
        return self.inner.count_unknown(text)

    def vocabulary(self) -> list[str]:
        """See `Backbone.vocabulary`."""
        return self.inner.vocabulary()

    def warm(self) -> None:
        """Use both encoders once in the sizes that will be used."""
        side = self.spec.preprocess.size
        for size in reversed(IMAGE_BATCHES):
            self.inner.encode_images(np.zeros((size, 3, side, side), np.float32))
        for size in (1, 2):
            self.inner.encode_prompts([Prompt(("a photo",))] * size)

    def _encode_images(self, parts: list[Array]) -> list[Array]:
        pixels = parts[0] if len(parts) == 1 else np.concatenate(parts)
        found, at = [], 0
        while at < len(pixels):
            size = next(size for size in IMAGE_BATCHES if size <= len(pixels) - at)
            found.append(self.inner.encode_images(pixels[at : at + size]))
            at += size
        return _dealt(found, parts)

    def _encode_texts(self, parts: list[_Filled]) -> list[Array]:
        filled = [one for part in parts for one in part]
        prompts, tokens = [prompt for prompt, _ in filled], [tokens for _, tokens in filled]
        return _dealt([self.inner.encode_prompts(prompts, tokens)], parts)


def _dealt(found: list[Array], parts: Sequence[Sized]) -> list[Array]:
    """Features of all parts together, cut into those of each."""
    features = found[0] if len(found) == 1 else np.concatenate(found)
    if len(parts) == 1:
        return [features]
    return np.split(features, np.cumsum([len(part) for part in parts])[:-1])
