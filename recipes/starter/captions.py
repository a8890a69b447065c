"""What is said of a picture: its name, plainly, and its name with the words of its style."""

from __future__ import annotations

from typing import Any

STYLE_TEMPLATES: dict[str, tuple[str, ...]] = {
    "noto": ("a cartoon of {a}", "a cartoon emoji of {a}", "a colourful drawing of {a}"),
    "twemoji": ("a flat cartoon of {a}", "a flat emoji of {a}", "a simple cartoon of {a}"),
    "fluent-3d": ("a 3D icon of {a}", "a 3D rendering of {a}", "a glossy 3D model of {a}"),
    "fluent-flat": ("a flat cartoon of {a}", "a flat icon of {a}", "a flat colourful illustration of {a}"),
    "fluent-high-contrast": (
        "a black and white icon of {a}",
        "a bold black symbol of {a}",
        "a high contrast pictogram of {a}",
    ),
    "openmoji": ("a coloured drawing of {a}", "a cartoon of {a} with black outlines", "an emoji of {a}"),
    "openmoji-black": ("a line drawing of {a}", "a black and white line drawing of {a}", "a sketch of {a}"),
    "clipart": ("clip art of {a}", "an illustration of {a}", "a drawing of {a}"),
    "clipart-black": (
        "a black and white drawing of {a}",
        "black and white clip art of {a}",
        "a line drawing of {a}",
    ),
    "photo": ("a photo of {a}", "a photograph of {a}", "a close-up photo of {a}"),
    "grey": ("a black and white picture of {a}", "a greyscale picture of {a}", "a grey picture of {a}"),
}
PLAIN_TEMPLATES = ("{n}", "a picture of {a}", "{a}")


def with_article(name: str) -> str:
    """``fox`` -> ``a fox``; plural or proper-looking names stay bare."""
    name = name.replace(": ", ", ")
    first = name.split(" ", 1)[0]
    if name.startswith("flag, "):
        return f"the flag of {name[6:]}"
    if (
        first in ("the", "a", "an")
        or first[:1].isdigit()
        or (first.endswith("s") and not first.endswith("ss"))
    ):
        return name
    return f"{'an' if first[:1].lower() in 'aeiou' else 'a'} {name}"


def plain(name: str) -> list[str]:
    """Captions without style words."""
    return [t.format(n=name, a=with_article(name)) for t in PLAIN_TEMPLATES]


def styled(name: str, style: str) -> list[str]:
    """Captions with the words of a style."""
    return [t.format(n=name, a=with_article(name)) for t in STYLE_TEMPLATES[style]]


def described(record: dict[str, Any]) -> str:
    """Name and keywords as one line."""
    words = [w.replace("_", " ") for w in record["keywords"] if w.lower() not in record["name"].lower()]
    return ", ".join([record["name"], *words[:5]])
