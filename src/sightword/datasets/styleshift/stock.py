"""The pictures of one split, and what is known of them: everything that the tasks draw on."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from sightword.datasets.styleshift.names import Facets, named_colour, read_facets
from sightword.datasets.styleshift.styles import COLOUR_STYLES
from sightword.evaluation.composed import Picture

__all__ = ["SEED", "Emoji", "Stock", "dice_for", "ids"]

SEED = "styleshift-1"
"""Public; every draw is made from it and the name of what is drawn."""

THING_GROUPS = frozenset({"animals-nature", "food-drink", "travel-places", "activities", "objects"})
NOT_A_THING = re.compile(r":| with |button|^(?:un)?locked|^no ", re.IGNORECASE)
"""Names that do not name one thing, or not by a noun."""


def dice_for(*what: str) -> random.Random:
    """Dice that always fall the same way for the same purpose."""
    return random.Random("/".join((SEED, *what)))


@dataclass
class Emoji:
    """One emoji in all its styles."""

    code: str
    name: str
    group: str
    concept: str
    facets: Facets
    drawn: dict[str, Picture] = field(default_factory=dict)
    """By style."""

    @property
    def coloured(self) -> dict[str, Picture]:
        """The styles with colours."""
        return {style: picture for style, picture in self.drawn.items() if style in COLOUR_STYLES}


class Stock:
    """Pictures of one split.

    Attributes
    ----------
    split : str
    pictures : list of Picture
    emoji : dict of str to Emoji
        By code.
    """

    def __init__(self, split: str, groups: dict[str, str]) -> None:
        self.split = split
        self.pictures: list[Picture] = []
        self.emoji: dict[str, Emoji] = {}
        self._groups = groups
        self._about: dict[str, list[Picture]] = defaultdict(list)
        self._made: dict[tuple[str, str], list[Picture]] = defaultdict(list)
        self._scenes: dict[frozenset[str], list[Picture]] = defaultdict(list)

    def add(self, picture: Picture) -> None:
        """Take one in."""
        self.pictures.append(picture)
        for concept in picture.concepts:
            self._about[concept].append(picture)
        if picture.kind == "emoji":
            entry = self.emoji.get(picture.code)
            if entry is None:
                entry = self.emoji[picture.code] = Emoji(
                    picture.code,
                    picture.name,
                    self._groups[picture.code],
                    picture.concepts[0],
                    read_facets(picture.name),
                )
            entry.drawn[picture.style] = picture
        elif picture.kind == "made":
            self._made[picture.code, next(iter(picture.made))].append(picture)
        elif picture.kind == "scene":
            self._scenes[frozenset(picture.code.split("+"))].append(picture)

    def about(self, concept: str) -> list[Picture]:
        """Every picture that shows a concept, scenes included."""
        return self._about[concept]

    def made(self, code: str, how: str) -> list[Picture]:
        """What was made from an emoji in one way."""
        return self._made[code, how]

    def scenes(self, one: str, other: str) -> list[Picture]:
        """Scenes of these two emoji."""
        return self._scenes[frozenset((one, other))]

    def pairs(self) -> list[tuple[Emoji, Emoji]]:
        """Emoji that share a scene, each pair once, in a fixed order."""
        pairs = (sorted(pair) for pair in self._scenes)
        return [(self.emoji[one], self.emoji[other]) for one, other in sorted(pairs)]

    def things(self, limit: int) -> list[Emoji]:
        """Emoji of single things in at least three coloured styles, drawn with public dice.

        One emoji a concept, so that a thing is never beside itself.
        """
        found: dict[str, Emoji] = {}
        for emoji in sorted(self.emoji.values(), key=lambda item: item.code):
            plain = not NOT_A_THING.search(emoji.name) and named_colour(emoji.name) is None
            if plain and emoji.group in THING_GROUPS and len(emoji.coloured) >= 3 and not emoji.facets.tone:
                found.setdefault(emoji.concept, emoji)
        things = list(found.values())
        dice_for("things", self.split).shuffle(things)
        return things[:limit]


def ids(pictures: Iterable[Picture]) -> tuple[str, ...]:
    """Sorted ids, each once."""
    return tuple(sorted({picture.id for picture in pictures}))
