"""Measure how far picture and text pull: ask again without each and compare."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from sightword.search.explain import Explanation, Pull
from sightword.search.ranking import ranked

if TYPE_CHECKING:
    from sightword.backbones.base import Array
    from sightword.search.composing import Composed
    from sightword.search.engine import Engine
    from sightword.search.query import Query

__all__ = ["explain"]


def explain(engine: Engine, query: Query) -> Explanation:
    """Explain one query (see :meth:`Engine.explain`).

    "Without the text" is the same query asked with its pictures alone, "without the picture" the same with
    its words alone: what a person would get by leaving that part out.
    """
    composed = engine.compose(query)
    mean, std = engine.store.background(composed.vector)
    found = _ids(engine, query, composed)
    picture = text = None
    if composed.references:
        feature = _unit(np.mean([_unit(item.feature) for item in composed.references], axis=0))
        rest = replace(query, images=(), prompt=None) if query.text else None
        picture = _pull(engine, composed, found, feature, rest)
    if query.text:
        words = engine.compose(replace(query, images=(), prompt=None, without=()))
        rest = replace(query, text="", prompt=None) if composed.references else None
        text = _pull(engine, composed, found, words.vector, rest)
    return Explanation(
        method=composed.method,
        words=_words(engine, composed),
        picture=picture,
        text=text,
        mean=mean,
        std=std,
        hits=len(found),
    )


def _pull(engine: Engine, composed: Composed, found: list[int], feature: Array, rest: Query | None) -> Pull:
    cosine = float(composed.vector @ feature)
    if rest is None:  # nothing would be left to ask
        return Pull(cosine, 1.0, len(found))
    # The references stay excluded, or the picture itself would be among the hits of its own words.
    other = replace(engine.compose(rest), references=composed.references)
    kept = set(_ids(engine, rest, other))
    return Pull(cosine, 1 - float(composed.vector @ other.vector), sum(i not in kept for i in found))


def _ids(engine: Engine, query: Query, composed: Composed) -> list[int]:
    background = engine.store.background(composed.vector)
    return [group[0].picture.id for group in ranked(engine.store, query, composed, background)]


def _words(engine: Engine, composed: Composed) -> tuple[tuple[tuple[str, float], ...], ...]:
    return ()


def _unit(vector: Array) -> Array:
    result: Array = vector / max(float(np.linalg.norm(vector)), 1e-12)
    return result
