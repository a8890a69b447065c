"""Composed queries on held-out concepts: "this emoji, as a line drawing" among every style of every concept.

Reference: one style of a held-out concept. Words: a style phrase. Right: every picture of the same code point
(same tone) whose style satisfies the phrase; the reference itself is left out of the ranking. Gallery: all
emoji pictures of the split's concepts (base tone) and its clip art. A perfect caption ("a line drawing of a
fox"), which no user has to write, gives the ceiling of the joint space.

`judge.py` asks these of every run; all methods, more tasks and intervals are in StyleShift (docs/styleshift.md).
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
from common import CACHE, PICTURES, RECORDS

from sightword.backbones.base import Array, Backbone
from sightword.evaluation.metrics import average_precision_at_k, bootstrap_interval, recall_at_k
from sightword.pictures import decode, preprocess

LINE = {"openmoji-black"}
BLACK = {"openmoji-black", "fluent-high-contrast"}
COLOUR = {"noto", "twemoji", "fluent-3d", "fluent-flat", "openmoji"}
FLAT = {"twemoji", "fluent-flat", "openmoji"}
TASKS: dict[str, tuple[set[str], list[str], str]] = {
    "line": (
        LINE,
        ["as a line drawing", "drawn in thin black lines", "an outline drawing of it"],
        "a line drawing of {}",
    ),
    "3D": ({"fluent-3d"}, ["as a 3D render", "in 3D", "rendered in shiny 3D"], "a 3D render of {}"),
    "flat": (FLAT, ["in flat colours", "as a flat icon", "as a flat cartoon"], "a flat coloured icon of {}"),
    "black": (
        BLACK,
        ["in black and white", "as a black and white icon", "without colours"],
        "a black and white icon of {}",
    ),
    "colour": (COLOUR, ["in colour", "but coloured", "as a colourful picture"], "a colourful picture of {}"),
}
"""Task -> styles that satisfy it, phrasings, perfect caption."""


@dataclass(frozen=True)
class Query:
    """One composed query: row of the reference, words, right rows."""

    task: str
    reference: int
    text: str
    caption: str
    truths: frozenset[int]


def gallery(split: str) -> list[dict[str, Any]]:
    """Records of the split's pictures, base skin tone only."""
    with RECORDS.open() as lines:
        records = [json.loads(line) for line in lines]
    return [r for r in records if r["split"] == split and not r.get("tone")]


def make_queries(records: list[dict[str, Any]], seed: int = 0, per_task: int = 300) -> list[Query]:
    """Queries for every task, at most `per_task` each, drawn with a public seed."""
    by_code: dict[str, list[int]] = defaultdict(list)
    for row, record in enumerate(records):
        if record.get("code"):
            by_code[record["code"]].append(row)
    rng = random.Random(seed)
    queries = []
    for task, (styles, phrases, caption) in TASKS.items():
        found = []
        for rows in by_code.values():
            right = frozenset(row for row in rows if records[row]["style"] in styles)
            references = [row for row in rows if row not in right]
            if right and references:
                reference = rng.choice(sorted(references))
                name = records[reference]["name"]
                found.append(Query(task, reference, rng.choice(phrases), caption.format(name), right))
        rng.shuffle(found)
        queries += found[:per_task]
    return queries


def encode(backbone: Backbone, records: list[dict[str, Any]], split: str) -> Array:
    """Raw features of the gallery, cached by the weights' hash."""
    cache = CACHE / f"compose-{split}-{backbone.spec.weights_hash[:16]}.npy"
    if cache.exists():
        return np.asarray(np.load(cache), dtype=np.float32)
    features = []
    for start in range(0, len(records), 64):
        batch = records[start : start + 64]
        pixels = [preprocess(decode(PICTURES / r["file"]), backbone.spec.preprocess) for r in batch]
        features.append(backbone.encode_images(np.stack(pixels)))
    array = np.concatenate(features)
    np.save(cache, array)
    return array


def score(queries: list[Query], vectors: Array, unit: Array) -> dict[str, Any]:
    """R@1, R@10 and mAP@10 with intervals, by task and over all."""
    rows: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for query, vector in zip(queries, vectors, strict=True):
        scores = unit @ vector
        scores[query.reference] = -np.inf
        ranked = np.argsort(-scores, kind="stable")[:10].tolist()
        values = {
            "R@1": recall_at_k(ranked, query.truths, 1),
            "R@10": recall_at_k(ranked, query.truths, 10),
            "mAP@10": average_precision_at_k(ranked, query.truths, 10),
        }
        for metric, value in values.items():
            rows[query.task][metric].append(value)
            rows["all"][metric].append(value)
    return {
        task: {
            metric: {
                "mean": float(np.mean(values)),
                "interval": bootstrap_interval(values),
                "queries": len(values),
            }
            for metric, values in metrics.items()
        }
        for task, metrics in rows.items()
    }
