"""Where methods fail: queries by what the reference shows, and by how much the target looks like it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sightword.backbones.base import Array, Backbone
from sightword.evaluation.benchmark import Loaded
from sightword.methods.vectors import unit
from sightword.prompts import Prompt

__all__ = ["CATEGORIES", "by_aspect", "by_category", "by_likeness", "likeness"]

CATEGORIES: Mapping[str, tuple[str, ...]] = {
    "nature": ("a landscape", "a plant", "a mountain"),
    "animals": ("an animal", "a dog", "a bird"),
    "people": ("a person", "people", "a woman"),
    "objects": ("an object", "a thing", "a tool"),
    "scenes": ("a street", "a building", "a room"),
}
QUARTERS = ("least alike", "less alike", "more alike", "most alike")

Slices = dict[str, list[int]]


def by_category(backbone: Backbone, loaded: Loaded, features: Array, row: Mapping[str, int]) -> Slices:
    """Queries by the category whose words fit their first reference best, as the backbone sees it.

    Parameters
    ----------
    backbone : Backbone
    loaded : Loaded
    features : float32 [N, D], raw
    row : dict of str to int
        Row of every picture.

    Returns
    -------
    dict of str to list of int
        Numbers of queries; empty categories are left out.
    """
    prompts = [Prompt((words,)) for group in CATEGORIES.values() for words in group]
    words = (
        unit(backbone.encode_prompts(prompts)).reshape(len(CATEGORIES), -1, backbone.spec.dim).mean(axis=1)
    )
    names = list(CATEGORIES)
    references = list(dict.fromkeys(query.references[0] for query in loaded.queries))
    chosen: dict[str, str] = {}
    for start in range(0, len(references), 1024):
        some = references[start : start + 1024]
        scores = unit(np.asarray(features[[row[name] for name in some]])) @ unit(words).T
        chosen |= {name: names[int(best)] for name, best in zip(some, scores.argmax(axis=1))}
    found: Slices = {name: [] for name in names}
    for number, query in enumerate(loaded.queries):
        found[chosen[query.references[0]]].append(number)
    return {name: numbers for name, numbers in found.items() if numbers}


def likeness(loaded: Loaded, features: Array, row: Mapping[str, int]) -> Array:
    """Cosine between the first reference and the first right answer; NaN where there is none. float32 [Q]."""
    found = np.full(len(loaded.queries), np.nan, np.float32)
    asked = [number for number, query in enumerate(loaded.queries) if query.targets]
    for start in range(0, len(asked), 1024):
        some = asked[start : start + 1024]
        ones = unit(np.asarray(features[[row[loaded.queries[n].references[0]] for n in some]]))
        others = unit(np.asarray(features[[row[loaded.queries[n].targets[0]] for n in some]]))
        found[some] = (ones * others).sum(axis=1)
    return found


def by_likeness(cosines: Array) -> Slices:
    """Queries by quartile of the cosine between reference and target.

    Examples
    --------
    >>> [len(part) for part in by_likeness(np.arange(8, dtype=np.float32)).values()]
    [2, 2, 2, 2]
    """
    known = np.flatnonzero(~np.isnan(cosines))
    if known.size < len(QUARTERS):
        return {}
    order = known[np.argsort(cosines[known], kind="stable")]
    return {
        f"{name} (cosine {cosines[part[0]]:.2f} to {cosines[part[-1]]:.2f})": sorted(int(n) for n in part)
        for name, part in zip(QUARTERS, np.array_split(order, len(QUARTERS)))
    }


def by_aspect(loaded: Loaded) -> Slices:
    """Queries by each of their aspects (CIRCO's semantic aspects, the class of COCO's cut-outs)."""
    found: Slices = {}
    for number, query in enumerate(loaded.queries):
        for aspect in getattr(query, "aspects", ()):
            found.setdefault(aspect, []).append(number)
    return found
