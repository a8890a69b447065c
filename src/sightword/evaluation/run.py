"""Run a benchmark: features once for all methods, then compose, rank, score."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from sightword.backbones.base import Array, Backbone
from sightword.evaluation.benchmark import Benchmark, Loaded
from sightword.evaluation.composed import ComposedQuery
from sightword.evaluation.features import picture_features
from sightword.evaluation.memory import Remembering
from sightword.evaluation.ranking import rankings
from sightword.evaluation.report import MethodScores, Report
from sightword.methods.base import ComposeInput
from sightword.methods.catalog import list_methods, load_method
from sightword.methods.vectors import unit
from sightword.search.composing import split_weight
from sightword.update.progress import Progress

__all__ = ["CAPTION", "all_methods", "run", "some"]

CAPTION = "caption"
"""Not a method but a ceiling: words for the best answer, written from its known name and style."""

ORDER = ("image", "text", "average", "weighted", "slerp", "direction")
BATCH = 128


def all_methods(backbone: Backbone) -> list[str]:
    """Every method that the backbone has, its inversions with and without PDV, and the ceiling."""
    trained = [info.name for info in list_methods(backbone) if info.trained]
    return [*ORDER, *(name for base in trained for name in (base, f"{base}+pdv")), CAPTION]


def run(
    benchmark: Benchmark,
    loaded: Loaded,
    backbone: Backbone,
    methods: Sequence[str] | None = None,
    *,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> Report:
    """Score methods on a benchmark.

    Parameters
    ----------
    benchmark : Benchmark
    loaded : Loaded
    backbone : Backbone
    methods : sequence of str, optional
        Names as in search, such as ``weighted:0.3``, and ``caption``; all by default.
    cache : Path, optional
        Where features are kept.
    progress : Progress, optional

    Raises
    ------
    ModelUnavailable, UsageError
        A method does not exist; told before any picture is read.
    """
    progress = progress or Progress()
    remembering = Remembering(backbone)
    names = list(dict.fromkeys(methods)) if methods else all_methods(backbone)
    made = {}
    for name in names:
        base, options = split_weight("text" if name == CAPTION else name)
        made[name] = load_method(base, backbone=remembering, **options)
    features = picture_features(backbone, loaded.folder, loaded.pictures, cache=cache, progress=progress)
    gallery = unit(features)
    ids = [picture.id for picture in loaded.pictures]
    row = {name: index for index, name in enumerate(ids)}
    left_out = [(*query.references, *query.ignored) for query in loaded.queries]
    results, seconds = {}, {}
    for name, method in made.items():
        progress.description(f"asking {name}")
        start = time.perf_counter()
        vectors: list[Array] = []
        for first in range(0, len(loaded.queries), BATCH):
            batch = loaded.queries[first : first + BATCH]
            asked = [_asked(query, features, row, ceiling=name == CAPTION) for query in batch]
            vectors.append(method.compose(remembering, asked))
        scored = [
            benchmark.score(query, ranking)
            for query, ranking in zip(
                loaded.queries, rankings(np.concatenate(vectors), gallery, ids, left_out)
            )
        ]
        results[name] = MethodScores(scored)
        seconds[name] = round(time.perf_counter() - start, 2)
    chance = MethodScores(
        [benchmark.chance(query, len(ids) - len(set(gone))) for query, gone in zip(loaded.queries, left_out)]
    )
    return Report(
        benchmark.name, loaded, results, chance, benchmark.protocol(), _told(backbone), seconds=seconds
    )


def some(loaded: Loaded, limit: int | None) -> Loaded:
    """At most so many queries of each aspect, drawn with fixed dice; all of them for None."""
    if limit is None:
        return loaded
    aspects: dict[tuple[str, str], list[ComposedQuery]] = {}
    for query in loaded.queries:
        aspects.setdefault((query.task, query.aspect), []).append(query)
    dice = random.Random(0)
    chosen = [item for found in aspects.values() for item in dice.sample(found, min(limit, len(found)))]
    return replace(loaded, queries=chosen)


def _asked(query: ComposedQuery, features: Array, row: dict[str, int], *, ceiling: bool) -> ComposeInput:
    if ceiling:
        # A prompt of its own keeps the caption as it stands; search would shorten "as ..." and "a photo of".
        return ComposeInput(text=query.caption, prompts=["{text}"])
    return ComposeInput(
        images=[features[row[name]] for name in query.references],
        text=query.text,
        without=list(query.without),
    )


def _told(backbone: Backbone) -> dict[str, Any]:
    return {
        "name": backbone.spec.name,
        "weights_hash": backbone.spec.weights_hash,
        "runtime": type(backbone).__name__,
        **{f"{tower} precision": kind for tower, kind in getattr(backbone, "precisions", {}).items()},
    }
