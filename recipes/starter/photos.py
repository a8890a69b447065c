"""Photographs for measuring only: Tux Paint stamps of any licence. Never trained on, never shipped."""

from __future__ import annotations

import json
import re
from typing import Any

from catalog_stamps import STAMPS
from common import HERE, PICTURES
from PIL import Image
from render import on_white

from sightword.evaluation.concepts import base_concept, split_of


def photographs() -> list[dict[str, Any]]:
    """Captioned photographs (PNG stamps outside ``cartoon`` and symbol folders), rendered on white."""
    listed = json.loads((HERE / "stamps_licences.json").read_text())["files"]
    found = []
    for path in sorted(STAMPS.rglob("*.png")):
        inside = path.relative_to(STAMPS)
        caption = path.with_suffix(".txt")
        drawn = {"cartoon", "symbols", "flags", "roadsigns", "houses", "plastic"}.intersection(inside.parts)
        if drawn or not caption.is_file() or path.stem.lower() in listed:
            continue
        name = re.sub(
            r"^(?:an?|the|some)\s+", "", caption.read_text(errors="replace").split("\n", 1)[0].lower()
        ).strip(" .!")
        target = PICTURES / "photos" / f"{inside.with_suffix('').as_posix().replace('/', '-')}.png"
        if not target.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            with Image.open(path) as image:
                on_white(image).save(target)
        concept = base_concept(name)
        found.append(
            {
                "file": f"photos/{target.name}",
                "name": name,
                "concept": concept,
                "split": split_of(concept),
                "style": "photo",
            }
        )
    return found
