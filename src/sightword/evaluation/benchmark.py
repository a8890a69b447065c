"""What a benchmark is: it loads queries and a gallery, and scores one ranking of the gallery at a time.

``run.py`` does everything between: features (cached), methods, rankings, means, intervals and tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from sightword.evaluation.composed import ComposedQuery, Picture
from sightword.evaluation.ranking import Ranking

__all__ = ["Benchmark", "Loaded"]


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
    """

    folder: Path
    split: str
    pictures: list[Picture]
    queries: list[ComposedQuery]
    facts: Mapping[str, Any] = field(default_factory=dict)


class Benchmark(Protocol):
    """One benchmark."""

    name: str
    splits: tuple[str, ...]

    def load(self, folder: Path, split: str) -> Loaded:
        """Read and check the data.

        Raises
        ------
        SightwordError
            Something is missing or contradicts itself; the first ids are listed.
        """
        ...

    def score(self, query: ComposedQuery, ranking: Ranking) -> dict[str, float]:
        """Metrics of one query. The queries of one task have the same metrics."""
        ...

    def chance(self, query: ComposedQuery, size: int) -> dict[str, float]:
        """What a random ranking of `size` pictures scores on average, by formula."""
        ...

    def protocol(self) -> dict[str, str]:
        """How it is measured, in sentences, for the results."""
        ...
