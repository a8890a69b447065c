"""What is said of a view: its name, the words of its style, and what was done to it; with the name or without."""

from __future__ import annotations

import random
from typing import Any, NamedTuple

from captions import with_article

STYLES: dict[str, tuple[str, ...]] = {
    "noto": ("a cartoon of {}", "a cartoon emoji of {}", "a shaded cartoon of {}", "a colourful emoji of {}"),
    "twemoji": ("a flat cartoon of {}", "{} in flat colours", "a simple flat emoji of {}", "a flat icon of {}"),
    "fluent-3d": (
        "a 3D render of {}", "{} in 3D", "a shiny 3D icon of {}", "a glossy 3D model of {}", "{} rendered in 3D",
    ),
    "fluent-flat": (
        "a flat icon of {}", "{} in flat colours", "a flat cartoon of {}", "a flat colourful illustration of {}",
    ),
    "fluent-high-contrast": (
        "a black and white icon of {}", "a bold black symbol of {}", "{} in black and white",
        "a black silhouette of {}", "a stencil of {} without colours",
    ),
    "openmoji": (
        "a coloured drawing of {} with black outlines", "a cartoon of {} with black outlines",
        "{} in flat colours with outlines", "a coloured line drawing of {}", "a flat emoji of {}",
    ),
    "openmoji-black": (
        "a line drawing of {}", "{} drawn in thin black lines", "an outline drawing of {}", "line art of {}",
        "a black and white line drawing of {}", "a sketch of {} in black lines", "a sketch of {}", "a doodle of {}",
    ),
    "clipart": ("clip art of {}", "an illustration of {}", "a drawing of {}", "a coloured drawing of {}"),
    "photo": (
        "a photo of {}", "a photograph of {}", "a real photo of {}", "a close-up photo of {}", "{} in real life",
        "a realistic picture of {}",
    ),
    "painting": (
        "a painting of {}", "an oil painting of {}", "{} as an oil painting", "a painting of {} by a master",
        "an impressionist painting of {}",
    ),
    "cartoon": (
        "a cartoon of {}", "a comic drawing of {}", "a funny cartoon of {}", "a cartoon drawing of {} for children",
        "a coloured cartoon of {} with outlines",
    ),
}  # fmt: skip
CHANGES: dict[str, tuple[str, ...]] = {
    "grey": (
        "a grey picture of {}", "{} in black and white", "a greyscale picture of {}", "{} without colour",
        "a black and white picture of {}",
    ),
    "edges": (
        "an outline drawing of {} in thin lines", "a contour drawing of {}", "a line drawing of {}",
        "line art of {}", "a sketch of {}",
    ),
    "ink": (
        "an ink drawing of {}", "a line drawing of {}", "a sketch of {}", "a black and white drawing of {}",
        "{} drawn with a pen",
    ),
    "sketch": (
        "a pencil sketch of {}", "a pencil drawing of {}", "a sketch of {}", "{} drawn with a pencil",
        "a rough sketch of {}",
    ),
    "flip": ("{} upside down", "an upside down picture of {}", "{} turned upside down"),
    "paint": ("a painting of {}", "a smooth painting of {}", "{} painted with a brush"),
    "oil": (
        "an oil painting of {}", "a painting of {}", "{} painted in oil", "an impressionist painting of {}",
        "{} painted with a brush", "an artwork of {}",
    ),
    "cartooned": ("a cartoon of {}", "a comic drawing of {}", "{} as a cartoon", "a pop art picture of {}"),
    "mosaic": ("a mosaic of {}", "a pixelated picture of {}", "{} in big pixels"),
    "blur": ("a blurry picture of {}", "{} out of focus", "a blurred picture of {}"),
    "tint": ("{word} {bare}", "a {word} picture of {}", "{} in {word}", "{} that is {word}"),
    "bg": ("{} on a {word} background", "{} with a {word} background", "{} in front of {word}"),
    "count": ("{word} {bare}s", "{word} pictures of {}", "a group of {word} {bare}s"),
    "pos": ("{} small at the {word}", "a small picture of {} at the {word}", "{} tiny in the {word}"),
    "pair": ("{} and {word}", "{} with {word}", "{} next to {word}", "{} on the left and {word} on the right"),
}  # fmt: skip
PLAIN = ("{}", "a picture of {}", "{}", "an image of {}")
PHOTO = ("a photo of {}", "a photograph of {}", "{}", "a picture of {}", "{} in real life")
COLOUR = ("a colourful picture of {}", "{} in colour", "a coloured picture of {}")

FAMILIES = (
    "plain", "3d", "line", "sketch", "bw", "painting", "photo", "flat", "cartoon", "colour", "icon", "drawing",
    "pale",
)  # fmt: skip
"""Kinds of caption: a caption of one of them is true of every view of the family, so none of these is a
counter-example."""
_WORDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("3d", ("3D",)),
    ("sketch", ("sketch", "pencil", "doodle")),
    ("line", ("a line drawing", "outline drawing", "line art", "contour", "black lines", "ink drawing", "a pen")),
    ("bw", ("black and white", "without colour", "grey", "silhouette", "stencil", "symbol")),
    ("painting", ("paint", "artwork")),
    ("photo", ("photo", "real")),
    ("flat", ("flat",)),
    ("cartoon", ("cartoon", "comic")),
    ("colour", ("colour",)),
    ("icon", ("icon", "emoji")),
    ("drawing", ("drawing", "illustration", "clip art")),
)  # fmt: skip
_TRUE: dict[str, str] = {
    "noto": "cartoon colour icon drawing", "twemoji": "flat cartoon colour icon drawing", "fluent-3d": "3d colour icon",
    "fluent-flat": "flat cartoon colour icon drawing", "fluent-high-contrast": "bw icon",
    "openmoji": "flat cartoon colour icon drawing", "openmoji-black": "line bw sketch icon drawing",
    "clipart": "cartoon colour drawing flat icon", "photo": "photo colour", "painting": "painting colour",
    "cartoon": "cartoon colour drawing",
}  # fmt: skip
_TRUE_AFTER: dict[str, str] = {
    "grey": "bw", "edges": "line sketch bw drawing", "ink": "line sketch bw drawing", "sketch": "sketch bw drawing",
    "paint": "painting colour", "oil": "painting colour", "watercolour": "painting colour",
    "cartooned": "cartoon colour drawing",
}  # fmt: skip


