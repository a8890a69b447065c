"""What some methods need beside vectors: patches of references, and the best of a ranking ranked anew."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightword.backbones.base import Array
from sightword.evaluation.composed import Picture
from sightword.evaluation.features import squares
from sightword.evaluation.ranking import Ranked
from sightword.pictures.preprocess import normalise

__all__ = ["Anew", "Patches", "Rescore"]

Rescore = Callable[[int, Sequence[str]], "Array | None"]
"""From the number of a query and the best ids of its ranking to their new scores; None where it stands."""

KEPT = 256
"""Pictures whose patches are kept in memory: 64 MB for the starter."""


class Anew:
    """A ranking whose best pictures are ranked anew; what comes behind them stays where it was.

    Parameters
    ----------
    ranking : Ranked
    best : sequence of str
        The first ids of `ranking`.
    scores : float32, one for each
        Equal ones keep the order of `ranking`.

    Attributes
    ----------
    size : int
        How many pictures are ranked.
    deep : int or None
        As of `ranking`.
    """

    def __init__(self, ranking: Ranked, best: Sequence[str], scores: Array) -> None:
        self.size = ranking.size
        self.deep = ranking.deep
        self._behind = ranking
        self._best = [best[row] for row in np.argsort(-np.asarray(scores, np.float64), kind="stable")]
        self._places: dict[str, int] = {}
        for place, name in enumerate(self._best, start=1):
            self._places.setdefault(name, place)  # a picture that is listed twice counts at its first place

    def top(self, k: int) -> list[str]:
        """Ids of the first k."""
        if k <= len(self._best):
            return self._best[:k]
        return [*self._best, *self._behind.top(k)[len(self._best) :]]

    def places(self, names: Sequence[str]) -> NDArray[np.int64]:
        """Places from 1 of some pictures."""
        behind = [name for name in names if name not in self._places]
        known = dict(zip(behind, self._behind.places(behind))) if behind else {}
        return np.array([self._places.get(name) or known[name] for name in names], np.int64)

    def order(self, names: Sequence[str]) -> list[str]:
        """Some pictures, from best to worst."""
        ahead = sorted((name for name in names if name in self._places), key=self._places.__getitem__)
        behind = [name for name in names if name not in self._places]
        return [*ahead, *(self._behind.order(behind) if behind else ())]


class Patches:
    """Patches of a benchmark's pictures, read when they are asked for.

    Parameters
    ----------
    backbone : Backbone with ``encode_patches``
    folder : Path
    pictures : sequence of Picture
        With their hashes.
    preprocess : str
        As for `sightword.evaluation.features.picture_features`.
    """

    def __init__(self, backbone: Any, folder: Path, pictures: Sequence[Picture], preprocess: str) -> None:
        self._backbone, self._folder, self._preprocess = backbone, folder, preprocess
        self._pictures = {picture.id: picture for picture in pictures}
        self._known: OrderedDict[str, Array] = OrderedDict()

    def of(self, names: Sequence[str]) -> Array:
        """Patches of pictures, one's after the other's, float32 [N, Dp]."""
        missing = [self._pictures[name] for name in dict.fromkeys(names) if name not in self._known]
        if missing:
            read = squares(self._backbone, self._folder, missing, self._preprocess)
            found = self._backbone.encode_patches(normalise(read, self._backbone.spec.preprocess))
            self._known.update(zip((picture.id for picture in missing), found))
        whole: Array = np.concatenate([self._known[name] for name in names])
        for name in names:
            self._known.move_to_end(name)
        while len(self._known) > KEPT:
            self._known.popitem(last=False)
        return whole
