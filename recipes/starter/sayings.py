"""What is said of a view: its name, the words of its style, and what was done to it."""

from __future__ import annotations

import random
from typing import Any

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
        "a black silhouette of {}", "a stencil of {}, without colours",
    ),
    "openmoji": (
        "a coloured drawing of {} with black outlines", "a cartoon of {} with black outlines",
        "{} in flat colours with outlines", "a coloured line drawing of {}", "a flat emoji of {}",
    ),
    "openmoji-black": (
        "a line drawing of {}", "{} drawn in thin black lines", "an outline drawing of {}", "line art of {}",
        "a black and white line drawing of {}", "a sketch of {} in black lines",
    ),
    "clipart": ("clip art of {}", "an illustration of {}", "a drawing of {}", "a coloured drawing of {}"),
    "photo": ("a photo of {}", "a photograph of {}", "a real photo of {}", "a close-up photo of {}"),
    "painting": (
        "a painting of {}", "an oil painting of {}", "{} as an oil painting", "a painting of {} by a master",
    ),
}  # fmt: skip
COLOURFUL = ("noto", "twemoji", "fluent-3d", "fluent-flat", "openmoji")
CHANGES: dict[str, tuple[str, ...]] = {
    "grey": (
        "a grey picture of {}", "{} in black and white", "a greyscale picture of {}", "{} without colour",
        "a black and white picture of {}",
    ),
    "edges": (
        "an outline drawing of {} in thin lines", "a contour drawing of {}", "a line drawing of {}",
        "line art of {}",
    ),
    "sketch": ("a pencil sketch of {}", "a pencil drawing of {}", "a sketch of {}", "{} drawn with a pencil"),
    "flip": ("{} upside down", "an upside down picture of {}", "{} turned upside down"),
    "paint": ("a painting of {}", "a smooth painting of {}", "{} painted with a brush"),
    "mosaic": ("a mosaic of {}", "a pixelated picture of {}", "{} in big pixels"),
    "blur": ("a blurry picture of {}", "{} out of focus", "a blurred picture of {}"),
    "tint": ("{word} {bare}", "a {word} picture of {}", "{} in {word}", "{} that is {word}"),
    "bg": ("{} on a {word} background", "{} with a {word} background", "{} in front of {word}"),
    "count": ("{word} {bare}s", "{word} pictures of {}", "a group of {word} {bare}s"),
    "pos": ("a small {bare} at the {word}", "{}, small, at the {word}", "a tiny {bare} in the {word}"),
    "pair": ("{} and {word}", "{} with {word}", "{} next to {word}", "{} on the left and {word} on the right"),
}  # fmt: skip
PLAIN = ("{}", "a picture of {}", "{}", "an image of {}")
PHOTO = ("a photo of {}", "a photograph of {}", "{}", "a picture of {}")


def said(row: dict[str, Any], kind: str, word: Any, dice: random.Random, rows: list[dict[str, Any]]) -> str:
    """One caption of one view, drawn anew at every call."""
    name = with_article(row["name"])
    if dice.random() < 0.12 and row["keywords"] and row["style"] != "clipart":
        name = with_article(dice.choice(row["keywords"]).replace("_", " "))
    bare = name.split(" ", 1)[1] if name.startswith(("a ", "an ")) else name
    if kind in ("plain", "jitter"):
        luck = dice.random()
        if luck < 0.3:
            return dice.choice(PLAIN).format(name)
        if luck < 0.36 and row["style"] in COLOURFUL:
            return dice.choice(
                ("a colourful picture of {}", "{} in colour", "a coloured picture of {}")
            ).format(name)
        return dice.choice(STYLES.get(row["style"], STYLES["clipart"])).format(name)
    if kind == "pair":
        word = with_article(rows[word]["name"])
    if kind == "count" and word in ("five", "six") and dice.random() < 0.4:
        return f"many {bare}s"
    return dice.choice(CHANGES[kind]).format(name, word=word, bare=bare)
