"""Pictures that only fill the gallery: clip art and stamps, with titles that name their concept."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath

from sightword.datasets.archives import members
from sightword.datasets.styleshift.art import Art, Keep, Packages
from sightword.evaluation.concepts import base_concept, split_of

__all__ = ["clip_art", "stamps"]

CLIP_ART = "usr/share/openclipart/svg/"
STAMPS = "usr/share/tuxpaint/stamps/"
SERIES = (
    "shapes/stars", "shapes/jigsaw", "shapes/callouts", "special", "signs_and_symbols/led",
    "unsorted/duplicates", "computer/icons/etiquette-theme", "computer/icons/flat-theme",
    "computer/icons/lemon-theme", "recreation/games/cards",
)  # fmt: skip
"""Folders of many nearly equal pictures."""
PER_NAME = 4
_NO_TITLE = re.compile(
    r"clip ?art by|part of|theme|untitled|unnamed|https?:|inkscape|openclipart|hash|\bset\b|icon collection",
    re.IGNORECASE,
)
_LICENCE = re.compile(r'cc:license\s+rdf:resource="([^"]*)"')
_TITLE = re.compile(r"<dc:title>([^<]*)")
_CREATOR = re.compile(r"<dc:creator>.*?<dc:title>([^<]*)", re.DOTALL)
_KEYWORD = re.compile(r"<rdf:li>([^<]*)")


def clip_art(packages: Packages, keep: Keep) -> Iterator[Art]:
    """Clip art whose file says that it is in the public domain; at most four of one concept."""
    counts: Counter[str] = Counter()

    def wanted(name: str) -> bool:
        return (
            name.startswith(CLIP_ART)
            and name.endswith(".svg")
            and not name.removeprefix(CLIP_ART).startswith(SERIES)
        )

    for path, data in sorted(members(packages["openclipart-svg"], wanted)):
        inside = PurePosixPath(path.removeprefix(CLIP_ART))
        text = data.decode("utf-8", "replace")
        licence = _LICENCE.search(text)
        title = _TITLE.search(text)
        name = _name(title.group(1) if title else "", inside)
        if not name or licence is None or not licence.group(1).lower().rstrip("/").endswith("/publicdomain"):
            continue
        concept = base_concept(name)
        counts[concept] += 1
        split = split_of(concept)
        if counts[concept] > PER_NAME or not keep(split):
            continue
        creator = _CREATOR.search(text)
        yield Art(
            id=f"clipart/{_slug(inside)}",
            kind="clipart",
            style="clipart",
            name=name,
            tags=tuple(word.strip().lower() for word in _KEYWORD.findall(text)[:8] if word.strip()),
            concept=concept,
            split=split,
            group=inside.parent.as_posix(),
            code="",
            data=data,
            licence="public domain",
            author=creator.group(1).strip() if creator else "unknown",
            package="openclipart-svg",
        )


def stamps(packages: Packages, keep: Keep) -> Iterator[Art]:
    """Stamps with a title: photographs (PNG) and drawings (SVG)."""

    def wanted(name: str) -> bool:
        return name.startswith(STAMPS) and name.endswith((".png", ".svg", ".txt"))

    held: dict[str, tuple[str, bytes]] = {}
    # A picture and its title are neighbours only after sorting; the archive is too large to hold whole.
    package = packages["tuxpaint-stamps-default"]
    titles = dict(members(package, lambda name: wanted(name) and name.endswith(".txt")))
    chosen = {}
    for path, text in titles.items():
        name = _said(text)
        if name and keep(split_of(base_concept(name))):
            chosen[path[:-4]] = name
    for path, data in members(package, lambda name: wanted(name) and name[:-4] in chosen):
        # Of two forms of one stamp the drawing is the sharper.
        if not path.endswith(".txt") and (path[:-4] not in held or path.endswith(".svg")):
            held[path[:-4]] = (path, data)
    for stem in sorted(held):
        path, data = held[stem]
        name = chosen[stem]
        concept = base_concept(name)
        inside = PurePosixPath(path.removeprefix(STAMPS))
        yield Art(
            id=f"stamp/{_slug(inside)}",
            kind="stamp",
            style="stamp",
            name=name,
            tags=(),
            concept=concept,
            split=split_of(concept),
            group=inside.parent.as_posix(),
            code="",
            data=data,
            licence="GPL-2.0-or-later (Tux Paint stamps as a whole)",
            author="see the package",
            package="tuxpaint-stamps-default",
        )


def _slug(inside: PurePosixPath) -> str:
    return re.sub(r"[^\w.-]", "_", inside.with_suffix("").as_posix().replace("/", "-"))


def _name(title: str, inside: PurePosixPath) -> str:
    """The title, or the file's name, as plain words; empty when neither says what is shown."""
    for candidate in (title, inside.stem):
        if candidate.strip() and not _NO_TITLE.search(candidate):
            text = re.sub(r"\(.*?\)", " ", candidate.lower().replace("&amp;", " and ").replace("_", " "))
            words = re.findall(r"[^\W\d_]+(?:['’]s)?", text)
            if 0 < len(words) <= 6:
                name = " ".join(words)
                flag = inside.as_posix().startswith("signs_and_symbols/flags") and "flag" not in words
                return f"flag of {name}" if flag else name
    return ""


def _said(text: bytes) -> str:
    """The English title: a stamp's first line."""
    sentence = text.decode("utf-8", "replace").split("\n", 1)[0].strip().rstrip(".!")
    return re.sub(r"^(?:an?|the|some)\s+", "", sentence.lower())
