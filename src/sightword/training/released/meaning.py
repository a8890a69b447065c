"""Whether an imported phi's words mean their pictures, on the backbone that it was imported for.

Sizes do not tell which of several backbones a checkpoint belongs to, and a comparison with the checkpoint's
own network does not either: both answer alike on any features. So a few drawn pictures are turned into words,
and "a photo of s" must be nearer to its picture than the same sentence around random words.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sightword.backbones.base import Array, Backbone
from sightword.backbones.golden import pattern
from sightword.methods.phi import Phi
from sightword.methods.vectors import unit
from sightword.prompts import parse_prompt

__all__ = ["Meaning", "meaning_of"]

PICTURES = 8
DRAWS = 4


@dataclass(frozen=True)
class Meaning:
    """Mean cosines between pictures and "a photo of s".

    Attributes
    ----------
    cosine : float
        With the pictures' own words.
    random : float
        With random rows of the token table.
    """

    cosine: float
    random: float

    @property
    def holds(self) -> bool:
        """Whether the phi's words say more of the pictures than random ones do."""
        return self.cosine > self.random


def meaning_of(phi: Phi, backbone: Backbone) -> Meaning:
    """Compare a phi's words with random ones, on pictures that are drawn from formulas.

    Parameters
    ----------
    phi : Phi
    backbone : Backbone
        The one it is bound to.
    """
    side, table = backbone.spec.preprocess.size, backbone.token_embedding()
    features = backbone.encode_images(np.stack([pattern(index, side) for index in range(PICTURES)]))
    rng = np.random.default_rng(0)
    rows = rng.integers(0, len(table), (DRAWS, PICTURES, phi.tokens))
    own = _cosines(backbone, features, phi(features))
    return Meaning(own, float(np.mean([_cosines(backbone, features, table[draw]) for draw in rows])))


def _cosines(backbone: Backbone, features: Array, words: Array) -> float:
    prompts = [parse_prompt("a photo of {*}")] * len(words)
    texts = backbone.encode_prompts(prompts, [[word] for word in words])
    return float((unit(texts) * unit(features)).sum(axis=1).mean())