class Said(NamedTuple):
    """A caption and its family (-1: true of exactly this look)."""

    text: str
    family: int


def true_of(style: str, kind: str) -> list[bool]:
    """Which families of caption hold for a view."""
    words = _TRUE_AFTER.get(kind, _TRUE.get(style, "drawing")).split()
    return [family == "plain" or family in words for family in FAMILIES]


def _family(template: str, kind: str) -> int:
    if kind in ("tint", "bg", "count", "pos", "pair", "flip", "mosaic", "blur"):
        return -1
    for family, words in _WORDS:
        if any(word in template for word in words):
            return FAMILIES.index(family)
    return FAMILIES.index("plain")


def _template(row: dict[str, Any], kind: str, dice: random.Random, plain: float) -> str:
    if kind not in ("plain", "jitter"):
        return dice.choice(CHANGES[kind])
    luck = dice.random()
    if luck < plain:
        return dice.choice(PLAIN)
    if luck < plain + 0.06 and "colour" in _TRUE.get(row["style"], ""):
        return dice.choice(COLOUR)
    return dice.choice(STYLES.get(row["style"], STYLES["clipart"]))


def said(row: dict[str, Any], kind: str, word: Any, dice: random.Random, rows: list[dict[str, Any]]) -> Said:
    """One caption of one view, drawn anew at every call."""
    name = with_article(row["name"])
    if dice.random() < 0.12 and row["keywords"] and row["style"] != "clipart":
        name = with_article(dice.choice(row["keywords"]).replace("_", " "))
    bare = name.split(" ", 1)[1] if name.startswith(("a ", "an ")) else name
    template = _template(row, kind, dice, plain=0.3)
    if kind == "pair":
        word = with_article(rows[word]["name"])
    if kind == "count" and word in ("five", "six") and dice.random() < 0.4:
        template = "many {bare}s"
    return Said(template.format(name, word=word, bare=bare), _family(template, kind))


def change(
    row: dict[str, Any], kind: str, word: Any, dice: random.Random, rows: list[dict[str, Any]]
) -> Said:
    """The same without the name: what a person says who has already shown the thing."""
    template = _template(row, kind, dice, plain=0.0)
    if kind == "pair":
        word = with_article(rows[word]["name"])
    words = template
    for gone in (" of {}", "{} ", "{}", " {bare}s", " {bare}"):
        words = words.replace(gone, "")
    if words.startswith(("a ", "an ")) and dice.random() < 0.3:
        words = f"as {words}"
    return Said(words.format(word=word).strip(), _family(template, kind))


TONES = ("", "light", "medium-light", "medium", "medium-dark", "dark")
HAIR = ("curly hair", "red hair", "white hair", "bald", "blond hair", "beard")
WOMEN, MEN = ("woman", "women", "girl", "mermaid", "mrs"), ("man", "men", "boy", "merman", "santa")


def _gender(name: str) -> str:
    words = name.replace(":", " ").replace(",", " ").split()
    if any(w in WOMEN for w in words):
        return "woman"
    return "man" if any(w in MEN for w in words) else "person"


def traits(row: dict[str, Any]) -> tuple[int, int, int, int]:
    """Skin, gender, hair, direction; 0 where the name says nothing of it."""
    name = row["name"].lower()
    hair = next((i + 1 for i, h in enumerate(HAIR) if h in name), 0)
    side = 1 if "left" in name else 2 if "right" in name else 0
    return row.get("tone", 0), ("person", "woman", "man").index(_gender(name)), hair, side


def difference(a: dict[str, Any], b: dict[str, Any], dice: random.Random) -> Said | None:
    """Words for what b has and a has not: skin, gender, hair, direction, role; None if there are none."""
    words = []
    if a["concept"] != b["concept"]:
        role = with_article(b["concept"])
        return Said(dice.choice(("{} instead", "but {}", "is {}", "as {}")).format(role), -1)
    if b["tone"] and a["tone"] != b["tone"]:
        skin = TONES[b["tone"]]
        words.append(dice.choice(("with {} skin", "but with {} skin", "a person with {} skin")).format(skin))
    if _gender(a["name"]) != _gender(b["name"]):
        words.append(dice.choice(("but a {}", "as a {}", "a {} instead")).format(_gender(b["name"])))
    for hair in HAIR:
        if hair in b["name"] and hair not in a["name"]:
            words.append(f"with {hair}" if hair != "bald" else "bald")
    for side in ("left", "right"):
        if side in b["name"].split() and side not in a["name"].split():
            words.append(dice.choice(("facing {}", "pointing {}", "turned to the {}")).format(side))
    return Said(" ".join(words), -1) if words else None


def removal(word: Any, dice: random.Random, rows: list[dict[str, Any]]) -> Said:
    """Words that take the other thing of a pair away; `word` is its row."""
    bare = rows[word]["name"]
    other = with_article(bare)
    return Said(
        dice.choice(("without {}", "but without {}", "with no {bare}", "no {bare}")).format(other, bare=bare),
        -1,
    )
