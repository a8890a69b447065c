"""Emoji: names from CLDR (emojibase), the same code points drawn in seven styles."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sightword.datasets.archives import members
from sightword.datasets.styleshift.art import Art, Keep, Packages
from sightword.datasets.styleshift.styles import STYLES
from sightword.evaluation.concepts import Split, base_concept, split_of

__all__ = ["emoji_art", "read_names"]

NAMES = ("package/en/data.json", "package/en/messages.json")
FOLDERS = {
    "noto": ("package/img/google/64/", ".png"),
    "twemoji": ("package/img/twitter/64/", ".png"),
    "fluent-3d": ("package/assets/", ".webp"),
    "openmoji": ("package/color/svg/", ".svg"),
    "openmoji-black": ("package/black/svg/", ".svg"),
}
"""Where the single pictures lie; the other styles are one JSON file of drawings."""


@dataclass(frozen=True)
class Named:
    """An emoji's name."""

    name: str
    tags: tuple[str, ...]
    group: str
    toned: bool
    concept: str
    split: Split


def emoji_art(packages: Packages, keep: Keep) -> Iterator[Art]:
    """All emoji of the splits to keep, style by style.

    Without colour, skin tones look alike and flags are empty frames: those are left out.
    """
    names = {code: named for code, named in read_names(packages).items() if keep(named.split)}
    for style in STYLES.values():
        drawn = _drawn(packages, style.name, frozenset(names))
        for code in sorted(drawn):
            named = names[code]
            if not style.coloured and (named.toned or named.group == "flags"):
                continue
            yield Art(
                id=f"emoji/{style.name}/{code}",
                kind="emoji",
                style=style.name,
                name=named.name,
                tags=named.tags,
                concept=named.concept,
                split=named.split,
                group=named.group,
                code=code,
                data=drawn[code],
                licence=style.licence,
                author=style.author,
                package=style.package,
            )


def read_names(packages: Packages) -> dict[str, Named]:
    """Names by normalised code points. Couples of two skin tones are left out, their names fill a line."""
    lists = dict(members(packages["emojibase-data"], NAMES.__contains__))
    groups = {group["order"]: group["key"] for group in json.loads(lists[NAMES[1]])["groups"]}
    found: dict[str, Named] = {}
    for entry in json.loads(lists[NAMES[0]]):
        for emoji in (entry, *entry.get("skins", ())):
            if isinstance(emoji.get("tone"), list) or emoji["label"].startswith("regional indicator"):
                continue
            found[_code(emoji["hexcode"])] = _named(emoji, groups)
    return found


def _named(emoji: dict[str, Any], groups: dict[int, str]) -> Named:
    concept = base_concept(emoji["label"])
    return Named(
        name=emoji["label"],
        tags=tuple(emoji.get("tags", ())),
        group=groups.get(emoji.get("group", -1), ""),
        toned=bool(emoji.get("tone")),
        concept=concept,
        split=split_of(concept),
    )


def _code(hexcode: str) -> str:
    """Code points without the presentation selector, so that all sources agree."""
    return "-".join(part for part in hexcode.lower().split("-") if part != "fe0f")


def _drawn(packages: Packages, style: str, codes: frozenset[str]) -> dict[str, bytes]:
    package = packages[STYLES[style].package]
    if style not in FOLDERS:
        drawings = dict(members(package, ("package/icons.json", "package/chars.json").__contains__))
        return _from_json(drawings, codes)
    folder, ending = FOLDERS[style]

    def wanted(name: str) -> bool:
        return name.startswith(folder) and name.endswith(ending) and code_of(name) in codes

    def code_of(name: str) -> str:
        return _code(name.removeprefix(folder).removesuffix(ending))

    return {code_of(name): data for name, data in members(package, wanted)}


def _from_json(drawings: dict[str, bytes], codes: frozenset[str]) -> dict[str, bytes]:
    """Drawings in Iconify's format: bodies of SVG by name, names by code points."""
    icons = json.loads(drawings["package/icons.json"])
    side = icons.get("height", 32)
    drawn = {}
    for raw, name in json.loads(drawings["package/chars.json"]).items():
        icon = icons["icons"].get(name)
        if icon is not None and (code := _code(raw)) in codes:
            width, height = icon.get("width", side), icon.get("height", side)
            drawn[code] = (
                f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
                f'viewBox="0 0 {width} {height}" color="black">{icon["body"]}</svg>'
            ).encode()
    return drawn
