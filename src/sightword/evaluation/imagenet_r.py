"""ImageNet to ImageNet-R: this photograph's subject as a cartoon, origami, toy or sculpture (methods.md 3.5).

::

    imgnet/imgnet_real_query.txt, imgnet/imgnet_targets.txt    lines "path label"
    imgnet/real/n04086273/ILSVRC2012_val_00015728.JPEG
    imgnet/imagenet-r/n04086273/toy_3.jpg

A label is 1000 * domain + class; domains: 0 cartoon, 1 origami, 2 toy, 3 sculpture, 6 the photographs.
"""

from __future__ import annotations

from pathlib import Path

from sightword.errors import SightwordError
from sightword.evaluation.asking import Asked, by_preset
from sightword.evaluation.benchmark import Loaded, Size
from sightword.evaluation.composed import ComposedQuery
from sightword.evaluation.field import FieldBenchmark, FieldQuery, relative, shot, size_of
from sightword.evaluation.metrics import precision_at_k, true_recall_at_k
from sightword.evaluation.ranking import Ranked
from sightword.evaluation.reading import few, find, read_text

__all__ = ["ImageNetR"]

DOMAINS = ("cartoon", "origami", "toy", "sculpture")
PHOTOS = 6
PUBLISHED = {"cartoon": 3726, "origami": 550, "toy": 1511, "sculpture": 1196}
QUERIES, GALLERY = 10_000, 16_983
KS = (10, 50)


class ImageNetR(FieldBenchmark):
    """Domain conversion with Pic2Word's file lists."""

    name = "imagenet-r"
    splits = ("val",)
    main = "R@10"
    shown = ("R@10", "R@50")
    prompt = "pic2word"
    reference_stays = True
    prunes_targets = True

    def read(self, folder: Path, split: str) -> Loaded:
        """See `FieldBenchmark.read`."""
        places = ("imgnet/", "", "data/imgnet/")
        asked = find(folder, [f"{p}imgnet_real_query.txt" for p in places], "imgnet_real_query.txt")
        listed = find(folder, [f"{p}imgnet_targets.txt" for p in places], "imgnet_targets.txt")
        photos, gallery = _lines(asked), _lines(listed)
        roots = (listed.parent.parent, listed.parent)
        first = next(iter(gallery), "")
        root = next((place for place in roots if (place / first).is_file()), roots[0])
        right: dict[int, list[str]] = {}
        for name, label in gallery.items():
            right.setdefault(label, []).append(name)
        everything = dict.fromkeys([*gallery, *photos])
        queries = [
            FieldQuery(
                id=f"{domain}/{name}",
                task=domain,
                aspect=domain,
                split=split,
                references=(name,),
                text=domain,
                targets=tuple(right.get(1000 * number + label, ())),
                group=str(label),
            )
            for number, domain in enumerate(DOMAINS)
            for name, label in photos.items()
        ]
        sizes = [size_of(f"{domain} queries", QUERIES, task=domain) for domain in DOMAINS]
        sizes.append(size_of("gallery", GALLERY, gallery="all"))
        for number, domain in enumerate(DOMAINS):
            sizes.append(_of_domain(f"{domain} pictures", PUBLISHED[domain], number, gallery))
        sizes.append(_of_domain("photographs", QUERIES, PHOTOS, gallery))
        return Loaded(
            folder,
            split,
            [shot(name, relative(root / name, folder), split) for name in everything],
            list(queries),
            galleries={"all": list(gallery), **{domain: list(gallery) for domain in DOMAINS}},
            sizes=sizes,
            reference_stays=True,
        )

    def asks(self, query: ComposedQuery, prompt: str) -> list[Asked]:
        """``a {domain} of {*}`` in every preset, as published; words alone: ``a {domain} of``."""
        if prompt == "rules":
            article = "an" if query.text[:1] in "aeiou" else "a"
            return [Asked(f"as {article} {query.text}")]
        return [by_preset(prompt, query.text, "a {text} of {*}", "a {text} of")]

    def score(self, query: ComposedQuery, ranking: Ranked) -> dict[str, float]:
        """True recall and precision; 0 where the domain has no picture of the class."""
        top = ranking.top(max(KS))
        found = {f"R@{k}": true_recall_at_k(top, query.targets, k) for k in KS}
        return found | {f"P@{k}": precision_at_k(top, query.targets, k) for k in KS}

    def chance(self, query: ComposedQuery, size: int) -> dict[str, float]:
        """K / N of the right answers, where there are any."""
        found = {f"R@{k}": min(k, size) / size if query.targets else 0.0 for k in KS}
        return found | {f"P@{k}": len(query.targets) / size for k in KS}

    def protocol(self) -> dict[str, str]:
        """In sentences."""
        return {
            "gallery": "all renditions and all query photographs, the query itself included",
            "right": "pictures of the same class in the asked domain",
            "R@k": "true recall: right ones among the first k over all right ones; 0 for a class that the "
            "domain does not have; attainable at most .41 to .64 at 10, .53 to .75 at 50",
            "P@k": "right ones among the first k over k",
            "overall": "plain mean of the four domains",
            "ties": "by the gallery's order",
            "intervals": "over classes",
        }


def _of_domain(what: str, published: int, domain: int, labels: dict[str, int]) -> Size:
    """The gallery's pictures of a domain, counted in what is left of it."""
    return Size(
        what, 0, published, lambda it: sum(labels[name] // 1000 == domain for name in it.galleries["all"])
    )


def _lines(path: Path) -> dict[str, int]:
    found: dict[str, int] = {}
    wrong, twice = [], []
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        if not line.strip():
            continue
        name, _, label = line.strip().rpartition(" ")
        if not name or not label.isdigit():
            wrong.append(number)
        elif name in found:
            twice.append(name)
        else:
            found[name] = int(label)
    if wrong:
        raise SightwordError(f"Lines of {path} are not a path and a label: {few(wrong)}.")
    if twice:
        raise SightwordError(f"{path} lists pictures more than once: {few(twice)}.")
    return found
