"""The best pictures, in the order that every back end finds them.

The server proposes more than k; what it cannot say exactly is asked of its rows one by one, and the scores
are summed again in float64, as on this disk. Where its proposals are not enough, all rows that may satisfy
the filter are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from collections.abc import Collection as Group

import numpy as np

from sightword.backbones.base import Array
from sightword.index.base import PictureRow, Scored
from sightword.index.milvus.collection import MOST, Collection
from sightword.index.milvus.entities import Entity, row_of, unit_of
from sightword.index.milvus.expression import both, compile_expression
from sightword.index.milvus.layout import is_exact
from sightword.index.milvus.schema import LIVE, SCALARS, VECTOR
from sightword.index.scan import rescore
from sightword.index.where import Expr
from sightword.index.where_rows import holds

__all__ = ["DEEPEST", "Found", "scan"]

Found = list[tuple[Scored, Array]]
"""Pictures with their scores, best first, and their unit vectors."""

_MARGIN = 32
"""How many more than k are asked for: the server adds in float32, ties are settled here."""

DEEPEST = MOST - _MARGIN
"""The most pictures that the vector index is asked for; for more, all rows are read."""

_WITH_VECTORS = 512
"""Up to so many proposals come with their vectors; of more, only those are fetched that matter."""

_LIVE = f"status == {LIVE}"


def scan(
    collection: Collection, query: Array, k: int, where: Expr | None, exclude_hashes: Group[bytes]
) -> Found:
    """The k live pictures with the highest cosine; ties by path.

    Parameters
    ----------
    collection : Collection
    query : float32 [D], unit length
    k : int
        At least 1.
    where : Expr, optional
    exclude_hashes : collection of bytes
    """
    keep: Callable[[PictureRow], bool] = lambda row: row.content_hash not in exclude_hashes  # noqa: E731
    condition: str | bool = _LIVE
    if where is not None:
        compiled = compile_expression(where)
        condition = both(_LIVE, compiled.text)
        if not compiled.exact:
            tree, content = where, keep
            keep = lambda row: content(row) and holds(tree, row)  # noqa: E731
    if condition is False:
        return []
    proposals = _proposals(collection, query, k, str(condition), keep)
    if proposals is None:
        return _all(collection, query, k, str(condition), keep)
    return _ranked(proposals, query, k)


def _proposals(
    collection: Collection, query: Array, k: int, condition: str, keep: Callable[[PictureRow], bool]
) -> list[tuple[PictureRow, Array]] | None:
    """Everything that may belong to the k best; None when the server cannot be made to say it."""
    slack = 1e-6 + len(query) * 2.0**-24
    limit = k + _MARGIN
    while limit <= MOST:
        whole = limit <= _WITH_VECTORS
        fields = ["key", *SCALARS, *([VECTOR] if whole else [])]
        found = collection.search(query, condition, limit, fields)
        kept = [(score, row_of(entity), entity) for score, entity in found]
        kept = [item for item in kept if keep(item[1])]
        complete = len(found) < limit
        if complete and len(kept) < k and not is_exact(collection.kind):
            return None  # a graph may have lost sight of some
        # float32 rounding cannot lift a row from below the cut above the k-th.
        cut = kept[k - 1][0] - slack if len(kept) >= k else -np.inf
        if complete or (len(kept) >= k and found[-1][0] < cut):
            kept = [item for item in kept if item[0] >= cut]
            if whole:
                return [(row, unit_of(entity)) for _, row, entity in kept]
            return list(_with_vectors(collection, [entity for _, _, entity in kept]))
        if limit == MOST:
            break
        limit = min(4 * limit, MOST)
    return None


def _with_vectors(collection: Collection, entities: list[Entity]) -> Iterator[tuple[PictureRow, Array]]:
    rows = {entity["key"]: row_of(entity) for entity in entities}
    for entity in collection.with_values("key", rows, [VECTOR]):
        yield rows[entity["key"]], unit_of(entity)


def _all(
    collection: Collection, query: Array, k: int, condition: str, keep: Callable[[PictureRow], bool]
) -> Found:
    """The same by reading every row that satisfies the condition."""
    best: Found = []
    for page in collection.pages(condition, ["key", *SCALARS]):
        entities = [entity for entity in page if keep(row_of(entity))]
        best = _merged(best, _ranked(list(_with_vectors(collection, entities)), query, k), k)
    return best


def _ranked(items: list[tuple[PictureRow, Array]], query: Array, k: int) -> Found:
    if not items:
        return []
    scores = rescore(np.stack([unit for _, unit in items]), query)
    found = [(Scored(row, float(score)), unit) for (row, unit), score in zip(items, scores)]
    return _merged([], found, k)


def _merged(some: Found, others: Found, k: int) -> Found:
    both_ = [*some, *others]
    both_.sort(key=lambda item: (-item[0].score, item[0].picture.path))
    return both_[:k]
