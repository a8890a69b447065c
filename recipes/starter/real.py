"""Real photographs, paintings and cartoons with a name, from two teaching games whose pictures are free.

Photographs and paintings: GCompris (each picture folder names the licence of every file; only public domain,
CC0, CC-BY and CC-BY-SA are read). Cartoons: Art4Apps inside pysiogame (CC-BY-SA). A file's name says what is
on it; numbers and camels' humps are taken off.
"""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Iterator
from typing import Any

from common import PICTURES, ROOT, SOURCES
from PIL import Image

from sightword.evaluation.concepts import base_concept, split_of

sys.path.append(str(ROOT / "recipes" / "examples"))
os.environ.setdefault("EXAMPLES_CACHE", str(SOURCES.parent))
import licences
import packages

PHOTOGRAPHS = (
    "categorization/resource/images/fishes", "categorization/resource/images/monuments",
    "categorization/resource/images/others", "categorization/resource/images/renewable",
    "categorization/resource/images/tools", "erase/resource", "explore_farm_animals/resource/animals",
    "explore_monuments/resource/france", "explore_monuments/resource/germany",
    "explore_monuments/resource/india", "explore_monuments/resource/usa",
    "explore_monuments/resource/wonders", "explore_world_animals/resource/animals",
)  # fmt: skip
PAINTINGS = {
    "babyshapes/resource/image/Bosschaert_04_background.webp": "vase of flowers",
    "babyshapes/resource/image/Paul_Gauguin_006_background.webp": "women and a dog in a field",
    "babyshapes/resource/image/Pieter_Bruegel_background.webp": "village wedding",
    "babyshapes/resource/image/Van_Gogh_0011_background.webp": "bedroom",
    "details/resource/image/Eglise_dAuvers-sur-Oise_background.webp": "church",
    "details/resource/image/Gogh4_background.webp": "cafe at night",
    "details/resource/image/PortraitOfPereTanguy_background.webp": "portrait of a man",
    "details/resource/image/VincentVanGogh0012_background.webp": "hall with arches",
    "details/resource/image/VincentVanGogh0013_background.webp": "garden",
    "details/resource/image/VincentVanGogh0019_background.webp": "harvest landscape",
    "details/resource/image/VincentVanGoghBridge_background.webp": "drawbridge",
}
WRONG = {"dragon", "monument", "le musee", "nail cutter", "cutting tool", "buffet set", "burj", "bayterek"}
CARTOONS = SOURCES / "pysiogame/usr/share/games/pysiogame/res/images/art4apps"
FREE = licences.ALLOWED | {"CC-BY-3.0", "CC-BY-SA-2.0", "CC-BY-SA-2.5", "CC-BY-SA-3.0"}
SIDE = 448


def _name(stem: str) -> str:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", stem.replace("_", " "))
    return re.sub(r"[\d ]+$", "", words).lower()


def _kept(content: bytes, kind: str, stem: str) -> str:
    """Where the picture lies, on white, at most SIDE pixels wide or high."""
    target = PICTURES / "real" / f"{kind}-{stem}.png"
    if not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(io.BytesIO(content)) as file:
            image = file.convert("RGBA")
        image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
        white = Image.new("RGB", image.size, "white")
        white.paste(image, mask=image.getchannel("A"))
        white.save(target)
    return str(target)


def _listed() -> Iterator[tuple[str, str, str, bytes]]:
    """Style, name, stem and content."""
    for activity in sorted({place.split("/", 1)[0] for place in PHOTOGRAPHS}):
        resources = packages.folder("gcompris-qt-data") / "usr/share/gcompris-qt/rcc" / f"{activity}.rcc"
        for inside in sorted(packages._qt_resources(resources)):
            path = inside.removeprefix("gcompris/src/activities/")
            place, _, file = path.rpartition("/")
            stem, _, ending = file.rpartition(".")
            if place in PHOTOGRAPHS and ending == "webp" and _name(stem) not in WRONG:
                yield from _free(path, "photo", _name(stem), f"{activity}-{stem}")
    for path, name in PAINTINGS.items():
        yield from _free(path, "painting", name, path.rsplit("/", 1)[-1].removesuffix(".webp"))
    for file in sorted(CARTOONS.rglob("*.jpg")):
        if file.parent.name not in (
            "actions",
            "body",
        ):  # arrows point at parts of bodies; verbs have no picture
            yield "cartoon", _name(file.stem), f"{file.parent.name}-{file.stem}", file.read_bytes()


def _free(path: str, style: str, name: str, stem: str) -> Iterator[tuple[str, str, str, bytes]]:
    try:
        licence = licences._gcompris(path).licence
    except SystemExit:
        return
    if licence in FREE:
        yield style, name, stem, packages.read("gcompris-qt-data", path)


def real_rows() -> list[dict[str, Any]]:
    """Records, in a fixed order."""
    found = []
    for style, name, stem, content in _listed():
        concept = base_concept(name)
        found.append(
            {
                "path": _kept(content, style, stem), "file": f"real/{style}-{stem}.png", "name": name,
                "keywords": [], "style": style, "concept": concept, "split": split_of(concept), "tone": 0,
            }
        )  # fmt: skip
    return found
