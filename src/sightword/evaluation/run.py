"""Run a benchmark: features once for all methods, then compose, rank, score."""

from __future__ import annotations

import os
import random
import time
import warnings
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from sightword.backbones.base import Backbone
from sightword.backbones.tokenize import PromptTruncated
from sightword.config import cache_home
from sightword.errors import UsageError
from sightword.evaluation import slices
from sightword.evaluation.anew import Patches
from sightword.evaluation.asking import check_prompt
from sightword.evaluation.benchmark import Benchmark, Loaded
from sightword.evaluation.composed import ComposedQuery
from sightword.evaluation.features import picture_features
from sightword.evaluation.field import readable
from sightword.evaluation.held import Holding
from sightword.evaluation.inputs import CAPTION, Asking
from sightword.evaluation.judging import Galleries, MethodScores, judge, sizes
from sightword.evaluation.memory import Remembering
from sightword.evaluation.report import BY_ASPECT, Report
from sightword.evaluation.variants import Sweep, variants
from sightword.index.milvus.address import Address
from sightword.methods.base import Method
from sightword.methods.catalog import list_methods, load_method
from sightword.methods.inversion import Inversion
from sightword.search.reranking import reranked
from sightword.update.progress import Progress

__all__ = ["CAPTION", "all_methods", "run", "some"]

ORDER = ("image", "text", "average", "weighted", "slerp", "direction")


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
    index: str | os.PathLike[str] | Address | None = None,
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
    index : path or address, optional
        An index that holds the gallery and ranks it; made and filled where that is still to be done. By
        default features are ranked here, exactly.
    cache : Path, optional
        Where features of pictures and of prompts are kept.
    progress : Progress, optional
    command : str
        Told in the results.

    Raises
    ------
    ModelUnavailable, UsageError
        A method, a prompt or an option does not exist, or an index cannot rank this benchmark; told before
        any picture is read.
    IndexProblem
        The index is another backbone's, holds anything but this gallery, or does not answer.
    """
    progress = progress or Progress()
    cache = cache_home() / "features" if cache is None else cache
    remembering = Remembering(backbone, cache)
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
    holding = None if index is None else Holding.of(benchmark, backbone.spec, index)
    if holding is not None:
        holding.check(loaded, preprocess)
    reasons: dict[int, str] | None = {} if getattr(benchmark, "allow_missing", False) else None
    features = picture_features(
        backbone, loaded.folder, loaded.pictures, cache=cache, progress=progress, preprocess=preprocess,
        unreadable=reasons,
    )  # fmt: skip
    loaded, features = readable(
        benchmark.name, loaded, features, reasons or {}, prune=getattr(benchmark, "prunes_targets", False)
    )
    galleries, ranker = Galleries(loaded, features), dict[str, Any]()
    if holding is not None:
        galleries, ranker = holding.hold(loaded, features, cache, progress)
    patches = Patches(backbone, loaded.folder, loaded.pictures, preprocess)
    results: dict[str, MethodScores] = {}
    seconds = {}
    truncated = 0
    with closing(galleries):
        for item in wanted:
            progress.description(f"asking {item.label}")
            start = time.perf_counter()
            with warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always", PromptTruncated)
                method = made[item.label]
                asking = Asking(benchmark, galleries, remembering, method, item, patches)
                results[item.label] = judge(
                    benchmark, galleries, asking.vectors(), asking.rescore, getattr(method, "depth", 0)
                )
            truncated += _count_truncated(told)
            seconds[item.label] = round(time.perf_counter() - start, 2)
    chance = MethodScores([benchmark.chance(q, size) for q, size in zip(loaded.queries, sizes(loaded))])
    cosines = slices.likeness(loaded, features, galleries.row)
    parts = {
        "by category of the reference, as the backbone sees it": slices.by_category(
            remembering, loaded, features, galleries.row
        ),
        "by likeness of reference and target": slices.by_likeness(cosines),
        BY_ASPECT: slices.by_aspect(loaded),
    }
    return Report(
        benchmark.name,
        loaded,
        results,
        chance,
        {
            **benchmark.protocol(),
            "preprocess": _PREPROCESS.get(preprocess, preprocess),
            **(holding.protocol() if holding is not None else {}),
        },
        _told(backbone),
        command,
        seconds,
        main=benchmark.main,
        by_aspect=getattr(benchmark, "by_aspect", None) or benchmark.main,
        shown=benchmark.shown,
        variants={item.label: item.told() | _anew(made[item.label]) for item in wanted},
        slices={name: part for name, part in parts.items() if len(part) > 1},
        likeness=[float(value) for value in cosines],
        truncated=truncated,
        index=ranker,
    )


def _anew(method: Method) -> dict[str, object]:
    told = reranked(method)
    return {} if told is None else {"reranked": told}


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


def _told(backbone: Backbone) -> Mapping[str, Any]:
    return {
        "name": backbone.spec.name,
        "weights_hash": backbone.spec.weights_hash,
        "runtime": type(backbone).__name__,
        **{f"{tower} precision": kind for tower, kind in getattr(backbone, "precisions", {}).items()},
    }
