"""FashionIQ: which garment looks like this one, changed as two short captions say? (methods.md 3.1)

::

    captions/cap.{dress,shirt,toptee}.{val,test}.json         (or json/...)
    image_splits/split.{dress,shirt,toptee}.{val,test}.json
    images/{ASIN}.jpg                                         (or .png, .jpeg)
"""

from __future__ import annotations

from pathlib import Path

from sightword.errors import SightwordError, UsageError
from sightword.evaluation.asking import PROMPTS, Asked, by_preset
from sightword.evaluation.benchmark import Loaded
from sightword.evaluation.composed import ComposedQuery
from sightword.evaluation.field import FieldQuery, relative, shot, size_of
from sightword.evaluation.one_target import OneTarget
from sightword.evaluation.reading import few, field_of, find, read_json

__all__ = ["FashionIQ"]

CATEGORIES = ("dress", "shirt", "toptee")
PUBLISHED = {
    ("val", "original"): {"dress": (2017, 3817), "shirt": (2038, 6346), "toptee": (1961, 5373)},
    ("val", "val-only"): {"dress": (2017, 2628), "shirt": (2038, 3089), "toptee": (1961, 2902)},
    ("test", "original"): {"dress": (2024, 3818), "shirt": (2038, 6346), "toptee": (2056, 5374)},
}
STRIPPED = ".?, "


class FashionIQ(OneTarget):
    """FashionIQ's validation split, the one that papers report.

    Parameters
    ----------
    gallery : {"original", "val-only"}
        The whole list of the split, or only the pictures that its queries use (easier; some supervised
        papers report that).
    allow_missing : bool
    """

    name = "fashioniq"
    splits = ("val",)
    main = "R@10"
    ks = (10, 50)
    shown = ("R@10", "R@50")
    reference_stays = True

    def __init__(self, gallery: str = "original", allow_missing: bool = False) -> None:
        super().__init__(allow_missing)
        if gallery not in ("original", "val-only"):
            raise UsageError(f"FashionIQ has no gallery {gallery!r}.", "Choose original or val-only.")
        self.gallery = gallery

    def read(self, folder: Path, split: str) -> Loaded:
        """See `FieldBenchmark.read`."""
        places = [f"{inner}image_splits" for inner in ("", "FashionIQ/", "fashion-iq/", "fashioniq/")]
        root = find(folder, places, "FashionIQ").parent
        files = _pictures(root)
        names: dict[str, str] = {}
        queries: list[FieldQuery] = []
        galleries: dict[str, list[str]] = {}
        sizes = []
        for category in CATEGORIES:
            captions = find(
                root,
                [f"{inner}/cap.{category}.{split}.json" for inner in ("captions", "json")],
                f"captions of {category}",
            )
            listed = find(root, [f"image_splits/split.{category}.{split}.json"], f"split of {category}")
            asked = _queries(captions, category, split)
            ids = [str(item) for item in read_json(listed, list)]
            if self.gallery == "val-only":
                used = {item for query in asked for item in (*query.references, *query.targets)}
                ids = [item for item in ids if item in used]
            galleries[category] = ids
            for item in ids:
                names[item] = files.get(item, f"images/{item}.jpg")
            queries += asked
            published = PUBLISHED.get((split, self.gallery), {}).get(category, (None, None))
            sizes.append(size_of(f"{category} queries", published[0], task=category))
            sizes.append(size_of(f"{category} gallery", published[1], gallery=category))
        pictures = [shot(item, relative(root / file, folder), split) for item, file in names.items()]
        return Loaded(
            folder, split, list(pictures), list(queries), {"gallery": self.gallery},
            galleries=galleries, sizes=sizes, reference_stays=True,
        )  # fmt: skip

    def asks(self, query: ComposedQuery, prompt: str) -> list[Asked]:
        """Both orders of the captions, averaged; ``pic2word``: the second first; ``clip4cir``: as written."""
        one, two = query.words["first"], query.words["second"]
        if prompt == "pic2word":
            return [by_preset(prompt, f"{two} and {one}")]
        one, two = one.strip(STRIPPED), two.strip(STRIPPED)
        if prompt == "clip4cir":
            both = f"{one} and {two}"
            return [by_preset(prompt, both[:1].upper() + both[1:], PROMPTS["pic2word"])]
        orders = dict.fromkeys((f"{one} and {two}", f"{two} and {one}"))
        return [by_preset(prompt, text) for text in orders]

    def protocol(self) -> dict[str, str]:
        """In sentences."""
        which = {
            "original": "all pictures of the category's val split (the split that zero-shot papers use)",
            "val-only": "only pictures that val queries use: easier, not comparable with the original split",
        }
        return {
            "gallery": f"{which[self.gallery]}; the reference stays",
            "R@k": "1 when the target is among the first k",
            "overall": "plain mean of the three categories",
            "ties": "by the gallery's order",
            "texts": "searle: both orders of the captions, vectors averaged; pic2word: second and first; "
            "clip4cir: first and second, capital letter",
        }


def _pictures(root: Path) -> dict[str, str]:
    """Files by ASIN, whatever their ending; a .jpg wins."""
    folder = root / "images"
    found: dict[str, str] = {}
    for ending in (".jpeg", ".png", ".jpg"):
        for path in folder.glob(f"*{ending}") if folder.is_dir() else ():
            found[path.stem] = f"images/{path.name}"
    return found


def _queries(path: Path, category: str, split: str) -> list[FieldQuery]:
    queries, wrong = [], []
    for number, entry in enumerate(read_json(path, list)):
        captions = [str(item) for item in field_of(entry, path, "captions")]
        if len(captions) != 2:
            wrong.append(f"entry {number} ({len(captions)})")
            continue
        candidate, target = str(field_of(entry, path, "candidate")), str(field_of(entry, path, "target"))
        queries.append(
            FieldQuery(
                id=f"{category}/{number}",
                task=category,
                aspect=category,
                split=split,
                references=(candidate,),
                text=f"{captions[0].strip(STRIPPED)} and {captions[1].strip(STRIPPED)}",
                targets=(target,),
                words={"first": captions[0], "second": captions[1]},
            )
        )
    if wrong:
        raise SightwordError(f"Entries of {path} have not exactly two captions: {few(wrong)}.")
    return queries
