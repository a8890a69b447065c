"""Rankings as an index gives them: a benchmark's queries are asked there, and no deeper than metrics look.

A question for a few pictures is what an approximate index is built for, so the first places are those of
its answer to such a question. Only where a metric looks further is it asked for more, and what it then says
stands behind what it said first.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sightword.backbones.base import Array
from sightword.errors import IndexProblem
from sightword.evaluation.benchmark import Loaded
from sightword.evaluation.judging import KEPT, Galleries, left_out
from sightword.evaluation.ranking import BEYOND
from sightword.index.base import Scored, VectorStore
from sightword.index.where import Glob, Or
from sightword.update.progress import Progress

__all__ = ["Held", "HeldGalleries", "HeldRanking"]

_FURTHER = 8
"""So many times deeper goes the next question, until every picture that is looked for was seen."""

_WILD = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class Held:
    """An index that holds a gallery and nothing else.

    Attributes
    ----------
    store : VectorStore
    ids : dict of bytes to str
        The benchmark's name of each path.
    name : str
        Of the index, for sentences.
    most : int, optional
        The most pictures that one question to its vector index may ask for.
    """

    store: VectorStore
    ids: Mapping[bytes, str]
    name: str
    most: int | None = None


class HeldGalleries(Galleries):
    """Galleries that an index ranks; it is closed with them.

    Parameters
    ----------
    loaded, features
        As for `Galleries`; features are read for what is asked with, not for what is ranked.
    held : Held
    deepest : int, optional
        The last place that metrics tell apart; None for the whole ranking.
    progress : Progress, optional
    """

    def __init__(
        self,
        loaded: Loaded,
        features: Array,
        held: Held,
        deepest: int | None,
        progress: Progress | None = None,
    ) -> None:
        super().__init__(loaded, features)
        self.held = held
        self._deepest = deepest
        self._progress = progress or Progress()
        whole = frozenset(held.ids.values())
        self._members = {task: frozenset(ids) for task, ids in loaded.galleries.items()}
        self._members.update({query.task: self._members.get(query.task, whole) for query in loaded.queries})
        self._paths = {name: os.fsdecode(path) for path, name in held.ids.items()}

    def rankings(self, vectors: Array, kept: int = KEPT) -> Iterator[tuple[int, HeldRanking]]:
        """(number of the query, its ranking), in the queries' order."""
        self._progress.total(len(self.loaded.queries))
        for number, query in enumerate(self.loaded.queries):
            members, gone = self._members[query.task], frozenset(left_out(self.loaded, query))
            first = max(kept, self._deepest or 0)
            deep = None if self._deepest is None else first
            yield number, HeldRanking(self, vectors[number], members, gone, first, deep)
            self._progress.advance()

    def close(self) -> None:
        """Close the index."""
        self.held.store.close()

    def best(self, vector: Array, k: int) -> list[str]:
        """The k best of the whole index; equal scores by the gallery's order.

        Which of equal ones are the last of the k, the index decides, by path: to know of those behind them it
        would have to be asked for more, which is another question to an approximate index.

        Raises
        ------
        IndexProblem
            The index cannot answer so much at once, or its answer lacks pictures.
        """
        held = self.held
        if held.most is not None and k > held.most:
            raise IndexProblem(
                f"A query needs the first {k:,} pictures of {held.name}, which answers at most {held.most:,} "
                "at once.",
                "Leave --index out, or keep the gallery in a directory on this machine.",
            )
        found = self._named(held.store.scan(vector, k))
        if len(found) < k:
            raise self._incomplete(k, len(found))
        return found

    def among(self, vector: Array, names: Sequence[str]) -> list[str]:
        """Some pictures from best to worst, by a question with a filter.

        Raises
        ------
        IndexProblem
            The answer lacks one of them.
        """
        wanted = set(names)
        where = Or(tuple(Glob("path", _literally(self._paths[name])) for name in sorted(wanted)))
        found: list[str] = []
        for k in (len(wanted), len(self.held.ids)):  # a name may also fit a file of that name elsewhere
            hits = self._named(self.held.store.scan(vector, k, where=where))
            found = [name for name in hits if name in wanted]
            if len(found) == len(wanted):
                return found
        raise self._incomplete(len(wanted), len(found))

    def _named(self, hits: Sequence[Scored]) -> list[str]:
        """Ids of hits; pictures that the benchmark does not list came in behind our back."""
        known = self.held.ids
        found = [(-hit.score, known[hit.picture.path]) for hit in hits if hit.picture.path in known]
        return [name for _, name in sorted(found, key=lambda item: (item[0], self.row[item[1]]))]

    def _incomplete(self, asked: int, found: int) -> IndexProblem:
        return IndexProblem(
            f"{self.held.name} was asked for {asked:,} pictures of the gallery and answered with {found:,}.",
            "Has somebody written to it meanwhile? `sightword info` tells what it holds.",
        )


class HeldRanking:
    """One query's ranking; the same questions as `sightword.evaluation.ranking.Ranking`.

    Parameters
    ----------
    galleries : HeldGalleries
    vector : float32 [D], unit length
    members, gone : frozenset of str
        The query's gallery, and what of it is left out.
    first : int
        How many places the first question is for.
    deep : int, optional
        See `sightword.evaluation.ranking.Ranked`.
    """

    def __init__(
        self,
        galleries: HeldGalleries,
        vector: Array,
        members: frozenset[str],
        gone: frozenset[str],
        first: int,
        deep: int | None,
    ) -> None:
        self.size, self.deep = len(members) - len(members & gone), deep
        self._galleries, self._vector, self._members, self._gone = galleries, vector, members, gone
        self._place: dict[str, int] = {}
        self._asked = 0
        self._among: dict[tuple[str, ...], list[str]] = {}
        self._reach(first)

    def top(self, k: int) -> list[str]:
        """Ids of the first k."""
        self._reach(k)
        return list(self._place)[:k]

    def places(self, names: Sequence[str]) -> NDArray[np.int64]:
        """Places from 1 of some pictures; `BEYOND` for those behind the first `deep`."""
        while self.deep is None and len(self._place) < self.size and not self._place.keys() >= set(names):
            self._reach(_FURTHER * len(self._place))
        places = np.array([self._place.get(name, BEYOND) for name in names], np.int64)
        if self.deep is not None:  # an answer may hold a few more, where what is left out was not among them
            places[places > self.deep] = BEYOND
        return places

    def order(self, names: Sequence[str]) -> list[str]:
        """Some pictures, from best to worst; where they are not all among the first, that is asked for."""
        places: dict[str, int] = dict(zip(names, self.places(names).tolist()))
        if self.deep is None or BEYOND not in places.values():
            return sorted(names, key=places.__getitem__)
        key = tuple(names)
        if key not in self._among:
            self._among[key] = self._galleries.among(self._vector, names)
        return self._among[key]

    def _reach(self, count: int) -> None:
        """Ask until so many places are known, or all."""
        count = min(count, self.size)
        whole = len(self._galleries.held.ids)
        while len(self._place) < count:
            # Pictures of other galleries are passed over; how many come first, nobody knows in advance.
            self._asked = min(max(count + len(self._gone), 2 * self._asked), whole)
            for name in self._galleries.best(self._vector, self._asked):
                if name in self._members and name not in self._gone:
                    self._place.setdefault(name, len(self._place) + 1)


def _literally(path: str) -> str:
    """A pattern that is nothing but this path."""
    return _WILD.sub(lambda sign: f"[{sign[0]}]", path)
