"""Step 2: every picture as RGB on white, at most 256 px, and one record per picture."""

from __future__ import annotations

import io
import json
import multiprocessing
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import cairosvg
import catalog_clipart
import catalog_emoji
import catalog_stamps
from common import CACHE, PICTURES, RECORDS, note
from PIL import Image

from sightword.evaluation.concepts import base_concept, split_of

SIDE = 256
Image.MAX_IMAGE_PIXELS = 40_000_000


def _open(job: dict[str, Any]) -> Image.Image:
    source = job.get("svg") or job["from"]
    if "svg" in job or source.endswith(".svg"):
        data = source.encode() if "svg" in job else Path(source).read_bytes()
        # Some drawings ask for more than 160 megapixels unless a size is given.
        png = cairosvg.svg2png(bytestring=data, output_width=SIDE, output_height=SIDE)
        return Image.open(io.BytesIO(png))
    return Image.open(source)


def on_white(image: Image.Image, side: int = SIDE) -> Image.Image:
    """RGB on white, no side longer than `side`."""
    image = image.convert("RGBA")
    image.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")


def _grey(path: Path) -> bool:
    """Whether a picture has no colour to speak of."""
    with Image.open(path) as picture:
        _, saturation, value = picture.convert("HSV").split()
        coloured = Image.composite(
            saturation, Image.new("L", picture.size), value.point(lambda v: 255 * (v > 40))
        )
        return sum(coloured.histogram()[60:]) < 0.01 * picture.width * picture.height


def render(job: dict[str, Any]) -> dict[str, Any] | str:
    """Write one picture; the record, or the reason why there is none."""
    target = PICTURES / job["file"]
    try:
        if not target.is_file():
            picture = on_white(_open(job))
            if min(picture.size) < 16 or all(low == high for low, high in picture.getextrema()):
                return f"{job['file']}: empty or tiny"
            target.parent.mkdir(parents=True, exist_ok=True)
            picture.save(target, compress_level=3)
    except Exception as error:  # a broken drawing is reported and left out
        return f"{job['file']}: {type(error).__name__} {error}"[:200]
    if job["style"] == "clipart" and _grey(target):
        job["style"] = "clipart-black"
    concept = base_concept(job["name"])
    record = {key: value for key, value in job.items() if key not in ("svg", "from")}
    return {
        **record,
        "concept": concept,
        "split": split_of(concept),
        "original": job.get("from", job["code"]),
    }


def main() -> None:
    """Render everything with two processes."""
    jobs = [*catalog_emoji.jobs(), *catalog_clipart.jobs(), *catalog_stamps.jobs()]
    note(f"{len(jobs)} pictures to render")
    kept, failed = [], []
    with multiprocessing.Pool(int(sys.argv[1]) if len(sys.argv) > 1 else 2) as pool:
        for done, result in enumerate(pool.imap(render, jobs, chunksize=64)):
            (failed if isinstance(result, str) else kept).append(result)
            if done % 4000 == 3999:
                note(f"{done + 1} done, {len(failed)} left out")
    temporary = RECORDS.with_suffix(".part")
    temporary.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in kept), encoding="utf-8")
    temporary.replace(RECORDS)
    (CACHE / "left_out.txt").write_text("\n".join(map(str, failed)))
    note(f"{len(kept)} records, {len(failed)} left out")
    for key in ("style", "split", "licence"):
        note(f"{key}: {dict(Counter(record[key] for record in kept))}")


if __name__ == "__main__":
    main()
