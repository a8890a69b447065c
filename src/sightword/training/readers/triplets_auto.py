"""``auto:DATA``: triplets of captioned pictures without labels, by the difference of two captions. **Ours.**

Two pictures whose captions differ in one place only are a reference and a target; the difference says what to
change::

    a red car on a street | a blue car on a street   ->  "is blue instead of red", "but blue", ...
    a dog on a sofa       | a cat on a sofa          ->  "a cat instead of a dog", ...
    a car                 | a car at night           ->  "at night", ...

The place may hold up to `LONGEST` words on either side; at least two words must agree. Other pictures with
the target's caption are right as well. Of a caption's neighbours at most `NEIGHBOURS` are taken, drawn with
fixed dice, so that frequent patterns do not swamp the rest.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from sightword.errors import UsageError
from sightword.training.pictures import Skips, list_pictures
from sightword.training.readers import open_source
from sightword.training.readers.base import Columns, Item, Source
from sightword.training.triplets import Triplet

__all__ = ["AutoTriplets", "changes", "say"]

LONGEST = 3
SHARED = 2
NEIGHBOURS = 4
CROWD = 200
"""Captions with one pattern beyond this many are thinned: pairs grow with the square."""

Words = tuple[str, ...]
Change = tuple[Words, Words, Words, Words]
"""Words before, what stands there, what comes there, words behind."""

ARTICLES = frozenset({"a", "an", "the", "one", "two", "three", "some"})
PLACES = frozenset({
    "in", "on", "at", "with", "without", "under", "over", "near", "behind", "beside", "above", "below",
    "from", "of", "by", "into", "through", "during",
})  # fmt: skip
FUNCTION = ARTICLES | PLACES | {"and", "or", "is", "are", "it", "its", "this", "that", "to", "for", "as"}


class AutoTriplets(Source[Triplet]):
    """Triplets of captioned pictures.

    Parameters
    ----------
    name : str
        What `open_source` reads.
    columns : Columns
    """

    def __init__(self, name: str, columns: Columns) -> None:
        self._source = open_source(name, columns)
        self.name = f"{self._source.name} (made by text difference)"

    def __iter__(self) -> Iterator[Triplet]:
        items = [item for item in list_pictures(self._source, Skips()) if item.captions]
        if not items:
            raise UsageError(
                f"{self._source.name} has no captioned pictures.",
                "Triplets are made from pictures with captions; see docs/training.md.",
            )
        holders: dict[Words, list[Item]] = defaultdict(list)
        for item in items:
            for words in dict.fromkeys(map(words_of, item.captions)):
                if len(words) >= SHARED:
                    holders[words].append(item)
        made = list(chain.from_iterable(self._of(*pair, holders) for pair in changes(list(holders))))
        if not made:
            raise UsageError(
                f"No two captions of {self._source.name} differ in one place only; no triplet can be made.",
                "Captions of one pattern are needed, such as 'a red car' and 'a blue car'.",
            )
        random.Random(len(made)).shuffle(made)
        yield from made

    def identity(self) -> str:
        """The captions' state."""
        return f"auto|{self._source.identity()}"

    def _of(self, before: Words, change: Change, holders: dict[Words, list[Item]]) -> Iterator[Triplet]:
        old, new = before, (*change[0], *change[2], *change[3])
        dice = random.Random(" ".join((*old, "->", *new)))
        reference, target = dice.choice(holders[old]), dice.choice(holders[new])
        if reference.name == target.name:
            return
        yield Triplet(
            reference, say(change), target,
            also=tuple(item.name for item in holders[new] if item.name != target.name),
            group=" ".join(old), name=f"{' '.join(old)!r} -> {' '.join(new)!r}",
        )  # fmt: skip


def words_of(caption: str) -> Words:
    """Lower-case words without punctuation."""
    return tuple(re.findall(r"[^\W_]+(?:['’-][^\W_]+)*", caption.lower()))


def changes(captions: Sequence[Words]) -> Iterator[tuple[Words, Change]]:
    """Ordered pairs of captions that differ in one place, each pair once.

    Parameters
    ----------
    captions : sequence of Words
        Each once.

    Yields
    ------
    (caption, change)
        `change` turns the caption into the other one.
    """
    buckets: dict[tuple[Words, Words], list[Words]] = defaultdict(list)
    for words in captions:
        for start in range(len(words) + 1):
            for end in range(start, min(start + LONGEST, len(words)) + 1):
                before, behind = words[:start], words[end:]
                if len(before) + len(behind) >= SHARED:
                    buckets[before, behind].append(words[start:end])
    known: set[tuple[Words, Words]] = set()
    for words in captions:
        found: list[tuple[Words, Change]] = []
        for start in range(len(words) + 1):
            for end in range(start, min(start + LONGEST, len(words)) + 1):
                before, here, behind = words[:start], words[start:end], words[end:]
                for there in _thinned(buckets.get((before, behind), ()), words):
                    change = (before, here, there, behind)
                    if _plain(change):
                        found.append(((*before, *there, *behind), change))
        dice = random.Random(" ".join(words))
        dice.shuffle(found)
        taken = 0
        for other, change in found:
            if taken < NEIGHBOURS and (words, other) not in known:
                known.add((words, other))
                taken += 1
                yield words, change


def _thinned(there: Iterable[Words], words: Words) -> Sequence[Words]:
    there = list(there)
    if len(there) <= CROWD:
        return there
    return random.Random(" ".join(words)).sample(there, CROWD)


def _plain(change: Change) -> bool:
    """Whether the place is as small as it can be, and holds more than function words."""
    _, here, there, _ = change
    if here == there or (not set(here) - FUNCTION and not set(there) - FUNCTION):
        return False
    return not (here and there and (here[0] == there[0] or here[-1] == there[-1]))


def say(change: Change) -> tuple[str, ...]:
    """Equally likely ways to put a change.

    Examples
    --------
    >>> say((("a",), ("red",), ("blue",), ("car",)))
    ('is blue instead of red', 'but blue', 'blue instead of red', 'make it blue')
    >>> say((("a",), ("dog",), ("cat",), ("on", "a", "sofa")))
    ('a cat instead of a dog', 'but a cat', 'replace a dog by a cat')
    >>> say((("a", "car"), (), ("at", "night"), ()))
    ('at night', 'but at night')
    """
    before, here, there, behind = change
    article = before[-1] if before and before[-1] in ARTICLES and _ends_noun(behind) else ""
    old, new = (" ".join(filter(None, (_fitting(article, part), *part))) for part in (here, there))
    if not here:
        # What is added to the end says itself; before a noun it describes it.
        return (new, f"but {new}") if not behind else (f"is {new}", f"but {new}", f"make it {new}")
    if not there:
        if here[0] in ("and", "with") and len(here) > 1:
            return (f"without {' '.join(here[1:])}",)
        thing = article or here[0] in ARTICLES
        return (f"without {old}",) if thing else (f"not {old}", f"no longer {old}")
    if article or not behind or here[0] in PLACES | ARTICLES or there[0] in ARTICLES:
        return (f"{new} instead of {old}", f"but {new}", f"replace {old} by {new}")
    return (f"is {new} instead of {old}", f"but {new}", f"{new} instead of {old}", f"make it {new}")


def _ends_noun(behind: Words) -> bool:
    return not behind or behind[0] in FUNCTION


def _fitting(article: str, part: Words) -> str:
    if article not in ("a", "an") or not part:
        return article
    return "an" if part[0][:1] in "aeio" else "a"
