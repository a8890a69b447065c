"""What benchmarks with one right answer for each query share: hit rates, and what chance scores."""

from __future__ import annotations

from sightword.evaluation.chance import recall_by_chance
from sightword.evaluation.composed import ComposedQuery
from sightword.evaluation.field import FieldBenchmark
from sightword.evaluation.metrics import recall_of_ranks
from sightword.evaluation.ranking import Ranked

__all__ = ["OneTarget"]


class OneTarget(FieldBenchmark):
    """R@K is 1 when the target is among the first K of what the query is ranked among.

    Attributes
    ----------
    ks : tuple of int
    """

    ks: tuple[int, ...]

    def score(self, query: ComposedQuery, ranking: Ranked) -> dict[str, float]:
        """Hit rates of the one target."""
        places = ranking.places(query.targets)
        return {f"R@{k}": recall_of_ranks(places, k) for k in self.ks}

    def chance(self, query: ComposedQuery, size: int) -> dict[str, float]:
        """K / N."""
        return {f"R@{k}": recall_by_chance(size, 1, k) for k in self.ks}
