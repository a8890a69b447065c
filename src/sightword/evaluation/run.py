"""Run a benchmark: features once for all methods, then compose, rank, score."""

from __future__ import annotations

import random
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from sightword.backbones.base import Array, Backbone
from sightword.backbones.tokenize import PromptTruncated
from sightword.errors import UsageError
from sightword.evaluation import slices
from sightword.evaluation.asking import Asked, check_prompt
from sightword.evaluation.benchmark import Benchmark, Loaded
from sightword.evaluation.composed import ComposedQuery
from sightword.evaluation.features import picture_features
from sightword.evaluation.judging import Galleries, MethodScores, judge, sizes
from sightword.evaluation.memory import Remembering
from sightword.evaluation.report import Report
from sightword.evaluation.variants import Sweep, Variant, variants
from sightword.methods.base import ComposeInput, Method
from sightword.methods.catalog import list_methods, load_method
from sightword.methods.inversion import Inversion
from sightword.methods.pdv import PDV
from sightword.methods.vectors import mean_unit
from sightword.update.progress import Progress

__all__ = ["CAPTION", "all_methods", "run", "some"]

CAPTION = "caption"
"""Not a method but a ceiling: words for the best answer, written from its known name and style."""

ORDER = ("image", "text", "average", "weighted", "slerp", "direction")
BATCH = 128


def all_methods(backbone: Backbone, ceiling: bool = True) -> list[str]:
    """Every method that the backbone has, its inversions with and without PDV, and the ceiling."""
    infos = {info.name: info for info in list_methods(backbone) if info.trained}
    found = list(ORDER)
    for name in infos:
        found.append(name)
        if isinstance(load_method(name, backbone=backbone), Inversion):
            found.append(f"{name}+pdv")
    return [*found, CAPTION] if ceiling else found


def run(
    benchmark: Benchmark,
    loaded: Loaded,
    backbone: Backbone,
    methods: Sequence[str] | None = None,
    *,
    prompts: Sequence[str] = (),
    sweep: Sweep | None = None,
    preprocess: str = "clip",
    cache: Path | None = None,
    progress: Progress | None = None,
    command: str = "",
) -> Report:
    """Score methods on a benchmark.

    Parameters
    ----------
    benchmark : Benchmark
    loaded : Loaded
    backbone : Backbone
    methods : sequence of str, optional
        Names as in search, such as ``weighted:0.3``, and ``caption``; all by default.
    prompts : sequence of str, optional
        Presets or templates, each asked apart; by default the benchmark's own preset.
    sweep : Sweep, optional
        Values of an option of the methods that take it.
    preprocess : {"clip", "targetpad"}
    cache : Path, optional
        Where features are kept.
    progress : Progress, optional
    command : str
        Told in the results.

    Raises
    ------
    ModelUnavailable, UsageError
        A method, a prompt or an option does not exist; told before any picture is read.
    """
    progress = progress or Progress()
    remembering = Remembering(backbone)
    ceiling = any(query.caption for query in loaded.queries)
    asked = [check_prompt(prompt, benchmark.prompts) for prompt in prompts or [benchmark.prompt]]
    if methods and CAPTION in methods and not ceiling:
        raise UsageError(f"{benchmark.name} has no captions of its answers.", "Leave the method caption out.")
    wanted = variants(methods or all_methods(backbone, ceiling), asked, sweep)
    made = {
        item.label: load_method(
            "text" if item.method == CAPTION else item.method, backbone=remembering, **item.options
        )
        for item in wanted
    }
    features = picture_features(
        backbone, loaded.folder, loaded.pictures, cache=cache, progress=progress, preprocess=preprocess
    )
    galleries = Galleries(loaded, features)
    results: dict[str, MethodScores] = {}
    seconds = {}
    truncated = 0
    for item in wanted:
        progress.description(f"asking {item.label}")
        start = time.perf_counter()
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always", PromptTruncated)
            vectors = _vectors(benchmark, galleries, remembering, made[item.label], item)
        truncated += _count_truncated(told)
        results[item.label] = judge(benchmark, galleries, vectors)
        seconds[item.label] = round(time.perf_counter() - start, 2)
    chance = MethodScores([benchmark.chance(q, size) for q, size in zip(loaded.queries, sizes(loaded))])
    cosines = slices.likeness(loaded, features, galleries.row)
    parts = {
        "by category of the reference, as the backbone sees it": slices.by_category(
            remembering, loaded, features, galleries.row
        ),
        "by likeness of reference and target": slices.by_likeness(cosines),
        "by aspect": slices.by_aspect(loaded),
    }
    return Report(
        benchmark.name,
        loaded,
        results,
        chance,
        {**benchmark.protocol(), "preprocess": _PREPROCESS.get(preprocess, preprocess)},
        _told(backbone),
        command,
        seconds,
        main=benchmark.main,
        shown=benchmark.shown,
        variants={item.label: item.told() for item in wanted},
        slices={name: part for name, part in parts.items() if len(part) > 1},
        likeness=[float(value) for value in cosines],
        truncated=truncated,
    )


