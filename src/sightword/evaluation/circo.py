"""CIRCO: 123,403 photographs, several right answers a query, mean average precision (methods.md 3.3).

::

    annotations/{val,test}.json
    COCO2017_unlabeled/annotations/image_info_unlabeled2017.json
    COCO2017_unlabeled/unlabeled2017/000000243611.jpg
"""

from __future__ import annotations

from pathlib import Path

from sightword.errors import SightwordError
from sightword.evaluation.benchmark import Loaded
from sightword.evaluation.chance import average_precision_by_chance, recall_by_chance
from sightword.evaluation.composed import ComposedQuery
from sightword.evaluation.field import FieldBenchmark, FieldQuery, relative, shot, size_of
from sightword.evaluation.metrics import average_precision_at_k, recall_at_k
from sightword.evaluation.ranking import Ranked
from sightword.evaluation.reading import few, field_of, find, read_json

__all__ = ["CIRCO"]

PUBLISHED = {"val": 220, "test": 800}
GALLERY = 123_403
KS = (5, 10, 25, 50)
INFO = "image_info_unlabeled2017.json"


class CIRCO(FieldBenchmark):
    """CIRCO's validation split, or its test split, whose answers only the server knows."""

    name = "circo"
    splits = ("val", "test")
    main = "mAP@5"
    by_aspect = "mAP@10"
    """As the authors' script has it."""
    shown = tuple(f"mAP@{k}" for k in KS)
    reference_stays = True

    def read(self, folder: Path, split: str) -> Loaded:
        """See `FieldBenchmark.read`."""
        asked = find(folder, [f"{p}annotations/{split}.json" for p in ("", "CIRCO/")], "CIRCO annotations")
        root = asked.parent.parent
        info = find(
            root,
            [f"COCO2017_unlabeled/annotations/{INFO}", f"annotations/{INFO}", f"unlabeled2017/{INFO}"],
            INFO,
        )
        base = next(
            (
                root / place
                for place in ("COCO2017_unlabeled/unlabeled2017", "unlabeled2017")
                if (root / place).is_dir()
            ),
            root / "COCO2017_unlabeled/unlabeled2017",
        )
        inside = relative(base, folder)
        images = field_of(read_json(info, dict), info, "images")
        pictures = [
            shot(str(field_of(i, info, "id")), f"{inside}/{field_of(i, info, 'file_name')}", split)
            for i in images
        ]
        sizes = [size_of("queries", PUBLISHED[split]), size_of("gallery", GALLERY, gallery="")]
        queries = read_queries(asked, split)
        return Loaded(folder, split, list(pictures), list(queries), sizes=sizes, reference_stays=True)

    def score(self, query: ComposedQuery, ranking: Ranked) -> dict[str, float]:
        """Average precision over all right answers; recall of the first one."""
        if not query.targets:
            return {}
        top = ranking.top(max(KS))
        found = {f"mAP@{k}": average_precision_at_k(top, query.targets, k) for k in KS}
        return found | {f"R@{k}": recall_at_k(top, query.targets[:1], k) for k in KS}

    def chance(self, query: ComposedQuery, size: int) -> dict[str, float]:
        """Of a random ranking."""
        if not query.targets:
            return {}
        found = {f"mAP@{k}": average_precision_by_chance(size, len(query.targets), k) for k in KS}
        return found | {f"R@{k}": recall_by_chance(size, 1, k) for k in KS}

    def protocol(self) -> dict[str, str]:
        """In sentences."""
        return {
            "gallery": "all pictures of COCO 2017 unlabeled; the reference stays",
            "mAP@k": "sum over the first k of (right so far) / place at right answers, over min(right, k)",
            "R@k": "1 when the target that the query was written for is among the first k",
            "aspects": "means over the queries that carry the aspect",
            "ties": "by the gallery's order",
        }


def read_queries(path: Path, split: str) -> list[FieldQuery]:
    """CIRCO's annotation file alone.

    Raises
    ------
    SightwordError
        Ids are not 0, 1, ... in order, or the target is not the first of the right answers.
    """
    queries, wrong = [], []
    for number, entry in enumerate(read_json(path, list)):
        reference = str(field_of(entry, path, "reference_img_id"))
        targets: tuple[str, ...] = ()
        if split == "val":
            targets = tuple(str(item) for item in field_of(entry, path, "gt_img_ids"))
            first = str(field_of(entry, path, "target_img_id"))
            if targets[:1] != (first,) or len(set(targets)) != len(targets) or reference in targets:
                wrong.append(f"query {entry.get('id')}")
        if field_of(entry, path, "id") != number:
            wrong.append(f"id {entry['id']} at place {number}")
        queries.append(
            FieldQuery(
                id=str(number),
                task="circo",
                aspect="",
                split=split,
                references=(reference,),
                text=str(field_of(entry, path, "relative_caption")),
                targets=targets,
                words={"shared concept": str(entry.get("shared_concept", ""))},
                aspects=tuple(str(item) for item in entry.get("semantic_aspects", ())),
            )
        )
    if wrong:
        raise SightwordError(f"{path} contradicts itself: {few(wrong)}.", "Get the file again.")
    return queries
