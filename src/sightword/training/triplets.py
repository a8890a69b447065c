"""Triplets: a reference picture, words that change it, and the picture that is meant.

Readers (``training/readers/triplets_*.py``) are sources of `Triplet`; `collect` checks and counts them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from sightword.errors import SightwordError, UsageError
from sightword.training.readers.base import Item

__all__ = ["Triplet", "Triplets", "collect"]


@dataclass(frozen=True)
class Triplet:
    """One example.

    Attributes
    ----------
    reference, target : Item
        Pictures: a name, and a file or its content.
    texts : tuple of str
        Equally likely ways to put the change; training draws one each time it meets the triplet.
    also : tuple of str
        Names of further pictures that are right as well. They are never negatives of this triplet; they need
        not occur in another triplet.
    asked : str
        What is asked when it is measured; the first text unless given.
    group : str
        Triplets of one group are held out together, so that nothing is measured on what was trained on;
        the reference's name unless given.
    name : str
        For messages: the file and the line.
    """

    reference: Item
    texts: tuple[str, ...]
    target: Item
    also: tuple[str, ...] = ()
    asked: str = ""
    group: str = ""
    name: str = ""

    @property
    def text(self) -> str:
        """What is asked when it is measured."""
        return self.asked or self.texts[0]


@dataclass
class Triplets:
    """Triplets that can be learnt from.

    Attributes
    ----------
    rows : list of Triplet
    pictures : list of Item
        Every picture that a reference or a target names, once, in the order of appearance.
    left_out : dict of str to int
        Why triplets were left out, and how many.
    first : dict of str to str
        For each reason, the first triplet that it met.
    """

    rows: list[Triplet]
    pictures: list[Item]
    left_out: dict[str, int] = field(default_factory=dict)
    first: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)

    def sentence(self) -> str:
        """What was left out, for the terminal; empty when nothing was."""
        parts = [
            f"{count:,} {reason} (the first: {self.first[reason]})" for reason, count in self.left_out.items()
        ]
        return f"Triplets left out: {'; '.join(parts)}." if parts else ""


SAME = "whose target is its reference"
WORDLESS = "without words"
PICTURELESS = "without a reference or a target"
TWICE = "that were listed before"


def collect(
    triplets: Iterable[Triplet], *, limit: int | None = None, cap: float = 0.05, where: str = "The data"
) -> Triplets:
    """Check triplets and leave out what cannot be learnt from.

    Parameters
    ----------
    triplets : iterable of Triplet
    limit : int, optional
        Take only the first so many good ones.
    cap : float
        Largest share that may be left out because something is missing or target and reference are one
        picture; doubles are only counted.
    where : str
        Begins the sentences.

    Raises
    ------
    UsageError
        There is no triplet, or none that can be learnt from.
    SightwordError
        Too many are wrong.
    """
    found = Triplets([], [])
    names: dict[str, Item] = {}
    known: set[tuple[str, tuple[str, ...], str]] = set()
    seen = 0
    for triplet in triplets:
        seen += 1
        texts = tuple(dict.fromkeys(text.strip() for text in triplet.texts if text.strip()))
        key = (triplet.reference.name, texts, triplet.target.name)
        if reason := _problem(triplet, texts, key in known):
            found.left_out[reason] = found.left_out.get(reason, 0) + 1
            found.first.setdefault(reason, triplet.name or triplet.reference.name or "one without a name")
            continue
        known.add(key)
        found.rows.append(
            Triplet(
                triplet.reference, texts, triplet.target, triplet.also, triplet.asked.strip(),
                triplet.group or triplet.reference.name, triplet.name,
            )
        )  # fmt: skip
        for item in (triplet.reference, triplet.target):
            names.setdefault(item.name, item)
        if len(found.rows) == limit:
            break
    found.pictures = list(names.values())
    if not seen:
        raise UsageError(f"{where} has no triplets.", "See `sightword train --help` for what is read.")
    wrong = sum(count for reason, count in found.left_out.items() if reason != TWICE)
    if not found.rows or wrong > cap * seen:
        what = f"{wrong:,} of {seen:,} triplets of {where} cannot be learnt from, more than {cap:.0%}. "
        raise SightwordError(what + found.sentence(), "Mend the data, or raise --max-unreadable.")
    return found


def _problem(triplet: Triplet, texts: tuple[str, ...], known: bool) -> str:
    if triplet.reference.picture is None or triplet.target.picture is None:
        return PICTURELESS
    if not texts:
        return WORDLESS
    if triplet.reference.name == triplet.target.name or _same(triplet.reference, triplet.target):
        return SAME
    return TWICE if known else ""


def _same(one: Item, other: Item) -> bool:
    if isinstance(one.picture, Path) and isinstance(other.picture, Path):
        return one.picture == other.picture
    return one.picture is not None and one.picture == other.picture
