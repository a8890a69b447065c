"""Methods that look at each candidate (ARTEMIS): their first ranking's best pictures, ranked anew.

What is told of a hit then: ``score`` is the method's own, in [-1, 1], and falls from hit to hit; ``z`` stays
that of the first ranking's cosine, because only cosines have a background in this folder to be measured
against. ``--min-score 0.3`` compares the score, ``--min-score 2z`` that z.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sightword.index.base import Scored

if TYPE_CHECKING:
    from sightword.backbones.base import Array, Backbone
    from sightword.index.base import VectorStore
    from sightword.methods.base import ComposeInput, Method, Reranker

__all__ = ["Reranking", "Rescored", "cosine_of", "reranked", "reranking_of"]


@dataclass(frozen=True)
class Rescored(Scored):
    """A picture with the score of the method; ``cosine`` is that of the first ranking."""

    cosine: float


@dataclass(frozen=True)
class Reranking:
    """How one query's first pictures are ranked anew.

    Attributes
    ----------
    method : Reranker
    backbone : Backbone
    asked : ComposeInput
    side : float32 [D], optional
        A unit vector that has a `share` of the score: the balance between picture and words.
    share : float
    """

    method: Reranker
    backbone: Backbone
    asked: ComposeInput
    side: Array | None = None
    share: float = 0.0

    @property
    def depth(self) -> int:
        """N."""
        return self.method.depth

    def __call__(self, store: VectorStore, scored: Sequence[Scored]) -> list[Scored]:
        """The same pictures with new scores, best first; ties by path."""
        if not scored:
            return []
        vectors = store.vectors([item.picture.id for item in scored])
        found = self.method.rerank(self.backbone, self.asked, vectors)
        if found is None:
            return list(scored)
        if self.side is not None:
            found = (1 - self.share) * found + self.share * (vectors @ self.side)
        rescored: list[Scored] = [
            Rescored(item.picture, round(float(score), 6), item.score)
            for item, score in zip(scored, np.asarray(found, np.float64))
        ]
        return sorted(rescored, key=lambda item: (-item.score, item.picture.path))

    def told(self) -> dict[str, Any] | None:
        """For JSON; see `reranked`."""
        return reranked(self.method)


def reranking_of(method: Method, backbone: Backbone, asked: ComposeInput) -> Reranking | None:
    """How a method ranks this query anew; None where its vector says everything."""
    if "rerank" not in method.needs or not asked.images or not asked.text:
        return None
    return Reranking(method, backbone, asked)  # type: ignore[arg-type]  # what needs rerank has it


def reranked(method: Method) -> dict[str, Any] | None:
    """For JSON: which method comes first, and how many of its pictures are ranked anew; None for others."""
    if "rerank" not in method.needs:
        return None
    first, depth = method.first.name, method.depth  # type: ignore[attr-defined]
    return {"first": first, "depth": depth}


def cosine_of(item: Scored) -> float:
    """The cosine with the query's vector, which is not the score of a picture that was ranked anew."""
    return item.cosine if isinstance(item, Rescored) else item.score
