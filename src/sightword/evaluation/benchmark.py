"""What a benchmark is: it loads queries and a gallery, and scores one ranking of the gallery at a time.

``run.py`` does everything between: features (cached), methods, rankings, means, intervals and tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from sightword.evaluation.asking import Asked
from sightword.evaluation.composed import ComposedQuery, Picture
from sightword.evaluation.ranking import Ranked

__all__ = ["Benchmark", "Loaded", "Size"]


@dataclass(frozen=True)
class Size:
    """A count, beside the published one.

    Attributes
    ----------
    what : str
    found : int
    published : int, optional
        None where no count was published, or none that could be verified.
    count : callable, optional
        Counts again in what is left of a benchmark.
    """

    what: str
    found: int
    published: int | None = None
    count: Callable[[Loaded], int] | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        if self.published in (None, self.found):
            return f"{self.what}: {self.found:,}"
        return f"{self.what}: {self.found:,} instead of {self.published:,}"


@dataclass(frozen=True)
class Loaded:
    """A benchmark's half, read.

    Attributes
    ----------
    folder : Path
        Files of pictures are relative to it.
    split : str
    pictures : list of Picture
        The gallery.
    queries : list of ComposedQuery
    facts : dict
        Versions and counts, for the results.
    galleries : dict of str to sequence of str
        Ids that the queries of a task are ranked among; all pictures for a task that is not named.
    sizes : list of Size
        Counts beside the published ones.
    lost : list of str
        What is missing and was left out because that was allowed, in sentences.
    reference_stays : bool
        Whether a query's references are ranked with the others.
    """

    folder: Path
    split: str
    pictures: list[Picture]
    queries: list[ComposedQuery]
    facts: Mapping[str, Any] = field(default_factory=dict)
    galleries: Mapping[str, Sequence[str]] = field(default_factory=dict)
    sizes: Sequence[Size] = ()
    lost: Sequence[str] = ()
    reference_stays: bool = False


class Benchmark(Protocol):
    """One benchmark.

    Attributes
    ----------
    name : str
    splits : tuple of str
        The first is the one that is usually reported.
    main : str
        The metric of intervals, tests and sweeps.
    shown : tuple of str
        Metrics of the tables.
    prompts : tuple of str
        Prompt presets that it knows.
    prompt : str
        The usual one.
    """

    @property
    def name(self) -> str: ...
    @property
    def splits(self) -> tuple[str, ...]: ...
    @property
    def main(self) -> str: ...
    @property
    def shown(self) -> tuple[str, ...]: ...
    @property
    def prompts(self) -> tuple[str, ...]: ...
    @property
    def prompt(self) -> str: ...

    def load(self, folder: Path, split: str) -> Loaded:
        """Read and check the data.

        Raises
        ------
        SightwordError
            Something is missing or contradicts itself; the first ids are listed.
        """
        ...

    def asks(self, query: ComposedQuery, prompt: str) -> list[Asked]:
        """How a query is put to the methods; the vectors of several ways are averaged."""
        ...

    def score(self, query: ComposedQuery, ranking: Ranked) -> dict[str, float]:
        """Metrics of one query. The queries of one task have the same metrics."""
        ...

    def chance(self, query: ComposedQuery, size: int) -> dict[str, float]:
        """What a random ranking of `size` pictures scores on average, by formula."""
        ...

    def protocol(self) -> dict[str, str]:
        """How it is measured, in sentences, for the results."""
        ...
