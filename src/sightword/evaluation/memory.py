"""A backbone that remembers the prompts it has encoded: many methods read the same words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sightword.backbones.base import Array, Backbone
from sightword.backbones.patches import has_patches
from sightword.evaluation.prompts_kept import Key, encoded_prompts
from sightword.prompts import Prompt

__all__ = ["Remembering"]

BATCH = 64


class Remembering:
    """Stands in for a backbone; equal prompts with equal pseudo-words are encoded once.

    Parameters
    ----------
    backbone : Backbone
    cache : Path, optional
        Where encoded prompts are kept for the next run.
    """

    def __init__(self, backbone: Backbone, cache: Path | None = None) -> None:
        self._backbone, self._cache = backbone, cache
        self._known: dict[Key, Array] = {}
        self.spec = backbone.spec

    @property
    def tokenizer(self) -> Any:
        """As the backbone's."""
        return getattr(self._backbone, "tokenizer")  # noqa: B009 - not part of the protocol

    @property
    def has_patches(self) -> bool:
        """As the backbone."""
        return has_patches(self._backbone)

    def encode_patches(self, pixels: Array) -> Array:
        """As the backbone; see `sightword.backbones.patches`."""
        found: Array = getattr(self._backbone, "encode_patches")(pixels)  # noqa: B009 - optional
        return found

    def encode_images(self, pixels: Array) -> Array:
        """As the backbone."""
        return self._backbone.encode_images(pixels)

    def encode_prompts(self, prompts: Sequence[Prompt], tokens: Sequence[Sequence[Array]] = ()) -> Array:
        """As the backbone."""
        filling = list(tokens) or [[] for _ in prompts]
        keys = [_key(prompt, slots) for prompt, slots in zip(prompts, filling)]
        new = {key: index for index, key in enumerate(keys) if key not in self._known}
        # Prompts of one length together: a batch is padded to its longest.
        rows = sorted(new.values(), key=lambda index: len(str(prompts[index])))
        for start in range(0, len(rows), BATCH):
            batch = rows[start : start + BATCH]
            own = [keys[i] for i in batch]
            features = encoded_prompts(
                self._backbone, [prompts[i] for i in batch], [filling[i] for i in batch], own, self._cache
            )
            self._known.update(zip(own, features))
        return np.stack([self._known[key] for key in keys])

    def token_embedding(self) -> Array:
        """As the backbone."""
        return self._backbone.token_embedding()

    def count_unknown(self, text: str) -> float:
        """As the backbone."""
        return self._backbone.count_unknown(text)

    def vocabulary(self) -> list[str]:
        """As the backbone."""
        return self._backbone.vocabulary()


def _key(prompt: Prompt, slots: Sequence[Array]) -> Key:
    return prompt.pieces, b"|".join(np.ascontiguousarray(slot, np.float32).tobytes() for slot in slots)
