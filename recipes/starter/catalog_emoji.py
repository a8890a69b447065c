"""Emoji in seven styles under the same names: what to render, with captions' raw material."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from common import SOURCES

FLUENT_LICENCE = ("MIT", "Microsoft")
OPENMOJI_LICENCE = ("CC-BY-SA-4.0", "OpenMoji")
NOT_PICTURES = ("regional indicator",)


def _code(hexcode: str) -> str:
    """Code points without the presentation selector, so that all sources agree."""
    return "-".join(part for part in hexcode.lower().split("-") if part != "fe0f")


def names() -> dict[str, dict[str, Any]]:
    """Label, tags and group of every emoji, by normalised code points. Two-tone couples are left out."""
    base = SOURCES / "emojibase-data" / "package" / "en"
    groups = {g["order"]: g["key"] for g in json.loads((base / "messages.json").read_text())["groups"]}
    found: dict[str, dict[str, Any]] = {}
    for entry in json.loads((base / "data.json").read_text()):
        for emoji in [entry, *entry.get("skins", [])]:
            if isinstance(emoji.get("tone"), list) or emoji["label"].startswith(NOT_PICTURES):
                continue
            group = groups.get(emoji.get("group"), "")
            found[_code(emoji["hexcode"])] = {
                "name": emoji["label"], "keywords": emoji.get("tags", []), "group": group,
                "tone": emoji.get("tone", 0),
            }  # fmt: skip
    for extra in json.loads((SOURCES / "openmoji" / "package" / "data" / "openmoji.json").read_text()):
        # OpenMoji's own pictures; brand marks are not ours to learn from.
        if extra["group"] == "extras-openmoji" and extra["subgroups"] not in ("brand", "ui-element"):
            tags = [tag.strip() for tag in (extra["openmoji_tags"] or "").split(",") if tag.strip()]
            found[_code(extra["hexcode"])] = {
                "name": extra["annotation"], "keywords": tags, "group": extra["subgroups"], "tone": 0,
            }  # fmt: skip
    return found


def _iconify(kind: str) -> dict[str, str]:
    """SVG text by code points."""
    folder = SOURCES / f"iconify-json-{kind}" / "package"
    data = json.loads((folder / "icons.json").read_text())
    side = data.get("height", 32)
    drawn = {}
    for code, name in json.loads((folder / "chars.json").read_text()).items():
        icon = data["icons"].get(name)
        if icon is not None:
            width, height = icon.get("width", side), icon.get("height", side)
            drawn[_code(code)] = (
                f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
                f'viewBox="0 0 {width} {height}" color="black">{icon["body"]}</svg>'
            )
    return drawn


def _files(folder: Path, suffix: str) -> dict[str, str]:
    return {_code(path.stem): str(path) for path in sorted(folder.glob(f"*{suffix}"))}


def jobs() -> Iterator[dict[str, Any]]:
    """One job per emoji and style."""
    noto = SOURCES / "emoji-datasource-google" / "package/img/google/64"
    twemoji = SOURCES / "emoji-datasource-twitter" / "package/img/twitter/64"
    solid = SOURCES / "lobehub-fluent-emoji-3d" / "package/assets"
    openmoji = SOURCES / "openmoji" / "package"
    black, flat = "@iconify-json/fluent-emoji-high-contrast", "@iconify-json/fluent-emoji-flat"
    styles: list[tuple[str, str, dict[str, str], str, tuple[str, str]]] = [
        (
            "noto",
            "emoji-datasource-google",
            _files(noto, ".png"),
            "from",
            ("Apache-2.0", "Google, Noto Emoji"),
        ),
        ("twemoji", "emoji-datasource-twitter", _files(twemoji, ".png"), "from", ("CC-BY-4.0", "Twitter")),
        ("fluent-3d", "@lobehub/fluent-emoji-3d", _files(solid, ".webp"), "from", FLUENT_LICENCE),
        ("fluent-flat", flat, _iconify("fluent-emoji-flat"), "svg", FLUENT_LICENCE),
        ("fluent-high-contrast", black, _iconify("fluent-emoji-high-contrast"), "svg", FLUENT_LICENCE),
        ("openmoji", "openmoji", _files(openmoji / "color/svg", ".svg"), "from", OPENMOJI_LICENCE),
        ("openmoji-black", "openmoji", _files(openmoji / "black/svg", ".svg"), "from", OPENMOJI_LICENCE),
    ]
    for code, about in names().items():
        for style, source, drawn, how, (licence, author) in styles:
            monochrome = style in ("openmoji-black", "fluent-high-contrast")
            # Without colour, skin tones look alike and flags are empty frames.
            if code in drawn and not (monochrome and (about["tone"] or about["group"] == "flags")):
                yield {
                    "file": f"emoji/{style}/{code}.png", "source": source, "style": style, how: drawn[code],
                    "name": about["name"], "keywords": about["keywords"], "group": about["group"],
                    "tone": about["tone"], "licence": licence, "author": author, "code": code,
                }  # fmt: skip
