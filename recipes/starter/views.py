"""Step 5a: views of every picture that differ only in what a few words say, and their trunk features.

Grey, contours, pencil, tint, background, count, place, upside down, brushed, mosaic, blurred, two things:
each view remembers what was done, and `sayings.py` says it. Photographs and paintings among the example
pictures whose concept belongs to the training split join with random crops, so that "photo" and "painting"
mean something.
"""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import filters
import numpy as np
import openvino
from common import CACHE, FEATURES, PICTURES, PLAIN, ROOT, THREADS, note, records
from extract import TOWERS
from PIL import Image, ImageChops, ImageEnhance, ImageFilter, ImageOps
from real import real_rows

SIZE = 224
VIEWS = CACHE / "views"
EXAMPLES = ROOT / "examples"
COLOURS = {
    "red": (205, 40, 40), "green": (40, 150, 60), "blue": (40, 80, 200), "yellow": (235, 200, 40),
    "orange": (240, 140, 30), "purple": (130, 50, 170), "pink": (240, 130, 180), "brown": (130, 80, 40),
    "grey": (128, 128, 128), "black": (20, 20, 20),
}  # fmt: skip
PART = 2048
NUMBERS = ("one", "two", "three", "four", "five", "six")
KINDS = (
    "jitter", "grey", "edges", "sketch", "tint", "bg", "count", "pos", "flip", "paint", "mosaic", "blur",
    "pair", "cartooned", "ink",
)  # fmt: skip
PHOTO_KINDS = (
    "grey", "edges", "sketch", "sketch", "paint", "oil", "oil", "cartooned", "cartooned", "ink", "ink", "mosaic",
    "blur", "tint", "flip",
)  # fmt: skip
HELD_KINDS = ("watercolour",)
"""Only of pictures that are not learnt from."""
View = tuple[str, str | int | None, Image.Image]
"""Kind, its word (a colour, a number, a place) or the row of the other picture, pixels."""


