"""Measure how far picture and text pull: ask again without each and compare."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from sightword.methods.explain import explain_words
from sightword.methods.inversion import Inversion
from sightword.methods.vectors import mean_unit
from sightword.search.explain import Explanation, Pull
from sightword.search.ranking import ranked

if TYPE_CHECKING:
    from sightword.backbones.base import Array
    from sightword.search.composing import Composed
    from sightword.search.engine import Engine
    from sightword.search.query import Query
    from sightword.update import Progress

__all__ = ["NEAREST", "explain"]

NEAREST = 20
"""How many words are listed for each picture."""

Words = tuple[tuple[tuple[str, float], ...], ...]


def explain(
    engine: Engine, query: Query, progress: Progress | None = None, composed: Composed | None = None
) -> Explanation:
    """Explain one query (see :meth:`Engine.explain`).

    "Without the text" is the same query asked with its pictures alone, "without the picture" the same with
    its words alone: what a person would get by leaving that part out. `composed` is what was asked in fact,
    when that is not what the method composed (the server's slider).
    """
    composed = engine.compose(query) if composed is None else composed
    mean, std = engine.store.background(composed.vector)
    found = _ids(engine, query, composed)
    picture = text = None
    if composed.references:
        feature = mean_unit([item.feature for item in composed.references])
        rest = replace(query, images=(), prompt=None) if query.text else None
        picture = _pull(engine, composed, found, feature, rest)
    if query.text:
        alone = engine.compose(replace(query, images=(), prompt=None, without=()))
        rest = replace(query, text="", prompt=None) if composed.references else None
        text = _pull(engine, composed, found, alone.vector, rest)
    words, prompts = _read(engine, query, composed, progress)
    return Explanation(
        method=composed.method,
        words=words,
        prompts=prompts,
        picture=picture,
        text=text,
        mean=mean,
        std=std,
        hits=len(found),
        reranked=composed.reranking.told() if composed.reranking is not None else None,
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


def _read(
    engine: Engine, query: Query, composed: Composed, progress: Progress | None
) -> tuple[Words, tuple[str, ...]]:
    """What each picture became in words, and the prompts that carried its pseudo-word.

    A method without pseudo-words shows the words that lie nearest to the picture itself.
    """
    if not composed.references:
        return (), ()
    method = engine.load_method(engine.method_for(query))
    images = composed.asked.images
    reader = engine.word_reader(progress)
    lines = explain_words(engine.backbone, method, images, NEAREST, reader=reader)
    lines = lines or reader.nearest(np.stack(images), NEAREST)
    method = getattr(method, "base", method)  # pdv refines an inversion
    prompts = method.prompts(composed.asked) if isinstance(method, Inversion) else []
    words = tuple(tuple((word, round(cosine, 6)) for word, cosine in line) for line in lines)
    return words, tuple(str(prompt) for prompt in prompts)
