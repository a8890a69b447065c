"""CIRR: everyday photographs, with the reference removed and a small group to tell apart (methods.md 3.2).

::

    cirr/captions/cap.rc2.{val,test1}.json            (or captions/...)
    cirr/image_splits/split.rc2.{val,test1}.json      (or image_splits/...)
    dev/*.png, test1/*.png                            (or below img_raw/)
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sightword.errors import SightwordError
from sightword.evaluation.benchmark import Loaded
from sightword.evaluation.chance import recall_by_chance
from sightword.evaluation.composed import ComposedQuery
from sightword.evaluation.field import FieldBenchmark, FieldQuery, relative, shot, size_of
from sightword.evaluation.metrics import recall_of_ranks
from sightword.evaluation.ranking import Ranked
from sightword.evaluation.reading import few, field_of, find, read_json

__all__ = ["CIRR"]

PUBLISHED = {"val": (4181, 2297), "test1": (4148, 2315)}
KS = (1, 5, 10, 50)
SUBSET_KS = (1, 2, 3)
MEMBERS = 6
SUMMARY = "mean(R@5, Rs@1)"


class CIRR(FieldBenchmark):
    """CIRR's validation split, or its test split, whose answers only the server knows."""

    name = "cirr"
    splits = ("val", "test1")
    main = "R@5"
    shown = ("R@1", "R@5", "R@10", "R@50", "Rs@1", "Rs@2", "Rs@3", SUMMARY)

    def load(self, folder: Path, split: str) -> Loaded:
        """See `FieldBenchmark.load`; ``test`` is ``test1``, the only test split there is."""
        return super().load(folder, "test1" if split == "test" else split)

    def read(self, folder: Path, split: str) -> Loaded:
        """See `FieldBenchmark.read`."""
        roots = [inner for inner in (".", "CIRR", "cirr_dataset") if (folder / inner).is_dir()]
        places = [f"{root}/{inner}" for root in roots for inner in ("cirr/", "")]
        captions = find(folder, [f"{p}captions/cap.rc2.{split}.json" for p in places], "CIRR captions")
        listed = find(folder, [f"{p}image_splits/split.rc2.{split}.json" for p in places], "CIRR splits")
        root = listed.parent.parent
        files = {str(name): str(file) for name, file in read_json(listed, dict).items()}
        first = next(iter(files.values()), "")
        base = next((d for d in _bases(root) if (d / first).is_file()), _bases(root)[0])
        pictures = [shot(name, relative(base / file, folder), split) for name, file in files.items()]
        queries = _queries(captions, split)
        sizes = [
            size_of("queries", PUBLISHED[split][0]),
            size_of("gallery", PUBLISHED[split][1], gallery=""),
        ]
        return Loaded(folder, split, list(pictures), list(queries), sizes=sizes)

    def score(self, query: ComposedQuery, ranking: Ranked) -> dict[str, float]:
        """Hit rates in the gallery and within the group."""
        if not query.targets:
            return {}
        places = ranking.places(query.targets)
        within = ranking.order(query.subset) if isinstance(query, FieldQuery) else []
        place = [1 + within.index(query.targets[0])]
        found = {f"R@{k}": recall_of_ranks(places, k) for k in KS}
        found |= {f"Rs@{k}": recall_of_ranks(place, k) for k in SUBSET_KS}
        return found | {SUMMARY: (found["R@5"] + found["Rs@1"]) / 2}

    def chance(self, query: ComposedQuery, size: int) -> dict[str, float]:
        """K / (N - 1), and K / 5 within the group."""
        if not query.targets:
            return {}
        found = {f"R@{k}": recall_by_chance(size, 1, k) for k in KS}
        found |= {f"Rs@{k}": recall_by_chance(MEMBERS - 1, 1, k) for k in SUBSET_KS}
        return found | {SUMMARY: (found["R@5"] + found["Rs@1"]) / 2}

    def protocol(self) -> dict[str, str]:
        """In sentences."""
        return {
            "gallery": "all pictures of the split; the reference is taken out",
            "R@k": "1 when the target is among the first k",
            "Rs@k": "the same among the five other pictures of the reference's group",
            SUMMARY: "the single figure that CIRR's authors propose",
            "ties": "by the gallery's order",
        }


def _queries(path: Path, split: str) -> list[FieldQuery]:
    queries, wrong = [], []
    for entry in read_json(path, list):
        pair = str(field_of(entry, path, "pairid"))
        reference = str(field_of(entry, path, "reference"))
        members = [str(name) for name in field_of(entry, path, "img_set", "members")]
        target = (str(field_of(entry, path, "target_hard")),) if split == "val" else ()
        if len(set(members)) != MEMBERS or not {reference, *target} <= set(members):
            wrong.append(pair)
        queries.append(
            FieldQuery(
                id=pair,
                task="cirr",
                aspect="",
                split=split,
                references=(reference,),
                text=_text(field_of(entry, path, "caption")),
                targets=target,
                subset=tuple(name for name in members if name != reference),
            )
        )
    if wrong:
        raise SightwordError(
            f"Groups of {path} have not six pictures with reference and target among them: {few(wrong)}."
        )
    return queries


def _bases(root: Path) -> list[Path]:
    """Folders that the paths of the split file may start from."""
    tops = (root.parent, root) if root.name == "cirr" else (root,)
    return [top / inner for top in tops for inner in ("", "img_raw", "images")]


def _text(value: Any) -> str:
    return str(value or "")
