"""StyleShift's training half: its queries are triplets (``sightword data styleshift DIR --split train``).

One triplet a query. Of several right answers one is drawn with public dice, the others and the pictures that
are not judged are never negatives. Questions without words or without a right answer teach nothing here and
are passed over. The tasks take turns, each in an order drawn with public dice, so that the first thousand are
of all kinds. The validation and test halves are never read.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

from sightword.errors import UsageError
from sightword.evaluation.composed import ComposedQuery
from sightword.evaluation.styleshift import StyleShift
from sightword.training.readers.base import Item, Source
from sightword.training.triplets import Triplet

__all__ = ["StyleShiftTriplets", "triplet_of"]

SPLIT = "train"


class StyleShiftTriplets(Source[Triplet]):
    """The training half of a built StyleShift.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path) -> None:
        self.name = f"{folder} (StyleShift, {SPLIT})"
        self._folder = folder
        try:
            self._loaded = StyleShift().load(folder, SPLIT)
        except UsageError:
            raise UsageError(
                f"{folder} was built without its training half.",
                f"Build it: sightword data styleshift DIR --split {SPLIT}. "
                "The other halves are for measuring and are never trained on.",
            ) from None

    def __iter__(self) -> Iterator[Triplet]:
        files = {picture.id: self._folder / picture.file for picture in self._loaded.pictures}
        tasks: dict[str, list[ComposedQuery]] = {}
        for query in self._loaded.queries:
            if query.text.strip() and query.targets and len(query.references) == 1:
                tasks.setdefault(query.task, []).append(query)
        for task, queries in tasks.items():
            random.Random(task).shuffle(queries)
        for turn in zip_longest(*tasks.values()):
            yield from (triplet_of(query, files) for query in turn if query is not None)

    def identity(self) -> str:
        """Hashes of queries and gallery."""
        return f"styleshift|{self._loaded.facts['queries.jsonl']}|{self._loaded.facts['gallery.jsonl']}"


def triplet_of(query: ComposedQuery, files: dict[str, Path]) -> Triplet:
    """One query as a triplet."""
    target = random.Random(query.id).choice(sorted(query.targets))

    def item(name: str) -> Item:
        return Item(str(files[name]), files[name])

    return Triplet(
        item(query.references[0]), (query.text,), item(target),
        also=tuple(item(name).name for name in (*query.targets, *query.ignored) if name != target),
        group=query.group, name=query.id,
    )  # fmt: skip
