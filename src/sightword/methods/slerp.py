"""``slerp``: spherical interpolation between picture and words (arXiv 2405.00571, without its tuning).

q = (sin((1 - a) w) v + sin(a w) t) / sin(w), with unit v and t and w the angle between them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sightword.backbones.base import Array, Backbone
from sightword.methods.base import ComposeInput
from sightword.methods.composer import Composer, picture_vectors, text_vectors
from sightword.methods.vectors import unit
from sightword.methods.weighted import check_fraction

__all__ = ["FRACTION", "Slerp"]

FRACTION = 0.6
"""How far along the arc from the picture to the words."""


class Slerp(Composer):
    """A point on the arc between picture and words.

    Parameters
    ----------
    fraction : float
        0 is the picture, 1 the words.
    """

    name = "slerp"

    def __init__(self, fraction: float = FRACTION) -> None:
        self.fraction = check_fraction("fraction", fraction)

    def blend(self, backbone: Backbone, queries: Sequence[ComposeInput]) -> Array:
        """See `Composer.blend`."""
        pictures, words = picture_vectors(backbone, queries), text_vectors(backbone, queries)
        cosine = np.clip((pictures * words).sum(axis=1, keepdims=True), -1.0, 1.0)
        angle = np.arccos(cosine)
        # Opposite vectors have no one arc between them and equal ones none at all: a straight line serves.
        flat = np.sin(angle) < 1e-4
        safe = np.where(flat, 1.0, np.sin(angle))
        left = np.where(flat, 1 - self.fraction, np.sin((1 - self.fraction) * angle) / safe)
        right = np.where(flat, self.fraction, np.sin(self.fraction * angle) / safe)
        return unit(left * pictures + right * words)
