"""Clip art: public-domain pictures whose title or file name says in English what they show."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from common import SOURCES

from sightword.evaluation.concepts import base_concept

PNG = SOURCES / "openclipart-png" / "usr/share/openclipart/png"
SVG = SOURCES / "openclipart-svg" / "usr/share/openclipart/svg"
WORDNET = SOURCES / "wordnet-base" / "usr/share/wordnet"
SERIES = (
    "shapes/stars", "shapes/jigsaw", "shapes/callouts", "special", "signs_and_symbols/led",
    "unsorted/duplicates", "computer/icons/etiquette-theme", "computer/icons/flat-theme",
    "computer/icons/lemon-theme", "recreation/games/cards",
)  # fmt: skip
PER_NAME = 4
NOT_A_TITLE = re.compile(
    r"clip ?art by|part of|gramastar|etiquette|aiga|theme|svg road|map symbols|pc connectors|icon collection|"
    r"untitled|unnamed|https?:|inkscape|drawing|test|openclipart|hash|jigsaw|\bset\b|various|gradient",
    re.IGNORECASE,
)
_SMALL = "a an the of in on with and for at by to from no not or over under"
SMALL_WORDS = frozenset(_SMALL.split())
_FILING = "hash unsorted clip_art image svg png sign signs_and_symbols clipart icon"
NOT_KEYWORDS = frozenset(_FILING.split())


def vocabulary() -> frozenset[str]:
    """Single English words: nouns, adjectives and verbs of WordNet."""
    words = set()
    for part in ("noun", "adj", "verb"):
        for line in (WORDNET / f"index.{part}").read_text(encoding="latin-1").splitlines():
            if not line.startswith(" "):
                words.add(line.split(" ", 1)[0])
    return frozenset(word for word in words if len(word) > 2 or word in ("ox", "tv", "cd", "pc"))


def _clean(text: str) -> str:
    text = re.sub(r"\(.*?\)", " ", text.lower().replace("&amp;", " and ").replace("_", " "))
    words = re.findall(r"[^\W\d_]+(?:['’]s)?", text)
    return " ".join(words)


def _known(name: str, words: frozenset[str]) -> bool:
    parts = name.split()
    content = [part for part in parts if part not in SMALL_WORDS]
    return 0 < len(content) <= 5 and all(
        part in words or base_concept(part) in words or part.rstrip("s") in words for part in content
    )


def _name(title: str, stem: str, folder: str, words: frozenset[str]) -> str | None:
    if "signs_and_symbols/flags" in folder and "semaphore" not in folder:
        country = _clean(title if title.strip() and not NOT_A_TITLE.search(title) else stem)
        return country if "flag" in country else f"flag of {country}"
    for candidate in (title, stem):
        if candidate.strip() and not NOT_A_TITLE.search(candidate):
            name = _clean(candidate)
            if _known(name, words):
                return name
    return None


def jobs() -> Iterator[dict[str, Any]]:
    """One job per usable clip art; at most `PER_NAME` of one name in one folder."""
    words = vocabulary()
    counts: Counter[str] = Counter()
    for svg in sorted(SVG.rglob("*.svg")):
        inside = svg.relative_to(SVG)
        png = PNG / inside.with_suffix(".png")
        folder = inside.parent.as_posix()
        if folder.startswith(SERIES) or not png.is_file():
            continue
        text = svg.read_text(errors="replace")
        licence = re.search(r'cc:license\s+rdf:resource="([^"]*)"', text)
        if licence is None or not licence.group(1).lower().endswith(("/publicdomain", "/publicdomain/")):
            continue
        title = re.search(r"<dc:title>([^<]*)", text)
        name = _name(title.group(1) if title else "", svg.stem, folder, words)
        if name is None:
            continue
        key = base_concept(name)
        counts[key] += 1
        if counts[key] > PER_NAME:
            continue
        yield _job(png, inside, name, text, folder)


def _job(png: Path, inside: Path, name: str, text: str, folder: str) -> dict[str, Any]:
    keywords = [k.strip().lower() for k in re.findall(r"<rdf:li>([^<]*)", text)]
    creator = re.search(r"<dc:creator>.*?<dc:title>([^<]*)", text, re.DOTALL)
    return {
        "file": f"clipart/{inside.with_suffix('').as_posix().replace('/', '-')}.png",
        "source": "openclipart-png", "style": "clipart", "from": str(png), "name": name,
        "keywords": [k for k in keywords if k and k not in NOT_KEYWORDS and not k.startswith("hash(")][:8],
        "group": folder, "tone": 0, "licence": "public domain",
        "author": creator.group(1).strip() if creator else "unknown", "code": inside.as_posix(),
    }  # fmt: skip
