"""ASK: a query about pictures and words -> ranked hits, with filters, thresholds, negatives, explanations."""

from __future__ import annotations

from sightword.search.composing import MethodWarning
from sightword.search.engine import Engine, open  # noqa: A004
from sightword.search.explain import Explanation, Pull
from sightword.search.hits import SAME_PICTURE, Hit
from sightword.search.language import LanguageWarning
from sightword.search.query import MinScore, Query, parse_min_score

__all__ = [
    "SAME_PICTURE",
    "Engine",
    "Explanation",
    "Hit",
    "LanguageWarning",
    "MethodWarning",
    "MinScore",
    "Pull",
    "Query",
    "open",
    "parse_min_score",
]
