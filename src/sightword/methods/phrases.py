"""Concepts and the phrases about them that hold a pseudo-word to the language (SEARLE's regulariser).

Two files, both UTF-8:

* concepts: one a line, such as ``guitar``; empty lines and lines that start with ``#`` are passed over.
* phrases: JSON Lines, ``{"concept": "guitar", "phrases": ["a photo of a guitar that is on a chair", ...]}``.
  A phrase must contain its concept; those that do not are counted and left out (the reference drops the
  whole concept then).

`make_phrases` writes phrases from templates and word lists; no language model is needed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sightword.errors import UsageError
from sightword.prompts import Prompt

__all__ = ["CONCEPTS", "PhraseBook", "make_phrases", "read_concepts", "read_phrases", "with_article"]

_EVERYDAY = """
airplane apple backpack ball banana bear bed bee bench bicycle bird boat book bottle bowl box boy bread
bridge bucket building bus butterfly button cake camera candle car carpet castle cat chair child church
city clock cloud coat computer cow crab cup curtain deer desk dog doll door dragon dress drum duck eagle
elephant eye face farm feather fence field fire fish flag flower forest fork fox frog fruit garden gate
giraffe girl glass glove goat guitar hand hat heart helmet hill horse hospital house island jacket key
kitchen kite knife ladder lake lamp leaf letter lion lizard machine man map mask monkey moon motorcycle
mountain mouse mouth mushroom necklace nest ocean orange owl painting palm pan panda parrot pen pencil
penguin person phone piano picture pig pillow pizza plant plate potato present pumpkin rabbit rainbow
ring river road robot rocket roof rooster rose sandwich scarf school sea shark sheep shell ship shirt
shoe skateboard skirt sky snake snow sofa spider spoon squirrel stairs star statue stone street
strawberry suitcase sun sweater swing sword table tea telephone tent tiger tomato tower toy train tree
trousers truck trumpet turtle umbrella vase vegetable violin wall watch waterfall whale wheel window
wolf woman
"""
CONCEPTS = tuple(_EVERYDAY.split())
"""Everyday things; used unless a file is given."""

QUALITIES = (
    "red", "blue", "green", "yellow", "white", "black", "brown", "pink", "very small", "very large", "old",
    "new", "shiny", "broken", "wet", "dirty", "soft", "wooden", "made of glass", "made of metal", "round",
    "striped", "colourful", "covered with snow", "upside down",
)  # fmt: skip
PLACES = (
    "on a table", "in the grass", "at the beach", "in a city street", "in the forest", "under a tree",
    "in the rain", "at night", "in front of a house", "next to a window", "on a white background",
    "in the snow", "in a room", "on the water", "behind a fence", "in the mountains",
)  # fmt: skip
COMPANIONS = (
    "a dog",
    "a cat",
    "a child",
    "a flower",
    "a book",
    "a car",
    "a tree",
    "a man",
    "a woman",
    "a ball",
)
TEMPLATES = (
    "a photo of {a} that is {quality}", "a photo of {a} that is {place}", "a picture of {a} with {companion}",
    "{a} that is {quality} and stands {place}", "a drawing of {a} that is {quality}",
    "the {c} is {quality}", "there is {a} {place}", "a photo of {a} and {companion} {place}",
    "a painting that shows {a} {place}", "a cartoon of {a} with {companion}",
)  # fmt: skip


@dataclass(frozen=True)
class PhraseBook:
    """Concepts with their phrases.

    Attributes
    ----------
    concepts : tuple of str
    phrases : tuple of tuple of str
        Of each concept, at least one, each containing it.
    left_out : int
        Phrases without their concept.
    """

    concepts: tuple[str, ...]
    phrases: tuple[tuple[str, ...], ...]
    left_out: int = 0

    @classmethod
    def of(cls, phrases: Mapping[str, Sequence[str]]) -> PhraseBook:
        """A book from a mapping of concepts; concepts without a usable phrase are left out."""
        kept: dict[str, tuple[str, ...]] = {}
        lost = 0
        for concept, listed in phrases.items():
            usable = tuple(dict.fromkeys(text for text in listed if _find(concept, text)))
            lost += sum(not _find(concept, text) for text in listed)
            if usable:
                kept[concept] = usable
        if not kept:
            raise UsageError("There is no phrase that contains its concept.", "See docs/methods/searle.md.")
        return cls(tuple(kept), tuple(kept.values()), lost)

    @classmethod
    def default(cls, seed: int = 0) -> PhraseBook:
        """Templated phrases about `CONCEPTS`."""
        return cls.of(make_phrases(CONCEPTS, seed=seed))

    def masked(self, concept: int, phrase: int, *, every: bool = False) -> Prompt:
        """A phrase with a slot where its concept first stands, or wherever it stands."""
        text, word = self.phrases[concept][phrase], self.concepts[concept]
        matches = list(_pattern(word).finditer(text))
        pieces, end = [], 0
        for match in matches if every else matches[:1]:
            pieces.append(text[end : match.start()])
            end = match.end()
        return Prompt((*pieces, text[end:]))


def read_concepts(path: Path) -> list[str]:
    """Read a file of concepts.

    Raises
    ------
    UsageError
        It cannot be read, or names none.
    """
    lines = [line.strip() for line in _text(path).splitlines()]
    concepts = list(dict.fromkeys(line for line in lines if line and not line.startswith("#")))
    if not concepts:
        raise UsageError(f"{path} names no concept.", "Write one a line.")
    return concepts


def read_phrases(path: Path) -> PhraseBook:
    """Read a file of phrases.

    Raises
    ------
    UsageError
        It cannot be read, or a line is not what the module's docstring says.
    """
    phrases: dict[str, list[str]] = {}
    for number, line in enumerate(_text(path).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            concept, listed = entry["concept"], entry["phrases"]
            if not isinstance(concept, str) or not all(isinstance(item, str) for item in listed):
                raise TypeError
        except (ValueError, KeyError, TypeError):
            raise UsageError(
                f"Line {number} of {path} is not a concept with its phrases.",
                'It should look like {"concept": "cat", "phrases": ["a photo of a cat that sleeps"]}.',
            ) from None
        phrases.setdefault(concept, []).extend(listed)
    return PhraseBook.of(phrases)


def make_phrases(concepts: Sequence[str], *, each: int = 32, seed: int = 0) -> dict[str, list[str]]:
    """Phrases from templates: `each` different ones for every concept, the same for the same seed."""
    rng = np.random.default_rng(seed)
    made: dict[str, list[str]] = {}
    for concept in concepts:
        found: dict[str, None] = {}
        for _ in range(20 * each):
            if len(found) == each:
                break
            words = {
                name: str(rng.choice(items))
                for name, items in (("quality", QUALITIES), ("place", PLACES), ("companion", COMPANIONS))
            }
            template = TEMPLATES[rng.integers(len(TEMPLATES))]
            found[template.format(a=with_article(concept), c=concept, **words)] = None
        made[concept] = list(found)
    return made


def with_article(words: str) -> str:
    """
    Examples
    --------
    >>> with_article("red owl"), with_article("owl")
    ('a red owl', 'an owl')
    """
    return f"{'an' if words[:1].lower() in 'aeiou' else 'a'} {words}"


def _pattern(concept: str) -> re.Pattern[str]:
    """The concept as whole words: "cat" is not in "catalogue"."""
    return re.compile(rf"(?<!\w){re.escape(concept)}(?!\w)", re.IGNORECASE)


def _find(concept: str, text: str) -> bool:
    return bool(concept) and _pattern(concept).search(text) is not None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"{path} cannot be read: {reason}.") from None
