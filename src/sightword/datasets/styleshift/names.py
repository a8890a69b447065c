"""What a name says: articles, and what an emoji's name encodes (gender, skin tone, direction ...)."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = [
    "COLOURS",
    "Facets",
    "bare",
    "direction_of",
    "named_colour",
    "read_facets",
    "spoken",
    "with_article",
]

COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white")

_GENDERS = {
    "man": "man", "men": "man", "woman": "woman", "women": "woman", "person": "person", "people": "person",
    "boy": "boy", "girl": "girl", "child": "child",
}  # fmt: skip
_HAIR = frozenset({"red hair", "curly hair", "white hair", "blond hair", "bald", "beard"})
_SPOKEN = {"bald": "a bald head", "beard": "a beard"}
_UNCOUNTED = frozenset({
    "bacon", "broccoli", "bread", "butter", "rice", "cheese", "coral", "popcorn", "spaghetti", "lightning",
    "money", "hay", "paper", "yarn", "fog", "snow", "ice", "fire",
})  # fmt: skip
_PLURAL = re.compile(r"(?<![su])(?<!i)s$")
_DIRECTION = re.compile(
    r"\b(?:facing )?(left|right|up|down|leftward|rightward|leftwards|rightwards|upwards|downwards)\b"
)


def with_article(name: str) -> str:
    """A name as the object of a sentence.

    Examples
    --------
    >>> with_article("onion"), with_article("scissors"), with_article("bacon")
    ('an onion', 'scissors', 'bacon')
    """
    words = name.split()
    if not words or words[0] in ("a", "an", "the", "two", "three"):
        return name
    # The noun that counts stands before "of": a sheaf of rice.
    noun = re.split(r" (?:of|with|in|on|behind|fluttering) ", name)[0].split()[-1]
    if noun.lower() in _UNCOUNTED or _PLURAL.search(noun):
        return name
    sounds = name[0].lower() in "aeio" or (name[0].lower() == "u" and not name.lower().startswith("uni"))
    return f"{'an' if sounds else 'a'} {name}"


def spoken(name: str) -> str:
    """A CLDR name as one would say it, with an article.

    Examples
    --------
    >>> spoken("woman firefighter: dark skin tone"), spoken("man: medium skin tone, red hair")
    ('a woman firefighter with dark skin', 'a man with medium skin and red hair')
    """
    head, _, tail = name.partition(": ")
    parts = [_SPOKEN.get(part, part).replace(" skin tone", " skin") for part in tail.split(", ") if part]
    if "skin tone" not in tail and not _HAIR.intersection(tail.split(", ")):
        return with_article(name)
    return f"{with_article(head)} with {' and '.join(parts)}"


def bare(name: str) -> str:
    """A name without an article."""
    return re.sub(r"^(?:an?|the) ", "", name)


@dataclass(frozen=True)
class Facets:
    """A person's name, taken apart.

    Attributes
    ----------
    key : str
        What stays when gender, skin tone and hair are taken off; two pictures with one key show the same.
    gender : {"man", "woman", "person", "boy", "girl", "child"}
        ``person`` also when nothing is said.
    tone : str
        Such as ``medium-dark``; empty when nothing is said.
    hair : str
        Such as ``red hair``; empty when nothing is said.
    """

    key: str
    gender: str
    tone: str
    hair: str


def read_facets(name: str) -> Facets:
    """Take a CLDR name apart.

    Examples
    --------
    >>> read_facets("woman firefighter: dark skin tone")
    Facets(key='firefighter', gender='woman', tone='dark', hair='')
    >>> read_facets("man: medium skin tone, red hair")
    Facets(key='', gender='man', tone='medium', hair='red hair')
    """
    head, _, tail = name.partition(": ")
    tone, hair, rest = "", "", []
    for part in filter(None, tail.split(", ")):
        if part.endswith(" skin tone"):
            tone = part.removesuffix(" skin tone")
        elif part in _HAIR:
            hair = part
        else:
            rest.append(part)
    words = head.split()
    named = [word for word in words if word in _GENDERS]
    gender = _GENDERS[named[0]] if len(named) == 1 else "person"
    if len(named) == 1:
        words.remove(named[0])
    young = "young " if gender in ("boy", "girl", "child") else ""
    return Facets(f"{young}{' '.join(words)}{': ' + ', '.join(rest) if rest else ''}", gender, tone, hair)


def direction_of(name: str) -> tuple[str, str] | None:
    """The name without its direction, and the direction; None when it has not exactly one.

    Examples
    --------
    >>> direction_of("leftwards pushing hand")
    ('pushing hand', 'left')
    """
    found = _DIRECTION.findall(name)
    if len(found) != 1:
        return None
    return " ".join(_DIRECTION.sub(" ", name).split()), re.sub(r"wards?$", "", found[0])


def named_colour(name: str) -> tuple[str, str] | None:
    """The name without its colour, and the colour; None when it has not exactly one.

    Examples
    --------
    >>> named_colour("large blue diamond")
    ('large diamond', 'blue')
    """
    words = name.split()
    found = [word for word in words if word in COLOURS]
    if len(found) != 1 or len(words) == 1:
        return None
    return " ".join(word for word in words if word not in COLOURS), found[0]
