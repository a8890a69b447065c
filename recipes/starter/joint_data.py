"""What `joint.py` learns from: cached views with what is true of them, and stand-ins for photographs."""

from __future__ import annotations

import itertools
import json
import random
from collections import defaultdict
from typing import Any

import numpy as np
import sayings
import weights
from captions import described
from common import records
from graphs import SEEN
from imagenet import class_names
from views import VIEWS, photo_rows

from sightword.backbones.torch_starter import POOLED
from sightword.evaluation.concepts import base_concept, split_of

Array = np.ndarray[Any, Any]
Move = tuple[int, int, sayings.Said]
"""From one place of a batch to another, and what to say."""
WORDED = ("tint", "bg", "count", "pos", "pair")
"""Kinds of view whose word (a colour, a number, ...) makes them another look."""


PEOPLE = ("1f468", "1f469", "1f9d1")


class StandIns:
    """Stand-in photographs: channel values drawn from real ones, moved along a class's direction until the
    classifier is as sure as it is of photographs. Strokes and textures are those of one real photograph."""

    def __init__(self, photographs: Array, seed: int) -> None:
        last = weights.timm_lite0().classifier
        self.rows, self.bias = last.weight.detach().numpy(), last.bias.detach().numpy()
        centred = self.rows - self.rows.mean(0)
        self.towards = centred / np.linalg.norm(centred, axis=1, keepdims=True)
        self.photographs = photographs.astype(np.float32)
        self.names = class_names()
        self.classes = np.array(
            [i for i, names in enumerate(self.names) if split_of(base_concept(names[0])) == "train"]
        )
        self.dice = np.random.default_rng(seed)

    def draw(self, classes: Array) -> Array:
        """float32 [n, SEEN]."""
        count = len(classes)
        lots = self.dice.integers(0, len(self.photographs), (count, POOLED))
        # Half of the channels stay those of one photograph: independent channels alone are no photograph.
        one = self.dice.integers(0, len(self.photographs), count)
        base = self.photographs[lots, np.arange(POOLED)]
        kept = self.dice.random((count, 1)) < 0.5
        base = np.where(
            kept & (self.dice.random((count, POOLED)) < 0.5), self.photographs[one, :POOLED], base
        )
        wanted, moved = self.dice.uniform(0.25, 0.97, count), np.zeros((count, 1), np.float32)
        for _ in range(24):
            features = np.clip(base + moved * self.towards[classes], 0, None)
            logits = features @ self.rows.T + self.bias
            shares = np.exp(logits - logits.max(1, keepdims=True))
            low = shares[np.arange(count), classes] / shares.sum(1) < wanted
            if not low.any():
                break
            moved[low] += 1.0
        pooled = np.clip(base + moved * self.towards[classes], 0, None)
        return np.concatenate([pooled, self.photographs[one, POOLED:]], axis=1).astype(np.float32)


