"""The recipe's figures: name -> picture, styled caption -> picture, over the pictures of one split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import captions
import numpy as np
from textspace import TextSpace

Array = np.ndarray[Any, Any]
STYLE_GROUPS = {
    "line": ("openmoji-black", "clipart-black"),
    "3d": ("fluent-3d",),
    "flat": ("fluent-flat", "twemoji"),
    "colour": ("openmoji",),
    "high contrast": ("fluent-high-contrast",),
}
STYLE_QUERY = {
    "line": "a line drawing of {a}",
    "3d": "a 3D icon of {a}",
    "flat": "a flat cartoon of {a}",
    "colour": "a coloured drawing of {a}",
    "high contrast": "a bold black symbol of {a}",
}


def unit(x: Array) -> Array:
    """Rows of length one."""
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-9)


def recall(queries: Array, gallery: Array, hits: Array, ks: Sequence[int] = (1, 10)) -> list[float]:
    """Share of queries with a hit among the first k; ``hits`` is bool [Q, G]."""
    scores = unit(queries) @ unit(gallery).T
    order = np.argsort(-scores, axis=1, kind="stable")[:, : max(ks)]
    found = np.take_along_axis(hits, order, axis=1)
    return [float(found[:, :k].any(axis=1).mean()) for k in ks]


class Exam:
    """Fixed queries over the pictures of one split.

    Parameters
    ----------
    rows : list of dict
        Records of the split, in the order of the features given to `marks`.
    text : TextSpace
    """

    def __init__(self, rows: list[dict[str, Any]], text: TextSpace) -> None:
        names = np.array([r["name"] for r in rows])
        concepts = np.array([r["concept"] for r in rows])
        styles = np.array([r["style"] for r in rows])
        self.names = sorted(set(names))
        concept_of = dict(zip(names, concepts, strict=True))
        self.same_name = np.array(self.names)[:, None] == names[None]
        self.same_concept = np.array([concept_of[n] for n in self.names])[:, None] == concepts[None]
        self.plain = text.encode([f"a picture of {captions.with_article(n)}" for n in self.names])
        self.bare = text.encode(self.names)
        self.styled = {}
        for group, members in STYLE_GROUPS.items():
            inside = np.isin(styles, members)
            asked = [i for i, n in enumerate(self.names) if (self.same_name[i] & inside).any()]
            queries = [STYLE_QUERY[group].format(a=captions.with_article(self.names[i])) for i in asked]
            self.styled[group] = (text.encode(queries), self.same_name[asked] & inside)
        self.counts = {"names": len(self.names), "concepts": len(set(concepts)), "pictures": len(rows)}

    def marks(self, features: Array) -> dict[str, float]:
        """All figures for the pictures' features [G, D]."""
        found: dict[str, float] = {}
        for label, queries, hits in (
            ("name", self.bare, self.same_name),
            ("concept", self.bare, self.same_concept),
            ("caption", self.plain, self.same_name),
        ):
            found[f"{label} R@1"], found[f"{label} R@10"] = recall(queries, features, hits)
        for group, (queries, hits) in self.styled.items():
            found[f"{group} R@1"], found[f"{group} R@10"] = recall(queries, features, hits)
        return found


def table(title: str, marks: dict[str, float]) -> str:
    """One line for logs."""
    return f"{title}: " + "  ".join(f"{k} {v:.3f}" for k, v in marks.items())
