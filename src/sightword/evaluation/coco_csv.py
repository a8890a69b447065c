"""Write the COCO object composition benchmark from COCO's own annotations, with a seed (methods.md 3.6).

The published code draws one object a picture without a seed, so everybody has another benchmark. Here the
draw depends on the seed and the picture's id alone: the same CSV everywhere.
"""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from sightword.errors import SightwordError
from sightword.evaluation.coco_compose import COLUMNS
from sightword.evaluation.reading import few, field_of, find, read_json
from sightword.pictures.decode import decode
from sightword.update.progress import Progress

__all__ = ["Row", "choose_rows", "object_mask", "write_coco_compose"]

SMALLEST = 0.05
"""Square pixels. The published code means 5 % of the picture and says this; so do its numbers."""
LARGEST = 0.5
"""Share of the picture."""
QUALITY = 95


@dataclass(frozen=True)
class Row:
    """A line of the CSV.

    Attributes
    ----------
    file : str
    box : tuple of float
        x1, y1, x2, y2.
    own : str
        Class of the object.
    others : tuple of str
        Other classes in the picture, in order of first appearance.
    segmentation : list or dict
        COCO's polygons or run lengths.
    size : tuple of int
        Width and height.
    """

    file: str
    box: tuple[float, float, float, float]
    own: str
    others: tuple[str, ...]
    segmentation: Any
    size: tuple[int, int]


def choose_rows(instances: Mapping[str, Any], seed: int = 0) -> list[Row]:
    """Draw one object of every picture that has a suitable one; sorted by file.

    Parameters
    ----------
    instances : dict
        COCO's ``instances_val2017.json``.
    seed : int
    """
    classes = {item["id"]: str(item["name"]) for item in instances["categories"]}
    of_picture: dict[int, list[Any]] = {}
    for item in instances["annotations"]:
        of_picture.setdefault(item["image_id"], []).append(item)
    rows = []
    for image in instances["images"]:
        objects = of_picture.get(image["id"], [])
        limit = LARGEST * image["width"] * image["height"]
        fitting = [item for item in objects if SMALLEST < item["bbox"][2] * item["bbox"][3] < limit]
        if not fitting:
            continue
        drawn = random.Random(f"{seed}/{image['id']}").choice(fitting)
        own = classes[drawn["category_id"]]
        others = dict.fromkeys(classes[item["category_id"]] for item in objects)
        x, y, w, h = (float(value) for value in drawn["bbox"])
        rows.append(
            Row(
                str(image["file_name"]), (x, y, x + w, y + h), own,
                tuple(name for name in others if name != own),
                drawn["segmentation"], (int(image["width"]), int(image["height"])),
            )
        )  # fmt: skip
    return sorted(rows, key=lambda row: row.file)


def object_mask(segmentation: Any, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Where the object is.

    Parameters
    ----------
    segmentation : list of polygons, or dict with ``counts`` and ``size``
        Run lengths go down the columns, the first run is outside.
    size : tuple of int
        Width and height.

    Returns
    -------
    bool [H, W]
    """
    width, height = size
    if isinstance(segmentation, dict):
        counts = segmentation["counts"]
        if not isinstance(counts, Sequence) or isinstance(counts, str):
            raise SightwordError("Compressed run lengths are not read; COCO's own files have none.")
        inside = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
        return np.asarray(inside.reshape(width, height).T, dtype=np.bool_)
    page = Image.new("1", size)
    for polygon in segmentation:
        if len(polygon) >= 6:
            ImageDraw.Draw(page).polygon([float(value) for value in polygon], fill=1, outline=1)
    return np.array(page, dtype=bool)


def write_coco_compose(folder: Path, *, seed: int = 0, progress: Progress | None = None) -> int:
    """Write ``coco_eval.csv`` and ``val2017_masked/`` beside ``val2017/``.

    Parameters
    ----------
    folder : Path
        With ``annotations/instances_val2017.json`` and ``val2017/``.
    seed : int
    progress : Progress, optional

    Returns
    -------
    int
        How many queries there are.

    Raises
    ------
    SightwordError
        Annotations or pictures are missing.
    """
    progress = progress or Progress()
    path = find(folder, ["annotations/instances_val2017.json", "instances_val2017.json"], "annotations")
    instances = read_json(path, dict)
    for key in ("images", "annotations", "categories"):
        field_of(instances, path, key)
    rows = choose_rows(instances, seed)
    if missing := [row.file for row in rows if not (folder / "val2017" / row.file).is_file()]:
        raise SightwordError(
            f"{len(missing):,} of {len(rows):,} pictures are not in {folder / 'val2017'}: {few(missing)}.",
            "Complete the folder.",
        )
    masked = folder / "val2017_masked"
    masked.mkdir(exist_ok=True)
    progress.description("painting all but one object white")
    progress.total(len(rows))
    for row in rows:
        pixels = decode(folder / "val2017" / row.file, preset="clip")
        mask = object_mask(row.segmentation, (pixels.shape[1], pixels.shape[0]))
        pixels[~mask] = 255
        Image.fromarray(pixels).save(masked / row.file, quality=QUALITY)
        progress.advance()
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        # The space behind the box is the published file's.
        writer.writerow([row.file, ";".join(map(str, row.box)) + " ", row.own, ";".join(row.others)])
    (folder / "coco_eval.csv").write_text(text.getvalue(), encoding="utf-8", newline="\n")
    return len(rows)
