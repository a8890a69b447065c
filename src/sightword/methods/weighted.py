"""``weighted``: q = norm(a t + (1 - a) v) with unit v and t. A fixed weight beats many trained methods."""

from __future__ import annotations

from collections.abc import Sequence

from sightword.backbones.base import Array, Backbone
from sightword.errors import UsageError
from sightword.methods.base import ComposeInput
from sightword.methods.composer import Composer, picture_vectors, text_vectors
from sightword.methods.vectors import unit

__all__ = ["TEXT_WEIGHT", "Weighted", "check_fraction"]

TEXT_WEIGHT = 0.6
"""Share of the words."""


class Weighted(Composer):
    """Picture and words with a fixed weight.

    Parameters
    ----------
    weight : float
        Share of the words, in [0, 1].
    """

    name = "weighted"

    def __init__(self, weight: float = TEXT_WEIGHT) -> None:
        self.weight = check_fraction("weight", weight)

    def blend(self, backbone: Backbone, queries: Sequence[ComposeInput]) -> Array:
        """See `Composer.blend`."""
        pictures, words = picture_vectors(backbone, queries), text_vectors(backbone, queries)
        return unit(self.weight * words + (1 - self.weight) * pictures)


def check_fraction(name: str, value: float) -> float:
    """The value, refused with a sentence outside [0, 1]."""
    if not 0 <= value <= 1:
        raise UsageError(f"{name} must lie between 0 and 1, not at {value}.")
    return value
