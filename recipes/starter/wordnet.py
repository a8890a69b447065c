"""Plain sentences and words of WordNet, with which a sentence tower keeps its language."""

from __future__ import annotations

from common import SOURCES


def glosses() -> list[str]:
    """Definitions from WordNet: plain sentences of every kind."""
    found = []
    for part in ("noun", "verb", "adj"):
        path = next((SOURCES / "wordnet-base").rglob(f"data.{part}"))
        with path.open(errors="replace") as lines:
            found += [
                li.split("|", 1)[1].split(";")[0].strip()[:120] for li in lines if li[0] != " " and "|" in li
            ]
    return found


def lemmas() -> list[str]:
    """Nouns and adjectives of WordNet: names of things, whether or not there is a picture."""
    found = []
    for part in ("noun", "adj"):
        path = next((SOURCES / "wordnet-base").rglob(f"index.{part}"))
        with path.open(errors="replace") as lines:
            found += [li.split(" ", 1)[0].replace("_", " ") for li in lines if li[0] != " "]
    return found