def square(image: Image.Image) -> Image.Image:
    """The picture, whole, in the middle of a white square."""
    scale = SIZE / max(image.size)
    image = image.resize(
        (max(1, round(image.width * scale)), max(1, round(image.height * scale))), Image.Resampling.BICUBIC
    )
    canvas = Image.new("RGB", (SIZE, SIZE), "white")
    canvas.paste(image, ((SIZE - image.width) // 2, (SIZE - image.height) // 2))
    return canvas


def _placed(image: Image.Image, scale: float, x: float, y: float) -> Image.Image:
    side = max(24, round(SIZE * scale))
    canvas = Image.new("RGB", (SIZE, SIZE), "white")
    canvas.paste(
        image.resize((side, side), Image.Resampling.BICUBIC),
        (round((SIZE - side) * x), round((SIZE - side) * y)),
    )
    return canvas


def _edges(image: Image.Image) -> Image.Image:
    found = np.asarray(image.convert("L").filter(ImageFilter.FIND_EDGES), dtype=np.float32).copy()
    found[:2] = found[:, :2] = found[-2:] = found[:, -2:] = 0  # the filter answers at the rim
    return Image.fromarray((255 - np.clip(found * 2.2, 0, 255)).astype(np.uint8)).convert("RGB")


def _pencil(image: Image.Image) -> Image.Image:
    grey = image.convert("L")
    light = np.asarray(grey, np.float32)
    soft = 255 - np.asarray(ImageOps.invert(grey).filter(ImageFilter.GaussianBlur(5)), np.float32)
    return Image.fromarray(np.clip(light * 255 / np.maximum(soft, 1), 0, 255).astype(np.uint8)).convert("RGB")


def _counted(image: Image.Image, dice: random.Random) -> tuple[str, Image.Image]:
    number = dice.choice((2, 2, 3, 3, 4, 5, 6))
    across = 2 if number <= 4 else 3
    side = SIZE // across
    small = image.resize((side, side), Image.Resampling.BICUBIC)
    canvas = Image.new("RGB", (SIZE, SIZE), "white")
    for i in range(number):
        canvas.paste(small, ((i % across) * side, (i // across) * side + (side // 2 if number == 2 else 0)))
    return NUMBERS[number - 1], canvas


def _somewhere(image: Image.Image, dice: random.Random) -> tuple[str, Image.Image]:
    x, y = dice.choice((0, 0.5, 1)), dice.choice((0, 0.5, 1))
    words = [{0: "top", 0.5: "", 1: "bottom"}[y], {0: "left", 0.5: "", 1: "right"}[x]]
    return " ".join(w for w in words if w) or "middle", _placed(image, dice.uniform(0.25, 0.4), x, y)


def view(kind: str, image: Image.Image, dice: random.Random) -> View:
    """One view of a 224-pixel square."""
    if kind == "jitter":
        placed = _placed(image, dice.uniform(0.6, 1.0), dice.random(), dice.random())
        return kind, None, ImageOps.mirror(placed) if dice.random() < 0.5 else placed
    if kind == "count":
        return (kind, *_counted(image, dice))
    if kind == "pos":
        return (kind, *_somewhere(image, dice))
    if kind == "tint":
        word = dice.choice([c for c in COLOURS if c != "black"])
        colour = COLOURS[word]
        dark = tuple(v // 4 for v in colour)
        return (
            kind,
            word,
            ImageOps.colorize(image.convert("L"), black=dark, mid=colour, white=(255, 255, 255)),
        )
    if kind == "bg":
        word = dice.choice(list(COLOURS))
        colour = tuple(min(255, v + 40) for v in COLOURS[word])
        return kind, word, ImageChops.multiply(image, Image.new("RGB", image.size, colour))
    plain = {
        "plain": lambda: image,
        "grey": lambda: ImageOps.grayscale(image).convert("RGB"),
        "edges": lambda: _edges(image),
        "sketch": lambda: _pencil(image),
        "flip": lambda: ImageOps.flip(image),
        "paint": lambda: image.filter(ImageFilter.ModeFilter(9)).filter(ImageFilter.SMOOTH),
        "mosaic": lambda: image.resize((18, 18), Image.Resampling.BOX).resize(
            (SIZE, SIZE), Image.Resampling.NEAREST
        ),
        "blur": lambda: image.filter(ImageFilter.GaussianBlur(6)),
        "oil": lambda: filters.oil(image, dice),
        "cartooned": lambda: filters.cartoon(image, dice),
        "ink": lambda: filters.ink(image, dice),
        "watercolour": lambda: filters.watercolour(image, dice),
    }
    return kind, None, plain[kind]()


def drawing_views(number: int) -> tuple[int, list[View]]:
    """The plain picture and some views of it, always the same for the same row."""
    rows = _rows()
    row, dice = rows[number], random.Random(number)
    image = square(_open(row))
    kinds = dice.sample(KINDS, 4 if row["split"] == "train" else 2)
    if row.get("tone"):  # skin tones are many and alike
        kinds = kinds[:1]
    found = [view("plain", image, dice)]
    for kind in kinds:
        if kind != "pair":
            found.append(view(kind, image, dice))
            continue
        other = dice.randrange(len(rows))
        while rows[other]["split"] != row["split"] or rows[other].get("tone"):
            other = dice.randrange(len(rows))
        canvas, half = Image.new("RGB", (SIZE, SIZE), "white"), SIZE // 2
        for x, picture in ((0, image), (half, square(_open(rows[other])))):
            canvas.paste(picture.resize((half, half), Image.Resampling.BICUBIC), (x, half // 2))
        found.append((kind, other, canvas))
    return number, found


def photo_rows() -> list[dict[str, Any]]:
    """Photographs and paintings of the examples, and what `real.py` has, as records."""
    with (EXAMPLES / "LICENCES.tsv").open(encoding="utf-8") as table:
        listed = list(csv.DictReader(table, delimiter="\t"))
    shown = [
        {
            "path": str(EXAMPLES / r["path"]), "file": r["path"], "name": r["title"], "keywords": [],
            "style": "painting" if "/paintings/" in r["path"] else "photo",
            "concept": r["concept"], "split": r["split"], "tone": 0,
        }
        for r in listed if r["path"].startswith(("pictures/photos/", "pictures/paintings/"))
    ]  # fmt: skip
    return shown + real_rows()


def photo_views(row: dict[str, Any]) -> list[View]:
    """Random crops, and views of some of them."""
    dice = random.Random(row["file"])
    with Image.open(row["path"]) as file:
        whole = file.convert("RGB")
    count = {"photo": 28, "painting": 48, "cartoon": 10}[row["style"]] if row["split"] == "train" else 6
    found = []
    for i in range(count):
        share = dice.uniform(0.55, 1.0) if i else 1.0
        width, height = int(whole.width * share), int(whole.height * share)
        x, y = dice.randint(0, whole.width - width), dice.randint(0, whole.height - height)
        image = whole.crop((x, y, x + width, y + height)).resize((SIZE, SIZE), Image.Resampling.BICUBIC)
        if i:
            image = ImageOps.mirror(image) if dice.random() < 0.5 else image
            image = ImageEnhance.Brightness(image).enhance(dice.uniform(0.7, 1.25))
            image = ImageEnhance.Color(image).enhance(dice.uniform(0.7, 1.3))
        if i < count * (0.8 if row["style"] == "painting" else 0.4):
            found.append(("jitter" if i else "plain", None, image))
        else:
            found.append(view(dice.choice(PHOTO_KINDS), image, dice))
    if row["split"] != "train":
        found += [view(kind, image, dice) for kind in HELD_KINDS]
    return found


_kept: list[dict[str, Any]] = []


def _rows() -> list[dict[str, Any]]:
    if not _kept:
        _kept.extend(records())
    return _kept


def _open(row: dict[str, Any]) -> Image.Image:
    with Image.open(PICTURES / row["file"]) as file:
        return file.convert("RGB")


def _everything(pool: ProcessPoolExecutor) -> Iterator[tuple[int, View]]:
    rows = _rows()
    for start in range(0, len(rows), PART):  # all at once would hold every picture in memory
        part = range(start, min(start + PART, len(rows)))
        for number, found in pool.map(drawing_views, part, chunksize=32):
            yield from ((number, one) for one in found)
    more = photo_rows()
    for offset, found in enumerate(pool.map(photo_views, more, chunksize=4)):
        yield from ((len(rows) + offset, one) for one in found)


def main() -> None:
    """Write ``features.npy`` [V, SEEN] float16 and ``views.json`` (row, kind, word)."""
    VIEWS.mkdir(parents=True, exist_ok=True)
    settings = {"INFERENCE_NUM_THREADS": THREADS, "INFERENCE_PRECISION_HINT": "f32"}
    tower = openvino.Core().compile_model(str(TOWERS / "trunk.onnx"), "CPU", settings)
    about: list[tuple[int, str, str | int | None]] = []
    features, batch = [], []

    def flush() -> None:
        if batch:
            pixels = np.stack(batch).transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1.0
            features.append(tower(pixels)[0].astype(np.float16))
            batch.clear()

    with ProcessPoolExecutor(2) as pool:
        for number, (kind, word, image) in _everything(pool):
            about.append((number, kind, word))
            batch.append(np.asarray(image))
            if len(batch) == 32:
                flush()
            if len(about) % 10_000 == 0:
                note(f"{len(about)} views")
    flush()
    every = np.concatenate(features)
    np.save(VIEWS / "features.npy", every)
    FEATURES.mkdir(exist_ok=True)
    plain = [v for v, (number, kind, _) in enumerate(about) if kind == "plain" and number < len(_rows())]
    np.save(PLAIN, every[plain])
    (VIEWS / "views.json").write_text(json.dumps(about))
    note(f"{len(about)} views in all")


if __name__ == "__main__":
    main()