_PREPROCESS = {
    "clip": "clip (the backbone's own transform)",
    "targetpad": "targetpad (long pictures padded with black up to 1.25, then the backbone's own transform)",
}


def _count_truncated(told: Sequence[warnings.WarningMessage]) -> int:
    """How many prompts were too long for the text tower; other warnings go on their way."""
    for warning in told:
        if not issubclass(warning.category, PromptTruncated):
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    return sum(issubclass(warning.category, PromptTruncated) for warning in told)


def some(loaded: Loaded, limit: int | None) -> Loaded:
    """At most so many queries of each aspect, drawn with fixed dice; all of them for None."""
    if limit is None:
        return loaded
    aspects: dict[tuple[str, str], list[ComposedQuery]] = {}
    for query in loaded.queries:
        aspects.setdefault((query.task, query.aspect), []).append(query)
    dice = random.Random(0)
    chosen = [item for found in aspects.values() for item in dice.sample(found, min(limit, len(found)))]
    told = f"only {len(chosen):,} of {len(loaded.queries):,} queries were drawn (--limit {limit})"
    return replace(loaded, queries=chosen, lost=[*loaded.lost, told])


def _vectors(
    benchmark: Benchmark, galleries: Galleries, backbone: Backbone, method: Method, variant: Variant
) -> Array:
    """The vectors of all queries, float32 [Q, D]; a query that is put in several ways has their mean."""
    queries, vectors = galleries.loaded.queries, []
    slotted = isinstance(method, (Inversion, PDV))
    for first in range(0, len(queries), BATCH):
        put, owners = [], []
        for offset, query in enumerate(queries[first : first + BATCH]):
            for inputs in _inputs(benchmark, query, variant, galleries, slotted):
                put.append(inputs)
                owners.append(offset)
        found = method.compose(backbone, put)
        if len(put) > owners[-1] + 1:
            places = np.array(owners)
            found = np.stack([mean_unit(found[places == offset]) for offset in range(owners[-1] + 1)])
        vectors.append(found)
    return np.concatenate(vectors)


def _inputs(
    benchmark: Benchmark, query: ComposedQuery, variant: Variant, galleries: Galleries, slotted: bool
) -> list[ComposeInput]:
    if variant.method == CAPTION:
        # A prompt of its own keeps the caption as it stands; search would shorten "as ..." and "a photo of".
        return [ComposeInput(text=query.caption, prompts=["{text}"])]
    images = [np.asarray(galleries.features[galleries.row[name]]) for name in query.references]
    return [
        ComposeInput(
            images=images, text=way.text, without=list(query.without), prompts=_prompts(way, slotted)
        )
        for way in benchmark.asks(query, variant.prompt)
    ]


def _prompts(way: Asked, slotted: bool) -> list[str] | None:
    template = way.slotted if slotted else way.plain
    return None if template is None else [template]


def _told(backbone: Backbone) -> Mapping[str, Any]:
    return {
        "name": backbone.spec.name,
        "weights_hash": backbone.spec.weights_hash,
        "runtime": type(backbone).__name__,
        **{f"{tower} precision": kind for tower, kind in getattr(backbone, "precisions", {}).items()},
    }
