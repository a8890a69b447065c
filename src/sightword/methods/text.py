"""``text``: the words alone. q = norm(T(words)); the pictures are not read."""

from __future__ import annotations

from collections.abc import Sequence

from sightword.backbones.base import Array, Backbone
from sightword.methods.base import ComposeInput
from sightword.methods.composer import Composer, text_vectors

__all__ = ["Text"]


class Text(Composer):
    """Plain text search, the other floor."""

    name = "text"

    def blend(self, backbone: Backbone, queries: Sequence[ComposeInput]) -> Array:
        """See `Composer.blend`."""
        return text_vectors(backbone, queries)
