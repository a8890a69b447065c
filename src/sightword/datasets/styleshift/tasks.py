"""What the six tasks have in common: making one query, and drawing at most so many of an aspect."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sightword.datasets.styleshift.phrases import choose
from sightword.datasets.styleshift.stock import Stock, dice_for, ids
from sightword.evaluation.composed import ComposedQuery, Picture

__all__ = ["PER_ASPECT", "at_most", "question", "unjudged"]

PER_ASPECT = 300
"""Largest number of queries of one aspect in the validation and test halves; domain has all."""


def question(
    stock: Stock,
    task: str,
    aspect: str,
    reference: Picture,
    targets: Iterable[Picture],
    *,
    kind: str = "",
    words: dict[str, str] | None = None,
    caption: str = "",
    ignored: Iterable[Picture] = (),
    tail: str = "",
    **more: dict[str, tuple[str, ...]],
) -> ComposedQuery:
    """One query with a phrasing drawn from the table.

    Parameters
    ----------
    stock : Stock
    task, aspect : str
    reference : Picture
    targets : iterable of Picture
        The reference among them is passed over.
    kind : str, optional
        Row of the phrase table; the aspect's by default.
    words : dict, optional
        What fills the phrase.
    caption : str
    ignored : iterable of Picture
    tail : str
        Makes the id unique when one reference is asked about several things.
    **more
        Further fields of the query.
    """
    words = words or {}
    name = "/".join(filter(None, (task, aspect.replace(" ", "-"), reference.id, tail.replace(" ", "-"))))
    text, reserved = choose(kind or aspect, dice_for("phrase", name), reserved_too=stock.split != "train")
    right = tuple(item for item in ids(targets) if item != reference.id)
    return ComposedQuery(
        id=name,
        task=task,
        aspect=aspect,
        split=stock.split,
        references=(reference.id,),
        text=text.format(**words),
        targets=right,
        words=words,
        caption=caption,
        ignored=tuple(item for item in ids(ignored) if item not in right and item != reference.id),
        group=reference.concepts[0],
        reserved=reserved,
        **more,  # type: ignore[arg-type]
    )


def unjudged(stock: Stock, concept: str) -> list[Picture]:
    """Clip art and stamps of a concept: whether they fit the words is not known."""
    return [picture for picture in stock.about(concept) if picture.kind in ("clipart", "stamp")]


def at_most(
    queries: Iterable[ComposedQuery], stock: Stock, limit: int = PER_ASPECT
) -> Iterator[ComposedQuery]:
    """So many queries of each aspect, drawn with public dice; all of them for training."""
    aspects: dict[str, list[ComposedQuery]] = {}
    for query in queries:
        aspects.setdefault(query.aspect, []).append(query)
    for aspect, found in aspects.items():
        yield from found if stock.split == "train" else _drawn(found, limit, f"{stock.split}/{aspect}")


def _drawn(found: Sequence[ComposedQuery], limit: int, purpose: str) -> list[ComposedQuery]:
    if len(found) <= limit:
        return list(found)
    kept = dice_for("at most", purpose).sample(range(len(found)), limit)
    return [found[index] for index in sorted(kept)]