class Views:
    """Cached features of all views, and what is true of them.

    Attributes
    ----------
    features : float16 [V, SEEN]
    concept, name, look, described : int [V]
    traits : int [V, 4]
        Skin, gender, hair, direction (`sayings.traits`).
    family : bool [V, families]
        Which kinds of caption are true of the view (`sayings.FAMILIES`).
    """

    def __init__(self, scenes: bool = True) -> None:
        self.rows = [*records(), *photo_rows()]
        self.about = json.loads((VIEWS / "views.json").read_text())
        self.features = np.load(VIEWS / "features.npy")
        if self.features.shape[1] != SEEN:
            raise SystemExit(f"views have {self.features.shape[1]} features, not {SEEN}: run views.py again")
        numbers: dict[str, dict[Any, int]] = {"concept": {}, "name": {}, "look": {}, "described": {}}

        def number(kind: str, key: Any) -> int:
            return numbers[kind].setdefault(key, len(numbers[kind]))

        self.concept = np.array([number("concept", self.rows[i]["concept"]) for i, _, _ in self.about])
        self.name = np.array([number("name", self.rows[i]["name"]) for i, _, _ in self.about])
        self.names = list(numbers["name"])
        # The name with its tags ("fox, animal, forest"): what an unseen thing has in common with seen ones.
        said = [described(row) for row in self.rows]
        self.described = np.array([number("described", said[i]) for i, _, _ in self.about])
        self.descriptions = list(numbers["described"])
        self.look = np.array([number("look", self._look(*view)) for view in self.about])
        self.traits = np.array([sayings.traits(self.rows[i]) for i, _, _ in self.about])
        self.family = np.array([sayings.true_of(self.rows[i]["style"], kind) for i, kind, _ in self.about])
        shown = ("plain", "jitter") if not scenes else None
        self.train = np.array(
            [
                v for v, (i, kind, _) in enumerate(self.about)
                if self.rows[i]["split"] == "train" and (shown is None or kind in shown)
            ]
        )  # fmt: skip
        self.plain = np.array([v for v in self.train if self.about[v][1] == "plain"])
        self.siblings, self.roles = self._relatives()
        groups: dict[str, list[int]] = defaultdict(list)
        for view in self.train.tolist():
            row = self.rows[self.about[view][0]]
            groups[row.get("code") or row["file"]].append(view)
        self.groups = list(groups.values())
        share = np.array([self._share(group) for group in self.groups])
        self.share = share / share.sum()

    def _relatives(self) -> tuple[list[list[int]], list[list[int]]]:
        """Plain views that differ in skin, gender, hair or direction alone; and people who differ in their role alone."""
        siblings: dict[Any, list[int]] = defaultdict(list)
        roles: dict[Any, list[int]] = defaultdict(list)
        for view in self.plain.tolist():
            row = self.rows[self.about[view][0]]
            if not row.get("code"):
                continue
            siblings[row["concept"], row["style"]].append(view)
            person, _, role = row["code"].partition("-200d-")
            if role and person.split("-")[0] in PEOPLE and "1f" in role:
                roles[person, row["style"]].append(view)
        wanted = [g for g in siblings.values() if len({self.name[v] for v in g}) > 1]
        return wanted, [g for g in roles.values() if len(g) > 3]

    def _look(self, row: int, kind: str, word: Any) -> tuple[str, str, Any]:
        kind = "" if kind in ("plain", "jitter") else kind
        return self.rows[row]["style"], kind, word if kind in WORDED else None

    def _share(self, group: list[int]) -> float:
        row = self.rows[self.about[group[0]][0]]
        return min(len(group), 8) * (0.3 if row.get("tone") else 3.0 if "path" in row else 1.0)

    def draw(
        self, lots: np.random.Generator, dice: random.Random, groups: int, siblings: int, each: int
    ) -> list[list[int]]:
        """Views of things that were drawn, at most `each` of one thing; of siblings, and half as often of roles, too."""
        chosen = lots.choice(len(self.groups), groups, p=self.share, replace=False)
        drawn = [dice.sample(self.groups[g], min(each, len(self.groups[g]))) for g in chosen]
        for kind, count in ((self.siblings, siblings), (self.roles, siblings // 2)):
            drawn += [dice.sample(g, min(each, len(g))) for g in dice.sample(kind, count)]
        return drawn

    def moves(self, drawn: list[list[int]], dice: random.Random, most: int = 2) -> list[Move]:
        """At most so many moves within each group, by places in the batch."""
        moves: list[Move] = []
        start = 0
        for group in drawn:
            found = [
                (start + a, start + b, words)
                for a, b in itertools.permutations(range(len(group)), 2)
                if (words := self.words_between(group[a], group[b], dice)) is not None
            ]
            moves += dice.sample(found, min(most, len(found)))
            start += len(group)
        return moves

    def words_between(self, a: int, b: int, dice: random.Random) -> sayings.Said | None:
        """What to say who has view a and wants view b; None if nothing tells them apart."""
        (i, kind, word), (j, wanted, _) = self.about[a], self.about[b]
        if self.name[a] != self.name[b]:
            return sayings.difference(self.rows[i], self.rows[j], dice)
        if self.look[a] == self.look[b]:
            return None
        if (
            kind == "pair"
            and wanted in ("plain", "jitter")
            and self.rows[i]["style"] == self.rows[j]["style"]
        ):
            return sayings.removal(word, dice, self.rows)
        row, kind, word = self.about[b]
        return sayings.change(self.rows[row], kind, word, dice, self.rows)

    def true(self, said: list[sayings.Said], like: Array, rows: Array, *, families: bool = True) -> Array:
        """Whether captions of views `like` (-1: of a stand-in) are true of other views. bool [captions, views]."""
        found = (like >= 0)[:, None] & (self.concept[like][:, None] == self.concept[rows])
        alike = self.look[like][:, None] == self.look[rows]
        if families:
            family = np.array([s.family for s in said])
            alike |= (family >= 0)[:, None] & self.family[rows][:, np.maximum(family, 0)].T
        # "a woman" is true of a woman with dark skin, not the other way round.
        wanted = self.traits[like][:, None]
        fits = ((wanted == 0) | (wanted == self.traits[rows])).all(-1)
        told: Array = found & alike & fits
        return told

    def photographs(self) -> Array:
        """Features of the untouched training photographs."""
        kept = [
            v
            for v in self.train.tolist()
            if self.rows[self.about[v][0]]["style"] == "photo" and self.about[v][1] in ("plain", "jitter")
        ]
        return np.asarray(self.features[kept])
