"""``image``: the reference alone. q = norm(mean of norm(v)); the words are not read."""

from __future__ import annotations

from collections.abc import Sequence

from sightword.backbones.base import Array, Backbone
from sightword.methods.base import ComposeInput
from sightword.methods.composer import Composer, picture_vectors

__all__ = ["Image"]


class Image(Composer):
    """Plain picture search, and the floor that any composition must beat."""

    name = "image"

    def blend(self, backbone: Backbone, queries: Sequence[ComposeInput]) -> Array:
        """See `Composer.blend`."""
        return picture_vectors(backbone, queries)
