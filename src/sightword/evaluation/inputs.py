"""What one method is given for every query of a benchmark, and what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sightword.backbones.base import Array, Backbone
from sightword.evaluation.anew import Patches, Rescore
from sightword.evaluation.asking import Asked
from sightword.evaluation.benchmark import Benchmark
from sightword.evaluation.composed import ComposedQuery
from sightword.evaluation.judging import Galleries
from sightword.evaluation.variants import Variant
from sightword.methods.base import ComposeInput, Method, Reranker
from sightword.methods.inversion import Inversion
from sightword.methods.pdv import PDV
from sightword.methods.vectors import mean_unit, unit

__all__ = ["CAPTION", "Asking"]

CAPTION = "caption"
"""Not a method but a ceiling: words for the best answer, written from its known name and style."""

BATCH = 128


@dataclass(frozen=True)
class Asking:
    """One method at one benchmark.

    Attributes
    ----------
    benchmark : Benchmark
    galleries : Galleries
    backbone : Backbone
    method : Method
    variant : Variant
    patches : Patches
        Read only for methods that need them.
    """

    benchmark: Benchmark
    galleries: Galleries
    backbone: Backbone
    method: Method
    variant: Variant
    patches: Patches

    def vectors(self) -> Array:
        """The vectors of all queries, float32 [Q, D]; a query that is put in several ways has their mean."""
        queries, vectors = self.galleries.loaded.queries, []
        for first in range(0, len(queries), BATCH):
            put, owners = [], []
            for offset, query in enumerate(queries[first : first + BATCH]):
                for inputs in self._inputs(query):
                    put.append(inputs)
                    owners.append(offset)
            found = self.method.compose(self.backbone, put)
            if len(put) > owners[-1] + 1:
                places = np.array(owners)
                found = np.stack([mean_unit(found[places == offset]) for offset in range(owners[-1] + 1)])
            vectors.append(found)
        return np.concatenate(vectors)

    @property
    def rescore(self) -> Rescore | None:
        """New scores for the best of a query's ranking, for methods that look at each candidate."""
        return self._rescore if "rerank" in self.method.needs else None

    def _rescore(self, number: int, best: Sequence[str]) -> Array | None:
        """The mean over the ways in which a query is put."""
        rows = [self.galleries.row[name] for name in best]
        candidates = unit(np.asarray(self.galleries.features[rows]))
        ways = self._inputs(self.galleries.loaded.queries[number])
        method: Reranker = self.method  # type: ignore[assignment]  # what needs rerank has it
        found = [method.rerank(self.backbone, way, candidates) for way in ways]
        scores = [item for item in found if item is not None]
        return np.mean(scores, axis=0, dtype=np.float32) if len(scores) == len(found) else None

    def _inputs(self, query: ComposedQuery) -> list[ComposeInput]:
        if self.variant.method == CAPTION:
            # A prompt of its own keeps the caption as it stands; search shortens "as ..." and "a photo of".
            return [ComposeInput(text=query.caption, prompts=["{text}"])]
        rows = [self.galleries.row[name] for name in query.references]
        images = [np.asarray(self.galleries.features[row]) for row in rows]
        patches = self.patches.of(query.references) if "patches" in self.method.needs and images else None
        return [
            ComposeInput(
                images=images,
                text=way.text,
                without=list(query.without),
                prompts=self._prompts(way),
                patches=patches,
            )
            for way in self.benchmark.asks(query, self.variant.prompt)
        ]

    def _prompts(self, way: Asked) -> list[str] | None:
        # Of a method that ranks anew, the one before it reads the prompts.
        slotted = isinstance(getattr(self.method, "first", self.method), (Inversion, PDV))
        template = way.slotted if slotted else way.plain
        return None if template is None else [template]
