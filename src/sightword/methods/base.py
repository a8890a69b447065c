"""What a method is: references and words in, one unit query vector out (design.md, "Method")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from sightword.backbones.base import Array, Backbone

__all__ = ["ComposeInput", "Method", "Reranker"]


@dataclass
class ComposeInput:
    """One composed query.

    Attributes
    ----------
    images : list of float32 [D]
        Raw (unnormalised) features of the reference images; may be empty.
    text : str
        The modification text; may be empty.
    without : list of str or float32 [D]
        What the result should not show: words, or raw features of pictures.
    prompts : list of str, optional
        Templates with ``{*}`` and ``{text}``; overrides the method's own choice.
    patches : float32 [N, Dp], optional
        Patches of the references, one picture's after the other's, for methods that need them.
    """

    images: list[Array] = field(default_factory=list)
    text: str = ""
    without: list[str | Array] = field(default_factory=list)
    prompts: list[str] | None = None
    patches: Array | None = None


@runtime_checkable
class Method(Protocol):
    """A way to compose a query."""

    name: str
    needs: frozenset[str]
    """Subset of {"patches", "torch", "rerank"}; checked before work starts."""

    def compose(self, backbone: Backbone, queries: Sequence[ComposeInput]) -> Array:
        """Compose query vectors.

        Returns
        -------
        float32 [B, D]
            Unit length.
        """
        ...


@runtime_checkable
class Reranker(Method, Protocol):
    """A method that composes a first ranking and ranks its best pictures anew; it `needs` ``rerank``."""

    first: Method
    """What composes."""
    depth: int
    """N, how many pictures are ranked anew."""

    def rerank(self, backbone: Backbone, query: ComposeInput, candidates: Array) -> Array | None:
        """Score candidates for one query.

        Parameters
        ----------
        backbone : Backbone
        query : ComposeInput
        candidates : float32 [n, D]
            Unit length.

        Returns
        -------
        float32 [n] or None
            In [-1, 1], higher is better; None when the first ranking stands (a query with only one side).
        """
        ...
