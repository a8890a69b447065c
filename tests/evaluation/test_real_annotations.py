"""Readers against the real annotation files, which are not part of the project (their licences differ).

They lie in ``../shared/annotations`` on the developers' machine, or where SIGHTWORD_ANNOTATIONS says.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from sightword.evaluation.circo import read_queries
from sightword.evaluation.cirr import CIRR
from sightword.evaluation.fashioniq import FashionIQ
from sightword.evaluation.field import FieldQuery, consistent
from sightword.evaluation.genecis import GeneCIS
from sightword.evaluation.imagenet_r import DOMAINS, ImageNetR
from sightword.evaluation.ranking import Ranking

ROOT = Path(os.environ.get("SIGHTWORD_ANNOTATIONS", Path(__file__).parents[3] / "shared" / "annotations"))
pytestmark = pytest.mark.skipif(not ROOT.is_dir(), reason="the benchmarks' annotation files are not here")


@pytest.mark.parametrize(
    ("gallery", "sizes"),
    [
        ("original", {"dress": (2017, 3817), "shirt": (2038, 6346), "toptee": (1961, 5373)}),
        ("val-only", {"dress": (2017, 2628), "shirt": (2038, 3089), "toptee": (1961, 2902)}),
    ],
)
def test_fashioniq(gallery: str, sizes: dict[str, tuple[int, int]]) -> None:
    loaded = FashionIQ(gallery).read(ROOT / "fashioniq", "val")
    consistent("fashioniq", loaded)
    for category, (queries, pictures) in sizes.items():
        assert sum(query.task == category for query in loaded.queries) == queries
        assert len(loaded.galleries[category]) == pictures
    assert all(size.count(loaded) == size.published for size in loaded.sizes if size.count)
    first = loaded.queries[0]
    assert first.words == {"first": "is shiny and silver with shorter sleeves", "second": "fit and flare"}
    assert first.references == ("B005X4PL1G",)
    assert first.targets == ("B0084Y8XIU",)


@pytest.mark.parametrize(("split", "queries", "pictures"), [("val", 4181, 2297), ("test1", 4148, 2315)])
def test_cirr(split: str, queries: int, pictures: int) -> None:
    loaded = CIRR().read(ROOT / "cirr", split)
    consistent("cirr", loaded)
    assert (len(loaded.queries), len(loaded.pictures)) == (queries, pictures)
    assert all(isinstance(q, FieldQuery) and len(q.subset) == 5 for q in loaded.queries)
    assert len({query.references for query in loaded.queries}) == {"val": 2165, "test1": 2178}[split]


def test_circo() -> None:
    queries = read_queries(ROOT / "circo" / "val.json", "val")
    assert len(queries) == 220
    counts = [len(query.targets) for query in queries]
    assert (min(counts), max(counts)) == (1, 14)
    assert np.mean(counts) == pytest.approx(4.16, abs=0.005)
    aspects: dict[str, int] = {}
    for query in queries:
        for aspect in query.aspects:
            aspects[aspect] = aspects.get(aspect, 0) + 1
    assert aspects == {
        "statement_with_conjunction": 164, "direct_addressing": 119, "spatial_relations_background": 100,
        "compare_change": 86, "addition": 80, "viewpoint": 54, "comparative_statement": 50,
        "cardinality": 37, "negation": 21,
    }  # fmt: skip
    test = read_queries(ROOT / "circo" / "test.json", "test")
    assert len(test) == 800
    assert len({query.references for query in test}) == 798


def test_genecis_objects() -> None:
    loaded = GeneCIS(allow_missing=True).read(ROOT / "genecis", "test")
    consistent("genecis", loaded)
    of_task = {
        task: [q for q in loaded.queries if q.task == task] for task in ("change_object", "focus_object")
    }
    assert {task: len(queries) for task, queries in of_task.items()} == {
        "change_object": 1960,
        "focus_object": 1960,
    }
    assert {task: len({q.text for q in queries}) for task, queries in of_task.items()} == {
        "change_object": 109,
        "focus_object": 97,
    }
    assert loaded.facts["candidates"] == {"focus_object": [15], "change_object": [15]}
    assert loaded.facts["targets that are also distractors"] == 1
    used = {
        item
        for q in of_task["change_object"]
        if isinstance(q, FieldQuery)
        for item in (*q.candidates, *q.references)
    }
    assert len(used) == 2739
    assert loaded.lost == ["the task focus_attribute is missing", "the task change_attribute is missing"]


def test_imagenet_r_counts_and_attainable_maxima() -> None:
    """A perfect ranking of the real lists reaches exactly what methods.md 3.5 says can be reached."""
    benchmark = ImageNetR()
    loaded = benchmark.read(ROOT / "imagenet_r", "val")
    consistent("imagenet-r", loaded)
    assert len(loaded.galleries["all"]) == 16983
    assert all(size.count(loaded) == size.published for size in loaded.sizes if size.count)
    expected = {
        "cartoon": (3726, 2350, 41.36, 75.49),
        "origami": (550, 4700, 50.13, 53.00),
        "toy": (1511, 2800, 60.48, 72.00),
        "sculpture": (1196, 2900, 63.75, 70.95),
    }
    names = list(loaded.galleries["all"])
    rows = {name: row for row, name in enumerate(names)}
    for domain in DOMAINS:
        queries = [query for query in loaded.queries if query.task == domain]
        pictures, empty, *maxima = expected[domain]
        assert len(queries) == 10_000
        assert len({item for query in queries for item in query.targets}) == pictures
        assert sum(not query.targets for query in queries) == empty
        of_class = {}
        for query in queries:  # all queries of a class have the same answers
            if query.group not in of_class:
                scores = np.zeros(len(names), np.float32)
                scores[[rows[name] for name in query.targets]] = 1.0
                of_class[query.group] = benchmark.score(query, Ranking(scores, rows, names))
        for k, maximum in zip((10, 50), maxima):
            reached = 100 * np.mean([of_class[query.group][f"R@{k}"] for query in queries])
            assert round(float(reached), 2) == maximum


def test_nothing_of_them_is_in_the_project() -> None:
    caption = json.loads((ROOT / "circo" / "val.json").read_text())[0]["shared_concept"]
    source = Path(__file__).parents[2] / "src"
    assert not any(caption in path.read_text(errors="ignore") for path in source.rglob("*.json"))
