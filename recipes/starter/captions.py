"""A picture's name in a sentence, and its name with its tags."""

from __future__ import annotations

from typing import Any


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


def described(record: dict[str, Any]) -> str:
    """Name and keywords as one line."""
    words = [w.replace("_", " ") for w in record["keywords"] if w.lower() not in record["name"].lower()]
    return ", ".join([record["name"], *words[:5]])
