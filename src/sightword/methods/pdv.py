"""``NAME+pdv``: prompt directional vectors, a training-free refinement of any inversion method (PDV).

With unit vectors T1 = T(prompt with the words), T0 = T("a photo of {*}") and v the picture:

    d = T1 - T0,   t = T0 + alpha_text d,   i = v + alpha_image d,   q = norm((1 - beta) i + beta t)

alpha_text = beta = 1 is the base method. Normalising before mixing and at the end is ours; the defaults lie
in the range its authors report (alpha_text 1.0-1.2, alpha_image 1.2-1.4, beta 0.8-0.85).
"""

from __future__ import annotations

from collections.abc import Sequence

from sightword.backbones.base import Array, Backbone
from sightword.methods.base import ComposeInput
from sightword.methods.composer import Composer, picture_vectors
from sightword.methods.inversion import Inversion
from sightword.methods.vectors import unit
from sightword.methods.weighted import check_fraction

__all__ = ["PDV"]


class PDV(Composer):
    """PDV over an inversion method.

    Parameters
    ----------
    base : Inversion
    alpha_text, alpha_image : float
        How far the words move the text side and the picture side.
    beta : float
        Share of the text side, in [0, 1].
    """

    def __init__(
        self, base: Inversion, *, alpha_text: float = 1.0, alpha_image: float = 1.4, beta: float = 0.8
    ) -> None:
        self.base = base
        self.name = f"{base.name}+pdv"
        self.needs = base.needs
        self.alpha_text = alpha_text
        self.alpha_image = alpha_image
        self.beta = check_fraction("beta", beta)

    def blend(self, backbone: Backbone, queries: Sequence[ComposeInput]) -> Array:
        """See `Composer.blend`."""
        changed = self.base.blend(backbone, queries)
        unchanged = self.base.blend_unchanged(backbone, queries)
        direction = changed - unchanged
        text = unchanged + self.alpha_text * direction
        picture = picture_vectors(backbone, queries) + self.alpha_image * direction
        return unit((1 - self.beta) * picture + self.beta * text)

    def answers_alone(self, query: ComposeInput) -> bool:
        """As the base method."""
        return self.base.answers_alone(query)

    def negation_tokens(self, query: ComposeInput) -> list[Array] | None:
        """As the base method."""
        return self.base.negation_tokens(query)
