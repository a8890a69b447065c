"""``direction``: go from the picture along what the words say, q = norm(v + a (t - t0)).

v and t have unit length. This is the image branch of PDV (I' = v + a d, methods.md 2.1) without a
pseudo-word. t0 stands for "some picture": the mean of the unit vectors of neutral words for pictures. Ours is
the choice of t0: taken from t, it removes what all texts share, so that a photograph asked for "as a cartoon"
is not answered by other photographs.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence

import numpy as np

from sightword.backbones.base import Array, Backbone
from sightword.errors import UsageError
from sightword.methods.base import ComposeInput
from sightword.methods.composer import Composer, picture_vectors, text_vectors
from sightword.methods.vectors import unit
from sightword.prompts import Prompt

__all__ = ["LENGTH", "NEUTRAL", "Direction"]

LENGTH = 1.4
"""How far to go, in lengths of (t - t0)."""

NEUTRAL = (
    "a photo", "a drawing", "a cartoon", "an icon", "a picture", "an emoji", "a painting", "an illustration",
)  # fmt: skip


class Direction(Composer):
    """The picture, moved along the words.

    Parameters
    ----------
    length : float
        a, not negative; 0 is the picture alone.

    Raises
    ------
    UsageError
        The length is negative or not finite.
    """

    name = "direction"

    def __init__(self, length: float = LENGTH) -> None:
        if not 0 <= length < float("inf"):
            raise UsageError(f"length must be a number that is not negative, not {length}.")
        self.length = length
        self._neutral: weakref.WeakKeyDictionary[Backbone, Array] = weakref.WeakKeyDictionary()

    def blend(self, backbone: Backbone, queries: Sequence[ComposeInput]) -> Array:
        """See `Composer.blend`."""
        pictures, words = picture_vectors(backbone, queries), text_vectors(backbone, queries)
        return unit(pictures + self.length * (words - self.neutral(backbone)))

    def neutral(self, backbone: Backbone) -> Array:
        """t0 of a backbone, float32 [D]; shorter than 1. Encoded once."""
        if backbone not in self._neutral:
            features = unit(backbone.encode_prompts([Prompt((words,)) for words in NEUTRAL]))
            self._neutral[backbone] = np.asarray(features.mean(axis=0), np.float32)
        return self._neutral[backbone]
