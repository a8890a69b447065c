"""A benchmark in StyleShift's layout that asks for colours, which the tiny backbone understands."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from PIL import Image

from sightword.evaluation.composed import ComposedQuery, Picture, write_rows

SHAPES = ("left", "top", "corner", "right", "bottom", "middle")
COLOURS = {"red": (230, 20, 20), "green": (20, 220, 20), "blue": (20, 20, 230), "purple": (220, 20, 220)}
BOXES = {
    "left": (0, 0, 16, 32), "top": (0, 0, 32, 16), "corner": (0, 0, 16, 16), "right": (16, 0, 32, 32),
    "bottom": (0, 16, 32, 32), "middle": (8, 8, 24, 24),
}  # fmt: skip


def write_benchmark(folder: Path) -> Path:
    """Write it and return its folder: six shapes in four colours, split ``test``."""
    (folder / "pictures").mkdir(parents=True)
    pictures = []
    for shape in SHAPES:
        for colour, value in COLOURS.items():
            page = Image.new("RGB", (32, 32), value)
            page.paste("white", BOXES[shape])
            path = folder / "pictures" / f"{shape}-{colour}.png"
            page.save(path)
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            pictures.append(
                Picture(
                    f"{shape}-{colour}",
                    f"pictures/{path.name}",
                    digest,
                    "test",
                    "emoji",
                    colour,
                    shape,
                    (shape,),
                )
            )
    queries = []
    for shape, other in zip(SHAPES, (*SHAPES[1:], SHAPES[0])):
        for colour in ("green", "blue", "purple"):
            queries.append(
                ComposedQuery(
                    id=f"domain/{shape}/{colour}",
                    task="domain",
                    aspect=colour,
                    split="test",
                    references=(f"{shape}-red",),
                    text=f"in {colour}",
                    targets=(f"{shape}-{colour}",),
                    caption=f"a {colour} picture",
                    ignored=(f"{other}-red",),
                    group=shape,
                )
            )
        queries.append(
            ComposedQuery(
                id=f"conflict/{shape}",
                task="conflict",
                aspect="conflict",
                split="test",
                references=(f"{shape}-red",),
                text="a blue picture",
                targets=(),
                caption="a blue picture",
                agree={
                    "picture": tuple(f"{shape}-{colour}" for colour in ("green", "blue", "purple")),
                    "text": tuple(f"{any_shape}-blue" for any_shape in SHAPES),
                },
                group=shape,
            )
        )
    write_rows(folder / "gallery.jsonl", pictures)
    write_rows(folder / "queries.jsonl", queries)
    manifest = {
        "name": "styleshift",
        "version": 1,
        "splits": ["test"],
        "made with": {},
        "files": {"queries.jsonl": "", "gallery.jsonl": ""},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder
