"""GeneCIS: four tasks, each query with its own small gallery (methods.md 3.4).

::

    genecis/{focus_attribute,change_attribute,focus_object,change_object}.json   (or directly)
    VG_100K_all/{image_id}.jpg          (or visual_genome/..., VG_100K and VG_100K_2)
    val2017/{image_id:012d}.jpg         (or coco/..., coco2017/...)
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sightword.errors import SightwordError
from sightword.evaluation.asking import Asked, by_preset
from sightword.evaluation.benchmark import Loaded
from sightword.evaluation.composed import ComposedQuery
from sightword.evaluation.field import FieldQuery, Shot, relative, shot, size_of
from sightword.evaluation.one_target import OneTarget
from sightword.evaluation.reading import few, field_of, find, read_json

__all__ = ["GeneCIS"]

TASKS = ("focus_attribute", "change_attribute", "focus_object", "change_object")
PUBLISHED = {"focus_object": 1960, "change_object": 1960}
"""Queries; those of the attribute tasks could not be verified and are only counted."""
CANDIDATES = {"focus_object": 15, "change_object": 15}


class GeneCIS(OneTarget):
    """GeneCIS ("v0", as its authors call the release).

    Parameters
    ----------
    parity : bool
        Ask the object tasks with the text "0", as the code did that published numbers came from.
    allow_missing : bool
    """

    name = "genecis"
    splits = ("test",)
    main = "R@1"
    ks = (1, 2, 3)
    shown = ("R@1", "R@2", "R@3")

    def __init__(self, parity: bool = False, allow_missing: bool = False) -> None:
        super().__init__(allow_missing)
        self.parity = parity

    def read(self, folder: Path, split: str) -> Loaded:
        """See `FieldBenchmark.read`."""
        lost = []
        pictures: dict[str, Shot] = {}
        queries: list[FieldQuery] = []
        for task in TASKS:
            try:
                path = find(folder, [f"{p}{task}.json" for p in ("genecis/", "", "GeneCIS/")], f"{task}.json")
            except SightwordError:
                if not self.allow_missing:
                    raise
                lost.append(f"the task {task} is missing")
                continue
            queries += _queries(path, task, split, folder, pictures)
        present = list(dict.fromkeys(query.task for query in queries))
        sizes = [size_of(f"{task} queries", PUBLISHED.get(task), task=task) for task in present]
        double = sum(q.targets[0] in q.candidates[1:] for q in queries)
        facts: dict[str, Any] = {
            "candidates": {
                task: sorted({len(q.candidates) for q in queries if q.task == task}) for task in present
            },
            "targets that are also distractors": double,
        }
        wrong = [
            f"{q.id} has {len(q.candidates)}"
            for q in queries
            if len(q.candidates) != CANDIDATES.get(q.task, len(q.candidates))
        ]
        if wrong:
            raise SightwordError(f"GeneCIS' object queries have 15 candidates, but {few(wrong)}.")
        return Loaded(
            folder, split, list(pictures.values()), list(queries), facts,
            sizes=sizes, lost=lost, reference_stays=True,
        )  # fmt: skip

    def asks(self, query: ComposedQuery, prompt: str) -> list[Asked]:
        """The bare condition; "0" for objects with `parity`."""
        return [by_preset(prompt, "0" if self.parity and query.task.endswith("object") else query.text)]

    def protocol(self) -> dict[str, str]:
        """In sentences."""
        return {
            "gallery": "each query's own: the target, then its distractors",
            "R@k": "1 when the target is among the first k of its candidates",
            "overall": "plain mean of the tasks",
            "ties": "in the published order, the target first",
            "crop": "attribute tasks: the box and 0.7 of its size to the left and the top, black square",
            "texts": 'object tasks: "0", the mistake of published code' if self.parity else "the condition",
        }


def _queries(path: Path, task: str, split: str, folder: Path, pictures: dict[str, Shot]) -> list[FieldQuery]:
    objects = task.endswith("object")
    places = _places(folder, objects)

    def take(entry: Any) -> str:
        if objects:
            number, view, name = int(field_of(entry, path, "val_image_id")), None, ""
            name, file = f"coco/{number}", f"{number:012d}.jpg"
        else:
            number = int(field_of(entry, path, "image_id"))
            box = tuple(float(value) for value in field_of(entry, path, "instance_bbox"))
            if len(box) != 4:
                raise SightwordError(f"A box of {path} has {len(box)} numbers: {entry}.")
            name, file = f"vg/{number}@{','.join(f'{value:g}' for value in box)}", f"{number}.jpg"
            view = ("genecis", box)
        if name not in pictures:
            found = next((place / file for place in places if (place / file).is_file()), places[0] / file)
            pictures[name] = shot(name, relative(found, folder), split, view)
        return name

    queries = []
    for number, entry in enumerate(read_json(path, list)):
        target = take(field_of(entry, path, "target"))
        distractors = [take(item) for item in field_of(entry, path, "gallery")]
        queries.append(
            FieldQuery(
                id=f"{task}/{number}",
                task=task,
                aspect=task,
                split=split,
                references=(take(field_of(entry, path, "reference")),),
                text=str(field_of(entry, path, "condition")),
                targets=(target,),
                candidates=(target, *distractors),
            )
        )
    return queries


def _places(folder: Path, objects: bool) -> list[Path]:
    roots = (folder, folder / "coco", folder / "coco2017") if objects else (folder, folder / "visual_genome")
    inner = ("val2017",) if objects else ("VG_100K_all", "VG_100K", "VG_100K_2")
    there = [root / name for root in roots for name in inner if (root / name).is_dir()]
    return there or [folder / inner[0]]
