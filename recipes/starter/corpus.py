"""The training split as tensors: features of all passes, caption vectors, and the names they belong to."""

from __future__ import annotations

import os
from dataclasses import dataclass

import captions
import numpy as np
import torch
from common import records
from features import FEATURES
from textspace import TextSpace
from torch import Tensor

PASSES = tuple(int(word) for word in os.environ.get("STARTER_PASSES", "0 1 2").split())
"""Fewer while trying things out."""


@dataclass
class Corpus:
    """Training pictures. N pictures, M names, P passes; vectors are unit rows of width D.

    Attributes
    ----------
    features : Tensor float16 [P, N, 1280]
        Plain and changed; ``grey`` [N, 1280] is the grey copy.
    plain : Tensor float32 [M, 3, D]
        Captions of the names without style words.
    described : Tensor float32 [N, D]
        Name and keywords.
    styled, styled_grey : Tensor float32 [N, 3, D]
        Captions with the words of the picture's style.
    name : Tensor int64 [N]
    by_name : list of Tensor
        Pictures of each name.
    weights : Tensor float64 [M]
        How often a name is drawn: names of crowded concepts (skin tones) less often each.
    """

    features: Tensor
    grey: Tensor | None
    plain: Tensor
    described: Tensor
    styled: Tensor
    styled_grey: Tensor
    name: Tensor
    by_name: list[Tensor]
    weights: Tensor


def _vectors(text: TextSpace, rows: list[list[str]]) -> Tensor:
    flat = text.encode([caption for row in rows for caption in row])
    return torch.from_numpy(flat).view(len(rows), -1, flat.shape[1])


def load(text: TextSpace) -> Corpus:
    """Read the cached features and encode the captions (a minute or two)."""
    rows = records()
    train = [i for i, r in enumerate(rows) if r["split"] == "train"]
    kept = [rows[i] for i in train]
    features = []
    for passing in PASSES:
        values = np.load(FEATURES / f"pass{passing}.npy")
        features.append(torch.from_numpy(values[train] if len(values) == len(rows) else values))
    grey = FEATURES / "pass-1.npy"
    names = sorted({r["name"] for r in kept})
    index = {name: i for i, name in enumerate(names)}
    name = torch.tensor([index[r["name"]] for r in kept])
    concepts = {r["name"]: r["concept"] for r in kept}
    crowd: dict[str, int] = {}
    for each in names:
        crowd[concepts[each]] = crowd.get(concepts[each], 0) + 1
    groups: list[list[int]] = [[] for _ in names]
    for i, which in enumerate(name.tolist()):
        groups[which].append(i)
    return Corpus(
        features=torch.stack(features),
        grey=torch.from_numpy(np.load(grey)) if grey.is_file() else None,
        plain=_vectors(text, [captions.plain(each) for each in names]),
        described=_vectors(text, [[captions.described(r)] for r in kept])[:, 0],
        styled=_vectors(text, [captions.styled(r["name"], r["style"]) for r in kept]),
        styled_grey=_vectors(text, [captions.styled(r["name"], "grey") for r in kept]),
        name=name,
        by_name=[torch.tensor(group) for group in groups],
        weights=torch.tensor([crowd[concepts[each]] ** -0.6 for each in names], dtype=torch.float64),
    )
