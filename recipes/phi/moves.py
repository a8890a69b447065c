"""Triplets that nobody wrote: a view, the words that lead to another view of the same thing, that view.

What a picture is called and how it is drawn comes from its collection; no person said what leads from one picture to
another. The views are the starter's (``recipes/starter/views.py``: other styles of one emoji, rendered changes, filtered
photographs, two things in one picture), and their words those that its towers learnt from (``sayings.py``);
``training/tuned.py`` learns from them as from any triplets. No concept of the validation and test splits is among
them.
"""

from __future__ import annotations

import random
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from data import STARTER, raw_features
from sightword.backbones.base import Backbone
from sightword.backbones.torch_starter import TorchStarter
from sightword.methods.base import ComposeInput
from sightword.methods.composer import text_vectors
from sightword.methods.tuned import Tuned
from sightword.training.triplet_features import TripletFeatures
from sightword.training.tuned import parts_of

sys.path.insert(0, str(STARTER))

import sayings
from joint_data import Views

__all__ = ["Moves", "triplets_of_views"]

Array = np.ndarray[Any, Any]
GROUPS, SIBLINGS, EACH, MOST = 24, 4, 4, 3
"""Things in a draw, with people who differ in one trait; views of each; moves within each."""
ACROSS = 4
"""Names in a draw of which there are photographs, paintings or cartoons as well as emoji."""
REAL = ("photo", "painting", "cartoon")
LEFT_OUT = "clipart-black"
"""`sayings.py` has no words of its own for clip art in black: it would be called a coloured drawing."""
HELD_OUT = 0.01
"""Of the concepts, for the card's recall."""
BATCH = 128


@dataclass(frozen=True)
class Moves(TripletFeatures):
    """Triplets that know which other views their words are true of.

    Attributes
    ----------
    views : Views
    said : list of Said, length N
    seen : int64 [P]
        The view of each picture.
    """

    views: Any = None
    said: list[sayings.Said] = field(default_factory=list)
    seen: Any = None

    def false_negatives(self, rows: Array) -> Array:
        """See `TripletFeatures.false_negatives`."""
        targets = self.seen[self.target[rows]]
        wrong: Array = self.views.true([self.said[row] for row in rows], targets, targets)
        np.fill_diagonal(wrong, False)
        return wrong


def triplets_of_views(
    base: Tuned, backbone: Backbone, tower: TorchStarter, draws: int, seed: int = 0
) -> tuple[Moves, Array, Array]:
    """Draw triplets and compute what a tuned head reads of them.

    Parameters
    ----------
    base : Tuned
        The zero-shot method.
    backbone : Backbone
    tower : TorchStarter
        The same backbone in torch: trunk features of views become raw features.
    draws : int
        Each gives about a hundred triplets.
    seed : int

    Returns
    -------
    data : Moves
    training, held_out : int64
        Rows; no concept is on both sides. What leads from one side to the other (a role) is on neither.
    """
    views = Views()
    found = _draw(views, draws, seed)
    seen, places = np.unique([(a, b) for a, b, _ in found], return_inverse=True)
    raw = raw_features(tower, views.features[seen])
    reference, target = places.reshape(-1, 2).T
    said = [words for *_, words in found]
    spoken = [words.text for words in said]
    texts, ask_text = np.unique(spoken, return_inverse=True)
    line = np.arange(len(found))
    made = Moves(
        pictures=raw, names=[str(view) for view in seen], texts=texts.tolist(),
        text=_words(backbone, texts.tolist()),
        reference=reference, target=target, ask_text=ask_text, starts=line, counts=np.ones_like(line), asked=line,
        ask_reference=reference, also=np.empty((len(line), 0), np.int64), group=views.concept[seen[reference]],
        kept=line, extra=_parts(base, backbone, raw[reference], spoken), views=views, said=said, seen=seen,
    )  # fmt: skip
    concepts = np.unique(views.concept[seen])
    out = np.random.default_rng(seed).choice(concepts, max(1, round(HELD_OUT * len(concepts))), replace=False)
    held = np.isin(views.concept[seen[np.stack([reference, target])]], out)
    return made, line[~held.any(axis=0)], line[held.all(axis=0)]


def _draw(views: Views, draws: int, seed: int) -> list[tuple[int, int, sayings.Said]]:
    """Views moved from and to, with the words; none twice."""
    lots, dice = np.random.default_rng(seed), random.Random(seed)
    across, found = _across(views), {}
    for _ in range(draws):
        drawn = views.draw(lots, dice, GROUPS, SIBLINGS, EACH)
        for real, drawings in dice.sample(across, min(ACROSS, len(across))):
            drawn.append(
                dice.sample(real, min(2, len(real))) + dice.sample(drawings, min(EACH, len(drawings)))
            )
        rows = [view for group in drawn for view in group]
        for a, b, words in views.moves(drawn, dice, MOST):
            pair = rows[a], rows[b]
            if all(views.rows[views.about[view][0]]["style"] != LEFT_OUT for view in pair):
                found.setdefault((*pair, words.text), words)
    return [(a, b, words) for (a, b, _), words in found.items()]


def _across(views: Views) -> list[tuple[list[int], list[int]]]:
    """Names that have real pictures and emoji: the views of both."""
    named: dict[int, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for view in views.train.tolist():
        row, kind = views.rows[views.about[view][0]], views.about[view][1]
        if row["style"] in REAL:
            named[views.name[view]][0].append(view)
        elif kind in ("plain", "jitter"):
            named[views.name[view]][1].append(view)
    return [
        (real, drawings)
        for real, drawings in named.values()
        if real and any(views.rows[views.about[view][0]].get("code") for view in drawings)
    ]


def _words(backbone: Backbone, texts: Sequence[str]) -> Array:
    """The words as the head reads them, float32 [T, D]; a backbone that remembers prompts has them for `_parts`."""
    nothing = np.zeros(backbone.spec.dim, np.float32)
    asked = [ComposeInput([nothing], text) for text in texts]
    return np.concatenate(
        [text_vectors(backbone, asked[at : at + BATCH]) for at in range(0, len(texts), BATCH)]
    )


def _parts(base: Tuned, backbone: Backbone, pictures: Array, texts: Sequence[str]) -> Array:
    """What the head reads, float32 [N, 4, D]; asks of like length together, so that little is padded."""
    made, parts = np.empty((len(texts), 4, backbone.spec.dim), np.float32), parts_of(base, backbone)
    order = np.argsort([len(text) for text in texts], kind="stable")
    for block in np.array_split(order, max(1, len(order) // BATCH)):
        made[block] = parts(pictures[block], [texts[row] for row in block])
    return made
