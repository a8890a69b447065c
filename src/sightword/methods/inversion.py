"""Textual inversion: the pictures become pseudo-words that a prompt carries in its slots.

Pic2Word, SEARLE, LinCIR and masked training differ in how phi was trained; they ask in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import numpy as np

from sightword.backbones.base import Array, Backbone
from sightword.errors import UsageError
from sightword.methods.base import ComposeInput
from sightword.methods.composer import Composer, encode_groups
from sightword.prompts import PRESETS, SLOT, Prompt, build_prompt

__all__ = ["Inversion", "Inverter", "References"]

References = Literal["slots", "mean"]


class Inverter(Protocol):
    """What turns features into pseudo-words: a trained `Phi`, or a search (``oti.py``)."""

    @property
    def tokens(self) -> int:
        """k, pseudo-tokens per picture."""
        ...

    def __call__(self, features: Array) -> Array:
        """Raw features float32 [n, D] -> float32 [n, k, W]."""
        ...


class Inversion(Composer):
    """q = mean over prompts of norm(T(prompt with phi(v) in its slots)), renormalised.

    Parameters
    ----------
    phi : Inverter
    templates : sequence of str, optional
        The method's own prompts or preset names; None lets the words choose a preset.
    references : {"mean", "slots"}
        Several pictures: the mean of their tokens in every slot, or one slot each, joined by "and".
    """

    name = "inversion"

    def __init__(
        self, phi: Inverter, *, templates: Sequence[str] | None = None, references: References = "mean"
    ) -> None:
        if references not in ("mean", "slots"):
            raise UsageError(f"references {references!r} does not exist.", "Choose 'mean' or 'slots'.")
        self.phi = phi
        self.templates = list(templates) if templates is not None else None
        self.references = references

    def invert(self, images: Sequence[Array]) -> list[Array]:
        """Pseudo-words of one query's pictures: one float32 [k, W] each, or their mean alone."""
        tokens = self.phi(np.stack(list(images)))
        if self.references == "mean":
            return [np.asarray(tokens.mean(axis=0), np.float32)]
        return list(tokens)

    def blend(self, backbone: Backbone, queries: Sequence[ComposeInput]) -> Array:
        """See `Composer.blend`."""
        groups = [self.prompts(query) for query in queries]
        return self.encode(backbone, queries, groups)

    def blend_unchanged(self, backbone: Backbone, queries: Sequence[ComposeInput]) -> Array:
        """The same pictures in ``a photo of {*}``, without the words; float32 [B, D] of unit length."""
        return self.encode(backbone, queries, [[build_prompt("")] for _ in queries])

    def encode(
        self, backbone: Backbone, queries: Sequence[ComposeInput], groups: Sequence[Sequence[Prompt]]
    ) -> Array:
        """Encode prompts around the queries' pseudo-words, float32 [B, D] of unit length."""
        expanded, filling = [], []
        for query, prompts in zip(queries, groups):
            words = self.invert(query.images)
            pairs = [_fill(prompt, words) for prompt in prompts]
            expanded.append([prompt for prompt, _ in pairs])
            filling.append([slots for _, slots in pairs])
        return encode_groups(backbone, expanded, filling)

    def prompts(self, query: ComposeInput) -> list[Prompt]:
        """The prompts of one query: its own, else the method's, else the preset its words choose."""
        templates = query.prompts or self.templates
        if not templates:
            return [build_prompt(query.text)]
        prompts = [build_prompt(query.text, template) for template in templates]
        for prompt, template in zip(prompts, templates):
            if not prompt.slots:
                raise UsageError(
                    f"The prompt {template!r} has no place for the picture.",
                    f"Put {SLOT} in it, or ask without a picture.",
                )
        return prompts

    def answers_alone(self, query: ComposeInput) -> bool:
        """A prompt of one's own, such as ``a cartoon of {*}``, says something without further words."""
        return bool(query.prompts) and not any(
            "{text}" in PRESETS.get(item, item) for item in query.prompts or ()
        )

    def negation_tokens(self, query: ComposeInput) -> list[Array] | None:
        """The mean pseudo-word, so that "without" is judged on this thing and not in general."""
        return [self.phi(np.stack(query.images)).mean(axis=0)] if query.images else None


def _fill(prompt: Prompt, words: list[Array]) -> tuple[Prompt, list[Array]]:
    """Match slots and pseudo-words: one word fills every slot, one slot takes all words ("x and y")."""
    if prompt.slots == len(words):
        return prompt, words
    if len(words) == 1:
        return prompt, words * prompt.slots
    if prompt.slots == 1:
        before, after = prompt.pieces
        return Prompt((before, *[" and "] * (len(words) - 1), after)), words
    raise UsageError(
        f"The prompt {str(prompt)!r} has {prompt.slots} places for {len(words)} pictures.",
        f"Use one {SLOT}, or as many as there are pictures.",
    )
