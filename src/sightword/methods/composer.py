"""What all methods share: queries with only one side, several prompts, and ``without``.

A method derived from `Composer` says only how it blends pictures with words. A query without words is
answered by its pictures, a query without pictures by its words, whatever the method.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from sightword.backbones.base import Array, Backbone
from sightword.errors import UsageError
from sightword.methods import negation
from sightword.methods.base import ComposeInput
from sightword.methods.vectors import mean_unit, unit
from sightword.prompts import SLOT, Prompt, parse_prompt, plain_words

__all__ = ["Composer", "encode_groups", "picture_vectors", "text_vectors"]


class Composer(ABC):
    """Base of the methods.

    Attributes
    ----------
    name : str
    needs : frozenset of str
        Nothing, for the methods here.
    """

    name: str
    needs: frozenset[str] = frozenset()

    def compose(self, backbone: Backbone, queries: Sequence[ComposeInput]) -> Array:
        """Compose query vectors; see `sightword.methods.base.Method.compose`.

        Raises
        ------
        UsageError
            A query has neither a picture nor words.
        """
        out = np.zeros((len(queries), backbone.spec.dim), np.float32)
        for answer, chosen in zip((picture_vectors, text_vectors, self.blend), self._sides(queries)):
            if chosen:
                out[chosen] = answer(backbone, [queries[index] for index in chosen])
        if any(query.without for query in queries):
            tokens = [self.negation_tokens(query) if query.without else None for query in queries]
            return negation.steer(backbone, out, queries, tokens)
        return out

    @abstractmethod
    def blend(self, backbone: Backbone, queries: Sequence[ComposeInput]) -> Array:
        """Vectors of queries that have pictures and words, float32 [B, D] of unit length."""

    def answers_alone(self, query: ComposeInput) -> bool:
        """Whether `blend` also takes this query although it has no words."""
        return False

    def negation_tokens(self, query: ComposeInput) -> list[Array] | None:
        """What fills the slot in the prompts of ``without``; None leaves the slot out."""
        return None

    def _sides(self, queries: Sequence[ComposeInput]) -> tuple[list[int], list[int], list[int]]:
        pictures, words, both = [], [], []
        for index, query in enumerate(queries):
            if query.images and (query.text.strip() or self.answers_alone(query)):
                both.append(index)
            elif query.images:
                pictures.append(index)
            elif query.text.strip():
                words.append(index)
            else:
                raise UsageError(
                    "There is nothing to look for: the query has neither a picture nor words.",
                    "Give a text, a picture, or both.",
                )
        return pictures, words, both


def picture_vectors(backbone: Backbone, queries: Sequence[ComposeInput]) -> Array:
    """Mean direction of each query's pictures, float32 [B, D]."""
    return np.stack([mean_unit(query.images) for query in queries])


def text_vectors(backbone: Backbone, queries: Sequence[ComposeInput]) -> Array:
    """The words of each query alone, float32 [B, D].

    A query's own prompts are used as far as they have no slot; otherwise the words as `plain_words` reads
    them ("as a line drawing" -> "a line drawing").
    """
    groups = []
    for query in queries:
        templates = [template for template in query.prompts or () if SLOT not in template and "{" in template]
        prompts = [parse_prompt(template, query.text) for template in templates]
        groups.append(prompts or [Prompt((plain_words(query.text),))])
    return encode_groups(backbone, groups)


def encode_groups(
    backbone: Backbone,
    groups: Sequence[Sequence[Prompt]],
    tokens: Sequence[Sequence[Sequence[Array]]] | None = None,
) -> Array:
    """Encode several prompts per query; each feature and their mean brought to length 1.

    Parameters
    ----------
    backbone : Backbone
    groups : sequence of sequences of Prompt, length B
        The prompts of each query, at least one.
    tokens : same nesting, optional
        For each prompt, its slots' pseudo-tokens.

    Returns
    -------
    float32 [B, D]
    """
    flat = [prompt for group in groups for prompt in group]
    filling = [slots for group in tokens for slots in group] if tokens is not None else ()
    features = unit(backbone.encode_prompts(flat, filling))
    ends = np.cumsum([len(group) for group in groups])
    return np.stack([mean_unit(part) for part in np.split(features, ends[:-1])])
