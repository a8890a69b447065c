"""From a vector to hits: scan, threshold, fold near-duplicates, cut at k."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from sightword.errors import UsageError
from sightword.search.hits import Hit, fold
from sightword.search.query import MinScore, parsed_where
from sightword.search.reranking import cosine_of

if TYPE_CHECKING:
    from sightword.index.base import Scored, VectorStore
    from sightword.pictures.address import PictureAddress
    from sightword.search.composing import Composed
    from sightword.search.query import Query

__all__ = ["checked_address", "known_address", "make_hit", "ranked", "z_of"]

MARGIN = 32
"""Pictures looked at beyond k, so that folding near-duplicates rarely needs a second scan."""


def ranked(
    store: VectorStore, query: Query, composed: Composed, background: tuple[float, float]
) -> list[list[Scored]]:
    """The k best groups of near-duplicates, each with its leader first.

    Parameters
    ----------
    store : VectorStore
    query : Query
    composed : Composed
    background : (float, float)
        Mean and standard deviation of the folder's cosines with this query.
    """
    exclude: set[bytes] = set()
    if not query.include_reference:
        exclude = {item.content_hash for item in composed.references if item.content_hash}
    where = parsed_where(query)
    want = query.k + MARGIN
    if composed.reranking is not None:
        want = max(want, composed.reranking.depth)
    while True:
        scored = store.scan(composed.vector, want, where=where, exclude_hashes=exclude)
        found = len(scored)
        if composed.reranking is not None:
            scored = composed.reranking(store, scored)
        scored = [item for item in scored if _is_enough(item, query.min_score, background)]
        exhausted = found < want or len(scored) < found
        groups = _grouped(store, scored) if query.fold else [[item] for item in scored]
        if exhausted or len(groups) > query.k:
            return _cut(scored, groups, query.k)
        want *= 4


def _is_enough(item: Scored, least: object, background: tuple[float, float]) -> bool:
    """Compare the figure that is reported: a hit told as 2.0 is never below ``2z``."""
    if not isinstance(least, MinScore):
        return True
    return (item.score if least.unit == "cosine" else z_of(cosine_of(item), background)) >= least.value


def z_of(score: float, background: tuple[float, float]) -> float:
    """Standard deviations above the mean, rounded to 1e-4; 0 when all pictures score alike."""
    mean, std = background
    return round((score - mean) / std, 4) if std > 0 else 0.0


def _grouped(store: VectorStore, scored: Sequence[Scored]) -> list[list[Scored]]:
    if not scored:
        return []
    vectors = store.vectors([item.picture.id for item in scored])
    return fold(scored, [item.picture.content_hash for item in scored], vectors)


def _cut(scored: Sequence[Scored], groups: list[list[Scored]], k: int) -> list[list[Scored]]:
    """The first k groups, with the duplicates that rank before the next group.

    So what is listed depends on the ranking alone, not on how far the scan happened to go.
    """
    if len(groups) <= k:
        return groups
    end = next(i for i, item in enumerate(scored) if item is groups[k][0])
    before = {item.picture.id for item in scored[:end]}
    return [[item for item in group if item.picture.id in before] for group in groups[:k]]


def make_hit(
    folder: Path,
    rank: int,
    group: Sequence[Scored],
    background: tuple[float, float],
    address: PictureAddress | None = None,
) -> Hit:
    """A group as the caller sees it; `address` says where pictures can be seen."""
    picture = group[0].picture
    relative = Path(os.fsdecode(picture.path))
    return Hit(
        path=folder / relative,
        score=group[0].score,
        z=z_of(cosine_of(group[0]), background),
        rank=rank,
        width=picture.width,
        height=picture.height,
        taken=None if picture.taken is None else _local_time(picture.taken),
        id=picture.id,
        relative=relative,
        size=picture.size,
        modified=picture.mtime_ns / 1e9,
        format=picture.format,
        duplicates=tuple(folder / os.fsdecode(item.picture.path) for item in group[1:]),
        url=None if address is None else address.of(picture.path),
    )


def checked_address(template: str | None) -> PictureAddress | None:
    """A template of addresses, checked; imported when there is one, because most folders have none.

    Raises
    ------
    UsageError
        It is no such template.
    """
    if template is None:
        return None
    from sightword.pictures.address import parse_address

    return parse_address(template)


def known_address(store: VectorStore) -> PictureAddress | None:
    """Where an index says that its pictures can be seen.

    Raises
    ------
    UsageError
        What it says is refused: it was not written by `sightword index push`.
    """
    try:
        return checked_address(store.pictures)
    except UsageError as error:
        raise UsageError(
            f"The index's own address of its pictures is refused: {error.message}",
            "Say where they are with --pictures, or correct it: sightword index push --pictures.",
        ) from None


def _local_time(seconds: float) -> datetime:
    # Cameras write local time without a zone; the index keeps it as if it were UTC.
    return datetime.fromtimestamp(seconds, timezone.utc).replace(tzinfo=None)
