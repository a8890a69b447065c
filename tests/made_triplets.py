"""Triplets about colours, which the tiny backbone understands."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image

from made_benchmark import BOXES, COLOURS

PAIRS = [(old, new) for old in COLOURS for new in COLOURS if old != new]


def write_triplets(folder: Path, scenes: int = 30, name: str = "triplets.csv") -> Path:
    """A white part on pages of four colours, ``scenes`` times, and every change of colour; the table."""
    dice = np.random.default_rng(0)
    (folder / "pictures").mkdir(parents=True)
    rows = []
    for scene in range(scenes):
        dimmed, grey = dice.integers(0, 60, 3), int(dice.integers(120, 255))
        for colour, value in COLOURS.items():
            page = Image.new(
                "RGB", (32, 32), tuple(int(x) for x in np.clip(np.array(value) - dimmed, 0, 255))
            )
            page.paste((grey, grey, grey), list(BOXES.values())[scene % len(BOXES)])
            page.save(folder / "pictures" / f"{scene}-{colour}.png")
        rows += [
            (f"pictures/{scene}-{old}.png", f"but {new}", f"pictures/{scene}-{new}.png", f"scene {scene}")
            for old, new in PAIRS
        ]
    path = folder / name
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["reference", "text", "target", "group"])
        writer.writerows(rows[index] for index in dice.permutation(len(rows)))
    return path
