"""The base concept behind a picture's title, and the split it belongs to (fixed for all experiments).

Two pictures of one concept must never sit on both sides of a split, whatever their source, style, skin
tone or spelling. ``base_concept`` maps a title to a key; ``split_of`` hashes the key. The rules, in order:

1. Lower case, accents and punctuation off, ``_`` and ``-`` are spaces, ``.n.01`` (WordNet) is dropped.
2. Skin tones, hair and beards, and directions ("facing right", "left", "up arrow") are dropped; every
   o'clock time is ``clock time``.
3. People lose gender and age of the pair words: "man", "woman", "person", "boy" ... are dropped, "princess"
   is "prince". A title that is nothing but such words is ``person`` (or ``child``, ``baby``).
4. Drawing words ("icon", "cartoon", "clip art", "black and white"), articles and counting numbers go.
5. Each word becomes singular; an animal's "face" or "head" is the animal ("dog face" is ``dog``).
6. Flags keep their country: "flag: Norway", "Flag of Norway" and "Norway flag" are ``flag norway``.
7. A title of several words keeps all remaining words in order ("polar bear" is not ``bear``; colours stay).

If the rules leave nothing, the words before rule 4 are the key (``skin tone``, ``hair`` for emoji parts).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import Literal

__all__ = ["Split", "base_concept", "split_of"]

Split = Literal["test", "validation", "train"]


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_TONE = re.compile(r"\b(?:medium light|medium dark|light|medium|dark) skin tones?\b")
_HAIR = re.compile(
    r"\b(?:(?:red|curly|white|blonde?|no|grey|black|brown) hair(?:ed)?|bald|blonde?|beard(?:ed)?)\b"
)
_CLOCK = re.compile(
    r"\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve) (?:thirty|o ?clock)\b"
)
_FACING = re.compile(r"\b(?:facing (?:left|right)|(?:left|right) facing)\b")
_SENSE = re.compile(r"\.[nvasr]\.\d+$")

_ALWAYS_DIRECTION = _set(
    "left right leftward leftwards rightward rightwards upward upwards downward downwards"
)
_ARROW_DIRECTION = _set(
    "up down north south east west northeast northwest southeast southwest horizontal vertical"
)
_ARROW_WORDS = _set("arrow arrows pointing triangle button fist")
_PERSON = _set(
    "man men woman women person persons people male males female females lady ladies gentleman gentlemen "
    "guy adult adults mr mrs ms mx human"
)
_CHILD = _set("boy boys girl girls child children kid kids")
_GENDERED = {
    "princess": "prince",
    "queen": "king",
    "waitress": "waiter",
    "actress": "actor",
    "heroine": "hero",
    "superheroine": "superhero",
    "goddess": "god",
    "cowgirl": "cowboy",
    "mermaid": "merperson",
    "merman": "merperson",
    "policeman": "police officer",
    "policewoman": "police officer",
    "fireman": "firefighter",
    "firewoman": "firefighter",
    "mailman": "mail carrier",
    "businesswoman": "businessman",
    "mother": "parent",
    "father": "parent",
    "mom": "parent",
    "dad": "parent",
    "grandmother": "grandparent",
    "grandfather": "grandparent",
    "grandma": "grandparent",
    "grandpa": "grandparent",
    "older": "old",
    "elderly": "old",
}
_DRAWING = _set(
    "icon icons cartoon cartoons clipart drawing picture photo photograph image illustration sketch outline "
    "silhouette contour symbol symbols vector bw colour color"
)
_DRAWING_PHRASE = re.compile(r"\b(?:clip art|black and white|b and w|b w|line art)\b")
_ARTICLES = _set("a an the")
_EDGE = _set("in on with of and for at by or to from")
_ANIMALS = _set(
    "dog cat mouse cow tiger rabbit horse monkey pig hamster wolf fox bear panda lion frog dragon koala "
    "chicken unicorn zebra giraffe gorilla boar moose donkey sheep goat"
)
_SINGULAR_IRREGULAR = {
    "mice": "mouse",
    "geese": "goose",
    "feet": "foot",
    "teeth": "tooth",
    "oxen": "ox",
    "leaves": "leaf",
    "wolves": "wolf",
    "knives": "knife",
    "wives": "wife",
    "lives": "life",
    "loaves": "loaf",
    "halves": "half",
    "shelves": "shelf",
    "scarves": "scarf",
    "calves": "calf",
    "elves": "elf",
    "thieves": "thief",
    "hooves": "hoof",
    "cacti": "cactus",
    "fungi": "fungus",
    "octopi": "octopus",
    "dice": "die",
    "buses": "bus",
    "gases": "gas",
    "lenses": "lens",
    "viruses": "virus",
    "octopuses": "octopus",
    "cactuses": "cactus",
    "walruses": "walrus",
    "movies": "movie",
    "cookies": "cookie",
    "pies": "pie",
    "ties": "tie",
    "lies": "lie",
    "zombies": "zombie",
    "brownies": "brownie",
    "smilies": "smiley",
    "selfies": "selfie",
    "axes": "axe",
    "heroes": "hero",
    "potatoes": "potato",
    "tomatoes": "tomato",
    "mosquitoes": "mosquito",
    "volcanoes": "volcano",
    "mangoes": "mango",
    "tornadoes": "tornado",
    "torpedoes": "torpedo",
    "dominoes": "domino",
    "horses": "horse",
    "nurses": "nurse",
    "houses": "house",
    "noses": "nose",
    "roses": "rose",
}
_SAME = _set(
    "gas lens news christmas texas atlas canvas pajamas pancreas series species chess bus plus yes "
    "kansas arkansas honduras bahamas mars venus jesus claus alas has was is us this"
)


def _singular(word: str) -> str:
    if word in _SINGULAR_IRREGULAR:
        return _SINGULAR_IRREGULAR[word]
    if len(word) < 4 or word in _SAME or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "xes", "sses", "zzes")):
        return word[:-2]
    return word[:-1]


def _words(title: str) -> list[str]:
    text = unicodedata.normalize("NFKD", title).casefold()
    text = _SENSE.sub("", text)
    text = "".join(c for c in text if not unicodedata.combining(c))
    text = text.replace("o'clock", "oclock").replace("o’clock", "oclock")
    text = re.sub(r"['’](?:s\b)?", "", text)
    text = " ".join(re.findall(r"[^\W_]+|[#*]", text))
    for pattern in (_TONE, _HAIR, _FACING):
        text = pattern.sub(" ", text)
    return _CLOCK.sub("clock time", text).split()


def _without_counters(words: list[str]) -> list[str]:
    if "keycap" in words:
        return words
    stripped = [re.sub(r"(?<=[a-z]{3})\d+$", "", word) for word in words]
    return [word for word in stripped if not word.isdigit()]


def _component(title: str) -> list[str]:
    text = title.casefold()
    if "skin tone" in text:
        return ["skin", "tone"]
    return ["hair"] if "hair" in text else re.findall(r"[^\W_]+", text) or ["unnamed"]


def _key(title: str) -> str:
    words = [_GENDERED.get(word, word) for word in _words(title)]
    if _ARROW_WORDS.intersection(words):
        words = [word for word in words if word not in _ARROW_DIRECTION]
    words = [word for word in words if word not in _ALWAYS_DIRECTION] or words
    people = [word for word in words if word in _PERSON or word in _CHILD]
    rest = [word for word in words if word not in _PERSON and word not in _CHILD]
    if people and not [word for word in rest if word not in _EDGE and word not in _ARTICLES]:
        rest = ["child" if all(word in _CHILD for word in people) else "person"]
        return rest[0]
    fallback = rest or _component(title)
    kept = _DRAWING_PHRASE.sub(" ", " ".join(rest)).split()
    kept = [word for word in kept if word not in _DRAWING and word not in _ARTICLES]
    kept = _without_counters(kept)
    while kept and kept[0] in _EDGE:
        kept = kept[1:]
    while kept and kept[-1] in _EDGE:
        kept = kept[:-1]
    kept = [_singular(word) for word in kept or fallback]
    if len(kept) == 2 and kept[0] in _ANIMALS and kept[1] in ("face", "head"):
        kept = kept[:1]
    if "flag" in kept and len(kept) > 1:
        kept = ["flag", *(word for word in kept if word not in ("flag", "of"))]
    return " ".join(kept)


def base_concept(title: str) -> str:
    """The key that all pictures of one concept share.

    Parameters
    ----------
    title : str
        An emoji label, a clip-art or stamp title, or a WordNet lemma, in English.

    Returns
    -------
    str
        Words joined by single spaces, never empty; ``base_concept`` of a key is that key.

    Examples
    --------
    >>> base_concept("woman technologist: medium skin tone")
    'technologist'
    >>> base_concept("person running facing right")
    'running'
    >>> base_concept("Flag of Norway")
    'flag norway'
    """
    seen = {title}
    key = _key(title)
    while key not in seen:
        seen.add(key)
        title, key = key, _key(key)
    return key


def split_of(concept: str) -> Split:
    """The split of a concept: sha256 of the key modulo 10; 0 is test, 1 is validation, the rest train.

    Parameters
    ----------
    concept : str
        A key made by `base_concept`.

    Examples
    --------
    >>> split_of(base_concept("dogs")) == split_of(base_concept("Dog face"))
    True
    """
    bucket = int.from_bytes(hashlib.sha256(concept.encode("utf-8")).digest(), "big") % 10
    if bucket == 0:
        return "test"
    return "validation" if bucket == 1 else "train"
