"""Choose, draw and write `examples/pictures/`, the queries and the licence table. See README.md."""

from __future__ import annotations

import argparse
import csv
import io
import json
import shutil
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import cairosvg
import licences
import packages
from PIL import Image

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "src"))

from sightword.evaluation.concepts import base_concept, split_of  # noqa: E402

STYLES = ("noto", "twemoji", "fluent-3d", "fluent-flat", "openmoji", "openmoji-line", "high-contrast")
PHOTO_SIDE, DRAWING_SIDE = 512, 320
COLUMNS = (
    *("path", "title", "author", "source", "file", "origin"),
    *("licence", "concept", "split", "seen", "changes"),
)
# Packages whose "train" concepts recipes/starter/ learns from (Noto and Twemoji: the same drawings).
LEARNT_FROM = frozenset([*licences.EMOJI, "openclipart-svg", "tuxpaint-stamps-default"])
Image.MAX_IMAGE_PIXELS = 40_000_000


class Item(NamedTuple):
    """One picture to make; `target` is relative to examples/."""

    target: str
    title: str
    style: str
    package: str
    path: str
    concept: str


def _stem(title: str) -> str:
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    return plain.lower().replace(" ", "-")


def _named(entry: str | list[str], title: str) -> tuple[str, str]:
    """The source, and the name whose base concept counts (given in selection.json where they differ)."""
    return (entry, title) if isinstance(entry, str) else (entry[0], entry[1])


def items(chosen: dict[str, dict[str, Any]]) -> Iterator[Item]:
    """Everything in selection.json; an emoji that is a query is left out of the gallery in that style."""
    queries = chosen["queries"]
    taken = {(style, title) for style, title, *_ in queries.values()}
    for title, code in chosen["emoji"].items():
        for style in STYLES:
            if (style, title) not in taken:
                target = f"pictures/{style}/{_stem(title)}.png"
                yield Item(target, title, style, *packages.emoji(style, code), base_concept(title))
    for style in ("photos", "paintings"):
        for title, entry in chosen[style].items():
            source, name = _named(entry, title)
            target = f"pictures/{style}/{_stem(title)}.jpg"
            package, path = source.split(":", 1)
            yield Item(target, title, style, package, path, base_concept(name))
    for title, entry in chosen["clipart"].items():
        path, name = _named(entry, title)
        inside = f"usr/share/openclipart/svg/{path}"
        target = f"pictures/clipart/{_stem(title)}.png"
        yield Item(target, title, "clipart", "openclipart-svg", inside, base_concept(name))
    for target, (style, title, *source) in queries.items():
        found = source[0].split(":", 1) if source else packages.emoji(style, chosen["emoji"][title])
        yield Item(target, title, style, found[0], found[1], base_concept(title))


def _vector(data: bytes, side: int) -> Image.Image:
    """A drawing at twice the size, cut to what is drawn."""
    png = cairosvg.svg2png(bytestring=data, output_width=2 * side, output_height=2 * side)
    image = Image.open(io.BytesIO(png)).convert("RGBA")
    return image.crop(image.getchannel("A").getbbox())


def draw(item: Item) -> tuple[Image.Image, str]:
    """The picture as RGB without metadata, and what was changed."""
    data = packages.read(item.package, item.path)
    photo = item.style in ("photos", "paintings")
    drawn = not item.target.endswith(".jpg")  # one query is a photograph kept without loss
    side = (400 if drawn else PHOTO_SIDE) if photo else DRAWING_SIDE
    vector = item.path.endswith(".svg") or item.package.startswith("@iconify-json/")
    image = _vector(data, side) if vector else Image.open(io.BytesIO(data))
    if photo:
        cut_out = image.mode in ("RGBA", "LA", "P")
        image = image.convert("RGBA")
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
        white = Image.new("RGBA", image.size, "white")
        changes = f"scaled to {max(image.size)} px{', put on white' if cut_out else ''}{'' if drawn else ', saved as JPEG'}"
        return Image.alpha_composite(white, image).convert("RGB"), changes
    image = image.convert("RGBA")
    inner = side - side // 8
    factor = min(inner / max(image.size), 1.0 if not vector else inner)
    image = image.resize([max(1, round(n * factor)) for n in image.size], Image.Resampling.LANCZOS)
    edge = max(image.size) + side // 8
    white = Image.new("RGBA", (edge, edge), "white")
    white.alpha_composite(image, ((edge - image.width) // 2, (edge - image.height) // 2))
    return white.convert("RGB"), f"drawn on a white square of {edge} px"


def save(image: Image.Image, target: Path) -> None:
    """JPEG for photographs, the smaller of RGB and lossless palette PNG for drawings."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.suffix == ".jpg":
        image.save(target, quality=85, optimize=True, progressive=True)
        return
    if image.getcolors(256) is not None:
        image = image.quantize(256, dither=Image.Dither.NONE)
    image.save(target, optimize=True)


def row(item: Item, origin: licences.Origin, changes: str) -> tuple[str, ...]:
    """One line of the table, in the order of COLUMNS."""
    if origin.changed:
        changes = f"{origin.changed} (by GCompris); {changes}"
    split = split_of(item.concept)
    # The starter's recipe also learns from these photographs and paintings (recipes/starter/views.py).
    learnt = item.package in LEARNT_FROM or item.target.startswith(
        ("pictures/photos/", "pictures/paintings/")
    )
    seen = "yes" if split == "train" and learnt else "no"
    source = (item.package, item.path, origin.origin)
    return (
        *(item.target, item.title, origin.author, *source, origin.licence),
        *(item.concept, split, seen, changes),
    )


def main() -> None:
    """Write everything; the folder is made anew so that nothing unlisted stays."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "examples", help="folder to write into")
    out = parser.parse_args().out
    chosen = json.loads((HERE / "selection.json").read_text(encoding="utf-8"))
    shutil.rmtree(out / "pictures", ignore_errors=True)
    rows = []
    for item in items(chosen):
        image, changes = draw(item)
        save(image, out / item.target)
        rows.append(row(item, licences.origin(item.package, item.path, chosen["stated"]), changes))
    with (out / "LICENCES.tsv").open("w", encoding="utf-8", newline="") as table:
        # Titles may hold quotation marks; no field holds a tab.
        writer = csv.writer(table, "excel-tab", lineterminator="\n", quoting=csv.QUOTE_NONE, quotechar=None)
        writer.writerow(COLUMNS)
        writer.writerows(sorted(rows))
    size = sum(path.stat().st_size for path in (out / "pictures").rglob("*") if path.is_file())
    print(f"{len(rows)} pictures, {size / 1e6:.2f} MB in pictures/")


if __name__ == "__main__":
    main()
