"""``average``: q = norm(norm(v) + norm(t)) (Pic2Word's "image + text" row; both normalised first)."""

from __future__ import annotations

from collections.abc import Sequence

from sightword.backbones.base import Array, Backbone
from sightword.methods.base import ComposeInput
from sightword.methods.composer import Composer, picture_vectors, text_vectors
from sightword.methods.vectors import unit

__all__ = ["Average"]


class Average(Composer):
    """Picture and words with equal say."""

    name = "average"

    def blend(self, backbone: Backbone, queries: Sequence[ComposeInput]) -> Array:
        """See `Composer.blend`."""
        return unit(picture_vectors(backbone, queries) + text_vectors(backbone, queries))
