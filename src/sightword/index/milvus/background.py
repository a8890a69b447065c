"""How a query scores with the pictures at large: exactly in a small collection, else from a sample."""

from __future__ import annotations

import numpy as np

from sightword.backbones.base import Array
from sightword.index.milvus.collection import MOST, Collection
from sightword.index.milvus.entities import unit_of
from sightword.index.milvus.expression import both, quoted
from sightword.index.milvus.layout import is_exact
from sightword.index.milvus.schema import LIVE, VECTOR
from sightword.index.scan import rescore

__all__ = ["SAMPLE", "background"]

SAMPLE = 8192
"""Pictures of a sample: the mean is then known to a ninetieth of the standard deviation."""

_KEYS = 16**32


def background(collection: Collection, query: Array) -> tuple[float, float]:
    """Mean and standard deviation of the cosines with the live pictures; (0, 0) for none.

    Up to 16,383 pictures exactly. Of more, from about 8,192: those whose keys (hashes of their paths) are
    smallest, so that everybody who asks takes the same sample and none has to be kept.
    """
    condition = f"status == {LIVE}"
    count = collection.count(condition)
    if count >= MOST:
        end = quoted(f"{_KEYS * SAMPLE // count:032x}")
        return _moments(_scores(collection, query, str(both(condition, f"key < {end}"))))
    scores = _scores(collection, query, condition)
    if len(scores) < count and not is_exact(collection.kind):
        scores = _each(collection, query, condition)  # a graph may have lost sight of some
    return _moments(scores)


def _scores(collection: Collection, query: Array, condition: str) -> Array:
    found = collection.search(query, condition, MOST, [])
    return np.fromiter((score for score, _ in found), np.float32, len(found))


def _each(collection: Collection, query: Array, condition: str) -> Array:
    pages = [
        rescore(np.stack([unit_of(row) for row in page]), query)
        for page in collection.pages(condition, [VECTOR], size=1000)
    ]
    return np.concatenate([np.zeros(0), *pages]).astype(np.float32)


def _moments(scores: Array) -> tuple[float, float]:
    if not len(scores):
        return 0.0, 0.0
    return float(scores.mean(dtype=np.float64)), float(scores.std(dtype=np.float64))
