"""Real vectors for benchmarks: pictures as the starter sees them, queries as it composes them."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import sightword
from sightword.backbones.base import Array, Backbone
from sightword.evaluation.composed import ComposedQuery
from sightword.evaluation.features import picture_features
from sightword.evaluation.memory import Remembering
from sightword.evaluation.styleshift import StyleShift
from sightword.methods.base import ComposeInput
from sightword.methods.catalog import load_method
from sightword.methods.vectors import unit

__all__ = ["KINDS", "Asked", "Gallery", "asked", "grown", "styleshift_gallery", "with_views"]

KINDS = ("image", "average", "direction", "pic2word+pdv", "text", "caption")
"""From the picture's side of the gap to the words' side; ``caption`` is the answer described in words."""


@dataclass
class Gallery:
    """Unit vectors of pictures, and which of them are views of one thing.

    Attributes
    ----------
    rows : float32 [N, D]
    owner : list of str, length N
        Equal for pictures of one emoji, or views of one picture.
    place : dict of str to int
        Rows by the benchmark's ids.
    raw : dict of str to float32 [D]
        Raw features by the same ids, for composing.
    """

    rows: Array
    owner: list[str]
    place: dict[str, int]
    raw: dict[str, Array]


@dataclass(frozen=True)
class Asked:
    """Queries of one kind.

    Attributes
    ----------
    vectors : float32 [Q, D], unit length
    groups : list of str
        Queries of one group are not independent.
    references : list of list of int
        Rows of the gallery that are left out.
    """

    vectors: Array
    groups: list[str]
    references: list[list[int]]


def styleshift_gallery(backbone: Backbone, folder: Path, splits: Sequence[str]) -> Gallery:
    """Every picture of these halves of StyleShift; features come from the cache where they are in it."""
    gallery = Gallery(np.empty((0, backbone.spec.dim), np.float32), [], {}, {})
    parts = []
    for split in splits:
        pictures = StyleShift().load(folder, split).pictures
        features = picture_features(backbone, folder, pictures)
        for picture, feature in zip(pictures, features):
            gallery.place[picture.id] = len(gallery.owner)
            gallery.raw[picture.id] = feature
            gallery.owner.append(picture.code or picture.id)
        parts.append(unit(features))
    gallery.rows = np.concatenate(parts)
    return gallery


def with_views(gallery: Gallery, views: Path) -> Gallery:
    """The same and the views that the recipe made (``views/`` of its cache), seen by the shipped head."""
    import torch

    from sightword.backbones.torch_starter import load_torch_starter

    torch.set_num_threads(1)
    trunk = np.load(views / "features.npy", mmap_mode="r")
    about = json.loads((views / "views.json").read_text(encoding="utf-8"))
    tower = load_torch_starter(Path(sightword.__file__).parent / "backbones" / "starter")
    rows = np.empty((len(trunk), gallery.rows.shape[1]), np.float32)
    with torch.no_grad():
        for start in range(0, len(trunk), 4096):
            part = torch.from_numpy(trunk[start : start + 4096].astype(np.float32))
            rows[start : start + 4096] = unit((tower.head(part) + tower.knowledge(part)).numpy())
    owner = [*gallery.owner, *(f"view of {number}" for number, _, _ in about)]
    return Gallery(np.concatenate([gallery.rows, rows]), owner, gallery.place, gallery.raw)


def grown(gallery: Gallery, count: int, seed: int = 0) -> Array:
    """The gallery's rows and, behind them, copies that were moved as real pictures differ.

    A copy is ``unit(x + s (a - b))``: x any real row, a and b two real pictures of one thing (views of one
    picture, or styles of one emoji), the size of s uniform in .25 to .75, its sign by chance. Noise equal in
    all directions would fill directions in which pictures never differ, and make every quantiser look worse
    than it is.
    """
    real = gallery.rows
    if count <= len(real):
        return real[:count]
    dice = np.random.default_rng(seed)
    names = {name: number for number, name in enumerate(dict.fromkeys(gallery.owner))}
    number = np.array([names[name] for name in gallery.owner])
    order = np.argsort(number, kind="stable")
    alike = np.flatnonzero(number[order][1:] == number[order][:-1])
    one, other = order[alike], order[alike + 1]
    rows = np.empty((count, real.shape[1]), np.float32)
    rows[: len(real)] = real
    for start in range(len(real), count, 65536):
        part = rows[start : start + 65536]
        base, pair = dice.integers(0, len(real), len(part)), dice.integers(0, len(one), len(part))
        share = dice.uniform(0.25, 0.75, (len(part), 1)).astype(np.float32)
        share *= dice.choice(np.array([-1, 1], np.float32), (len(part), 1))
        part[:] = unit(real[base] + share * (real[one[pair]] - real[other[pair]]))
    return rows


def drawn(folder: Path, split: str, count: int, seed: int) -> list[ComposedQuery]:
    """Queries with one reference and words, drawn from all tasks."""
    queries = [q for q in StyleShift().load(folder, split).queries if q.text and not q.without]
    queries = [q for q in queries if len(q.references) == 1 and q.caption]
    return random.Random(seed).sample(queries, min(count, len(queries)))


def asked(
    backbone: Backbone, gallery: Gallery, queries: Sequence[ComposedQuery], kinds: Sequence[str]
) -> dict[str, Asked]:
    """The same queries put in every way."""
    remembering = Remembering(backbone)
    found = {}
    for kind in kinds:
        method = load_method("text" if kind == "caption" else kind, backbone=remembering)
        inputs = [_input(query, gallery, kind) for query in queries]
        vectors = np.concatenate(
            [method.compose(remembering, inputs[at : at + 64]) for at in range(0, len(inputs), 64)]
        )
        group: Callable[[ComposedQuery], Any] = lambda query: query.group or query.id  # noqa: E731
        if kind == "text":
            group = lambda query: query.text  # noqa: E731  (many ask the same words)
        references = [[gallery.place[name] for name in query.references] for query in queries]
        found[kind] = Asked(vectors, [str(group(query)) for query in queries], references)
    return found


def _input(query: ComposedQuery, gallery: Gallery, kind: str) -> ComposeInput:
    if kind == "caption":
        return ComposeInput(text=query.caption, prompts=["{text}"])
    images = [gallery.raw[name] for name in query.references]
    if kind == "image":
        return ComposeInput(images=images)
    if kind == "text":
        return ComposeInput(text=query.text)
    return ComposeInput(images=images, text=query.text)
