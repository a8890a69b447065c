"""What an evaluation found: means and intervals by task and aspect, comparisons, as Markdown and as JSON."""

from __future__ import annotations

import platform
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from sightword._version import __version__
from sightword.evaluation.benchmark import Loaded
from sightword.evaluation.intervals import bootstrap_interval, compare
from sightword.evaluation.judging import MethodScores

__all__ = ["BY_ASPECT", "MethodScores", "Report"]

MAIN = "mAP@10"
BASELINE = "average"
OVERALL = "overall"
BY_ASPECT = "by aspect"
LEADING = 10
COMPUTING = {"openvino": "openvino", "onnxruntime": "onnxruntime", "torch": "torch", "PIL": "pillow"}


@dataclass(frozen=True)
class Report:
    """An evaluation of several methods on the same queries.

    Attributes
    ----------
    benchmark : str
    loaded : Loaded
    methods : dict of str to MethodScores
    chance : MethodScores
    protocol, backbone : dict
        Told in the results.
    command : str
    seconds : dict of str to float
        Wall time to compose and rank, by method.
    main : str
        The metric of intervals and tests.
    by_aspect : str
        The metric of aspects that several queries share.
    shown : sequence of str
        Metrics of the tables.
    variants : dict of str to dict
        What stands behind the names of `methods`: method, prompt, options.
    slices : dict of str to dict of str to list of int
        Queries by category, by likeness, by aspect.
    likeness : list of float
        Cosine between reference and first right answer, by query; NaN where there is none.
    truncated : int
        Prompts whose ends the text tower could not read; equal prompts of several methods count once.
    index : dict
        What ranked (`sightword.evaluation.held`); empty where features were ranked here, exactly.
    """

    benchmark: str
    loaded: Loaded
    methods: Mapping[str, MethodScores]
    chance: MethodScores
    protocol: Mapping[str, str]
    backbone: Mapping[str, Any]
    command: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
    main: str = MAIN
    by_aspect: str = MAIN
    shown: Sequence[str] = ("R@1", "R@5", "R@10")
    variants: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    slices: Mapping[str, Mapping[str, list[int]]] = field(default_factory=dict)
    likeness: Sequence[float] = ()
    truncated: int = 0
    index: Mapping[str, Any] = field(default_factory=dict)
    _memory: dict[Any, tuple[float, float]] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def tasks(self) -> dict[str, list[int]]:
        """Queries of each task, by number; then of all tasks that have right answers."""
        found: dict[str, list[int]] = {}
        for number, query in enumerate(self.loaded.queries):
            found.setdefault(query.task, []).append(number)
        answered = [n for n, row in enumerate(self.chance.rows) if self.main in row]
        return {**found, OVERALL: answered} if answered else found

    @cached_property
    def aspects(self) -> dict[str, list[int]]:
        """Queries of each aspect, and of phrasings that may and may not be trained on."""
        found: dict[str, list[int]] = {}
        for number, query in enumerate(self.loaded.queries):
            found.setdefault(f"{query.task}: {query.aspect}", []).append(number)
        for number, query in enumerate(self.loaded.queries):
            if query.text and query.targets:
                kind = "reserved" if query.reserved else "open"
                found.setdefault(f"{query.task}, {kind} phrasings", []).append(number)
        return found

    def metrics(self, numbers: Sequence[int]) -> list[str]:
        """Names of the metrics of these queries."""
        return list(dict.fromkeys(name for n in numbers for name in self.chance.rows[n]))

    def mean(self, scores: MethodScores, numbers: Sequence[int], metric: str) -> float | None:
        """Mean of a metric over some queries; None when none of them has it."""
        chosen = [n for n in numbers if metric in scores.rows[n]]
        if not chosen:
            return None
        values = [scores.rows[n][metric] for n in chosen]
        return float(np.average(values, weights=self._weights(chosen, numbers)))

    def interval(self, scores: MethodScores, numbers: Sequence[int], metric: str) -> tuple[float, float]:
        """95 % of the mean, over groups of queries."""
        chosen = [n for n in numbers if metric in scores.rows[n]]
        values = [scores.rows[n][metric] for n in chosen]
        weights = self._weights(chosen, numbers)
        key = (id(scores), metric, weights is None, tuple(chosen))
        if key not in self._memory:
            self._memory[key] = bootstrap_interval(values, groups=self._groups(chosen), weights=weights)
        return self._memory[key]

    def leading(self, most: int = LEADING) -> Report:
        """The report with its best methods only, in their order; a sweep has more than a picture can show."""
        if len(self.methods) <= most:
            return self
        numbers = self.tasks.get(OVERALL, [])
        means = {name: self.mean(scores, numbers, self.main) or 0.0 for name, scores in self.methods.items()}
        best = set(sorted(means, key=lambda name: -means[name])[:most])
        return replace(self, methods={name: s for name, s in self.methods.items() if name in best})

    def metric_of(self, kind: str) -> str:
        """The metric that a kind of slices is judged by."""
        return self.by_aspect if kind == BY_ASPECT else self.main

    @property
    def baseline(self) -> str | None:
        """What the others are compared with: ``average`` when it was asked, else the first of several."""
        if len(self.methods) < 2:
            return None
        named = [name for name, told in self.variants.items() if told["method"] == BASELINE]
        return BASELINE if BASELINE in self.methods else (named or list(self.methods))[0]

    @cached_property
    def compared(self) -> dict[str, Any]:
        """`comparisons` of the main metric with the baseline."""
        return self.comparisons(self.main, self.baseline)

    def comparisons(self, metric: str = MAIN, baseline: str | None = BASELINE) -> dict[str, Any]:
        """Every method against the baseline, by task: difference, interval, p."""
        if baseline not in self.methods or baseline is None:
            return {}
        found: dict[str, Any] = {}
        base = self.methods[baseline].rows
        for name, scores in self.methods.items():
            for task, numbers in self.tasks.items() if name != baseline else ():
                chosen = [n for n in numbers if metric in base[n]]
                if chosen:
                    result = compare(
                        [scores.rows[n][metric] for n in chosen],
                        [base[n][metric] for n in chosen],
                        groups=self._groups(chosen),
                        weights=self._weights(chosen, numbers),
                    )
                    found.setdefault(name, {})[task] = {
                        "difference": result.difference,
                        "interval": list(result.interval),
                        "p": result.p,
                    }
        return found

    def as_json(self) -> dict[str, Any]:
        """Everything: protocol, sizes, versions, means with intervals, comparisons."""
        named = {"chance": self.chance, **self.methods}
        return {
            "benchmark": self.benchmark,
            "split": self.loaded.split,
            "command": self.command,
            "versions": {
                "sightword": __version__,
                "python": platform.python_version(),
                "numpy": np.__version__,
                **_computing(),
                "data": dict(self.loaded.facts),
            },
            "backbone": dict(self.backbone),
            "index": dict(self.index) or None,
            "protocol": dict(self.protocol),
            "sizes": {
                "gallery": len(self.loaded.pictures),
                "queries": {task: len(numbers) for task, numbers in self.tasks.items()},
                "groups": len({query.group for query in self.loaded.queries}),
                "pictures": dict(Counter(picture.kind for picture in self.loaded.pictures)),
                **self._counts(),
            },
            "variants": {name: dict(told) for name, told in self.variants.items()},
            "seconds": dict(self.seconds),
            "truncated prompts": self.truncated,
            "tasks": {
                name: {task: self._summary(scores, numbers) for task, numbers in self.tasks.items()}
                for name, scores in named.items()
            },
            "aspects": {
                name: {aspect: self._summary(scores, numbers) for aspect, numbers in self.aspects.items()}
                for name, scores in named.items()
            },
            "slices": {
                kind: {
                    name: {
                        part: {
                            "queries": len(numbers),
                            **{m: self.mean(scores, numbers, m) for m in (self.main, *self.shown)},
                        }
                        for part, numbers in parts.items()
                    }
                    for name, scores in named.items()
                }
                for kind, parts in self.slices.items()
            },
            "comparisons": {"metric": self.main, "baseline": self.baseline, "methods": self.compared},
        }

    def _counts(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if self.loaded.sizes:
            found["beside the published ones"] = [
                {"what": size.what, "found": size.found, "published": size.published}
                for size in self.loaded.sizes
            ]
        if self.loaded.lost:
            found["left out"] = list(self.loaded.lost)
        return found

    def markdown(self) -> str:
        """Tables of means."""
        from sightword.evaluation.tables import tables

        return tables(self)

    def _summary(self, scores: MethodScores, numbers: Sequence[int]) -> dict[str, Any]:
        summary: dict[str, Any] = {"queries": len(numbers)}
        for metric in self.metrics(numbers):
            summary[metric] = {"mean": self.mean(scores, numbers, metric)}
            if scores is not self.chance:
                summary[metric]["interval"] = list(self.interval(scores, numbers, metric))
        return summary

    def _groups(self, numbers: Sequence[int]) -> list[str]:
        return [self.loaded.queries[n].group or self.loaded.queries[n].id for n in numbers]

    def _weights(self, chosen: Sequence[int], numbers: Sequence[int]) -> list[float] | None:
        """Overall, every task counts the same, however many queries it has."""
        if numbers is not self.tasks.get(OVERALL):
            return None
        sizes = Counter(self.loaded.queries[n].task for n in chosen)
        if len(sizes) == 1:
            return None
        return [1 / sizes[self.loaded.queries[n].task] for n in chosen]


def _computing() -> dict[str, str]:
    """Versions of the packages in use that decide the bits of a feature."""
    found = {}
    for module, package in COMPUTING.items():
        if module in sys.modules:
            try:
                found[package] = version(package)
            except PackageNotFoundError:  # a build of one's own
                continue
    return found
