"""COCO object composition: find the picture this cut-out object comes from, given what else it shows
(methods.md 3.6).

::

    coco_eval.csv                     id,query_regions,query_class,classes
    val2017/000000000139.jpg          the gallery
    val2017_masked/000000000139.jpg   the same with all but one object painted white

CSV and masked pictures are made by ``coco_csv.py``, with a seed; the published code draws without one, so
published numbers belong to other draws and compare approximately.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

from sightword.errors import SightwordError
from sightword.evaluation.asking import Asked, by_preset
from sightword.evaluation.benchmark import Loaded
from sightword.evaluation.composed import ComposedQuery
from sightword.evaluation.field import FieldQuery, relative, shot, size_of
from sightword.evaluation.one_target import OneTarget
from sightword.evaluation.reading import few, find, read_text

__all__ = ["COCOCompose"]

COLUMNS = ("id", "query_regions", "query_class", "classes")
PUBLISHED = 4766


class COCOCompose(OneTarget):
    """Object composition on COCO's val2017."""

    name = "coco-compose"
    splits = ("val",)
    main = "R@1"
    ks = (1, 5, 10)
    shown = ("R@1", "R@5", "R@10")
    prompt = "pic2word"
    reference_stays = True

    def read(self, folder: Path, split: str) -> Loaded:
        """See `FieldBenchmark.read`."""
        path = find(
            folder,
            [f"{p}coco_eval.csv" for p in ("", "coco/", "data/coco/")],
            "coco_eval.csv; `sightword data coco-compose DIR` writes it",
        )
        root = path.parent
        pictures, queries, gallery = [], [], []
        for name, box, own, others in _rows(path):
            asked = f"query/{name}"
            file = relative(root / "val2017_masked" / name, folder)
            pictures.append(shot(asked, file, split, ("squash", box)))
            pictures.append(shot(name, relative(root / "val2017" / name, folder), split))
            gallery.append(name)
            queries.append(
                FieldQuery(
                    id=name,
                    task="coco",
                    aspect=own,
                    split=split,
                    references=(asked,),
                    text=" and ".join((own, *others)),
                    targets=(name,),
                    aspects=(own,),
                )
            )
        sizes = [size_of("queries", PUBLISHED), size_of("gallery", PUBLISHED, gallery="coco")]
        return Loaded(
            folder, split, list(pictures), list(queries),
            galleries={"coco": gallery}, sizes=sizes, reference_stays=True,
        )  # fmt: skip

    def asks(self, query: ComposedQuery, prompt: str) -> list[Asked]:
        """``a photo of {*} and ...`` with the region's own class first, as the published code asks."""
        if prompt == "rules":
            return [Asked(f"with {query.text}")]
        return [by_preset(prompt, query.text, "a photo of {*} and {text}", "a photo of {text}")]

    def protocol(self) -> dict[str, str]:
        """In sentences."""
        return {
            "gallery": "the whole pictures, one for each query",
            "query": "the object on white, cut to its box and resized without keeping its shape",
            "R@k": "1 when the own picture is among the first k",
            "ties": "by the gallery's order",
            "draw": "the CSV's; published numbers belong to draws without a seed",
        }


def _rows(path: Path) -> list[tuple[str, tuple[float, ...], str, list[str]]]:
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""))
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise SightwordError(f"The first line of {path} is not {','.join(COLUMNS)}.")
    rows: list[tuple[str, tuple[float, ...], str, list[str]]] = []
    wrong = []
    for number, row in enumerate(reader, start=2):
        try:
            box = tuple(float(value) for value in row["query_regions"].strip().split(";"))
            if len(box) != 4 or not row["id"] or "/" in row["id"]:
                raise ValueError
        except (ValueError, AttributeError):
            wrong.append(number)
            continue
        others = [name for name in (row["classes"] or "").strip().split(";") if name]
        rows.append((row["id"], box, row["query_class"].strip(), others))
    if wrong:
        raise SightwordError(f"Lines of {path} have no picture or no box of four numbers: {few(wrong)}.")
    return rows
