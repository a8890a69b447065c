"""Score query vectors: every query against its own gallery, by the benchmark's metrics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from sightword.backbones.base import Array
from sightword.evaluation.anew import Anew, Rescore
from sightword.evaluation.benchmark import Benchmark, Loaded
from sightword.evaluation.composed import ComposedQuery
from sightword.evaluation.ranking import BEYOND, Ranked, Ranking, rankings
from sightword.evaluation.streaming import streamed_rankings
from sightword.methods.vectors import unit

__all__ = ["Galleries", "MethodScores", "judge", "left_out", "sizes"]

KEPT = 50


@dataclass(frozen=True)
class MethodScores:
    """What came out for every query, in the queries' order.

    Attributes
    ----------
    rows : list of dict of str to float
        Metrics.
    places : list of int
        Of the best right answer, from 1; 0 where there is none, -n where it lies behind the first n and
        nobody asked further.
    tops : list of list of str
        The first 50 of the ranking.
    within : list of list of str
        CIRR's group from best to worst.
    """

    rows: list[dict[str, float]]
    places: list[int] = field(default_factory=list)
    tops: list[list[str]] = field(default_factory=list)
    within: list[list[str]] = field(default_factory=list)


class Galleries:
    """The features of a benchmark, arranged into what its queries are ranked among.

    Parameters
    ----------
    loaded : Loaded
    features : float32 [N, D], raw
        Of `loaded.pictures`. Mapped from a file, they are read in chunks.
    """

    def __init__(self, loaded: Loaded, features: Array) -> None:
        self.loaded = loaded
        self.features = features
        self.row = {picture.id: number for number, picture in enumerate(loaded.pictures)}
        self.large = isinstance(features, np.memmap)
        self._unit: dict[tuple[str, ...], Array] = {}
        self._groups: dict[tuple[str, ...], list[int]] = {}
        everything = tuple(self.row)
        of_task = {task: tuple(ids) for task, ids in loaded.galleries.items()}
        for number, query in enumerate(loaded.queries):
            if not getattr(query, "candidates", ()):
                self._groups.setdefault(of_task.get(query.task, everything), []).append(number)

    def rankings(self, vectors: Array, kept: int = KEPT) -> Iterator[tuple[int, Ranked]]:
        """(number of the query, its ranking), in no order; at least the first `kept` of each are known."""
        for names, numbers in self._groups.items():
            queries = [self.loaded.queries[number] for number in numbers]
            out = [left_out(self.loaded, query) for query in queries]
            found: Iterator[Ranked]
            if self.large:
                watched = [(*q.targets, *getattr(q, "subset", ())) for q in queries]
                found = streamed_rankings(vectors[numbers], self._of(names), names, out, watched, kept=kept)
            else:
                if names not in self._unit:
                    self._unit[names] = unit(self._of(names))
                found = iter(rankings(vectors[numbers], self._unit[names], names, out))
            yield from zip(numbers, found)
        for number, query in enumerate(self.loaded.queries):
            if candidates := getattr(query, "candidates", ()):
                yield number, self._among(vectors[number], candidates)

    def close(self) -> None:
        """Nothing to let go of; galleries in an index have something."""

    def _of(self, names: Sequence[str]) -> Array:
        if len(names) == len(self.row):
            return self.features
        return self.features[[self.row[name] for name in names]]

    def _among(self, vector: Array, candidates: Sequence[str]) -> Ranking:
        """The target comes first, so a picture that is listed twice counts at its first place."""
        scores = unit(np.asarray(self.features[[self.row[name] for name in candidates]])) @ vector
        places: dict[str, int] = {}
        for place, name in enumerate(candidates):
            places.setdefault(name, place)
        return Ranking(scores, places, candidates)


def judge(
    benchmark: Benchmark,
    galleries: Galleries,
    vectors: Array,
    rescore: Rescore | None = None,
    depth: int = 0,
) -> MethodScores:
    """Score the vectors of all queries.

    Parameters
    ----------
    benchmark : Benchmark
    galleries : Galleries
    vectors : float32 [Q, D], unit length
    rescore : callable, optional
        Of methods that rank the first `depth` pictures of a query anew.
    depth : int
    """
    queries = galleries.loaded.queries
    rows: list[dict[str, float]] = [{} for _ in queries]
    places = [0] * len(queries)
    tops: list[list[str]] = [[] for _ in queries]
    within: list[list[str]] = [[] for _ in queries]
    for number, first in galleries.rankings(vectors, kept=max(KEPT, depth)):
        query, ranking = queries[number], first
        if rescore is not None:
            best = first.top(min(depth, first.size))
            scores = rescore(number, best) if best else None
            ranking = first if scores is None else Anew(first, best, scores)
        rows[number] = benchmark.score(query, ranking)
        tops[number] = ranking.top(min(KEPT, ranking.size))
        places[number] = _first(query, ranking, tops[number])
        if subset := getattr(query, "subset", ()):
            within[number] = ranking.order(subset)
    return MethodScores(rows, places, tops, within)


def sizes(loaded: Loaded) -> list[int]:
    """How many pictures are ranked for each query."""
    of_task = {task: len(ids) for task, ids in loaded.galleries.items()}
    found = []
    for query in loaded.queries:
        candidates = getattr(query, "candidates", ())
        whole = len(candidates) or of_task.get(query.task, len(loaded.pictures))
        found.append(whole - len(set(left_out(loaded, query))))
    return found


def left_out(loaded: Loaded, query: ComposedQuery) -> tuple[str, ...]:
    """Ids that have no place in the ranking of a query."""
    return query.ignored if loaded.reference_stays else (*query.references, *query.ignored)


def _first(query: ComposedQuery, ranking: Ranked, top: Sequence[str]) -> int:
    if not query.targets:
        return 0
    wanted = set(query.targets)
    for place, name in enumerate(top, start=1):
        if name in wanted:
            return place
    if ranking.deep is not None:
        best = int(ranking.places(query.targets).min())
        return -ranking.deep if best == BEYOND else best
    return int(ranking.places([ranking.order(query.targets)[0]])[0])
