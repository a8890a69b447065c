"""Tux Paint stamps: only those whose own licence note is public domain or CC-BY(-SA)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from common import HERE, SOURCES

STAMPS = SOURCES / "tuxpaint-stamps-default" / "usr/share/tuxpaint/stamps"


def _licence(path: Path, listed: dict[str, list[str]]) -> tuple[str, str] | None:
    if path.stem.lower() in listed:
        licence, author = listed[path.stem.lower()]
        return licence, author
    if path.suffix != ".svg":
        return None
    text = path.read_text(errors="replace")
    found = re.search(r'cc:license\s+rdf:resource="([^"]*)"', text)
    if found is None:
        return None
    creator = re.search(r"<dc:creator>.*?<dc:title>([^<]*)", text, re.DOTALL)
    author = creator.group(1).strip() if creator else "unknown"
    url = found.group(1).lower().rstrip("/")
    if url.endswith(("publicdomain", "public domain")):
        return "public domain", author
    return ("CC-BY-3.0", author) if "/by/" in url else None


def jobs() -> Iterator[dict[str, Any]]:
    """One job per stamp with a caption and a free licence."""
    listed = json.loads((HERE / "stamps_licences.json").read_text())["files"]
    for path in sorted(STAMPS.rglob("*")):
        caption = path.with_suffix(".txt")
        if path.suffix not in (".png", ".svg") or not caption.is_file():
            continue
        licence = _licence(path, listed)
        sentence = caption.read_text(errors="replace").split("\n", 1)[0].strip()
        if licence is None or not sentence:
            continue
        name = re.sub(r"^(?:an?|the|some)\s+", "", sentence.rstrip(".!").lower())
        inside = path.relative_to(STAMPS)
        photo = path.suffix == ".png"
        yield {
            "file": f"stamps/{inside.with_suffix('').as_posix().replace('/', '-')}.png",
            "source": "tuxpaint-stamps-default", "style": "photo" if photo else "clipart", "from": str(path),
            "name": name, "keywords": [], "caption": sentence, "group": inside.parent.as_posix(), "tone": 0,
            "licence": licence[0], "author": licence[1], "code": inside.as_posix(),
        }  # fmt: skip
