"""``artemis``: ARTEMIS, words that say what must show and what must stay, for each target anew (ICLR 2022).

Delmas, Rezende, Csurka, Larlus, "ARTEMIS: Attention-based Retrieval with Text-Explicit Matching and Implicit
Similarity" (arXiv 2203.08101). With unit vectors m of the words, r of the reference and c of a candidate::

    E(m) = softmax(W2 ReLU(W1 m + b1) + b2)          which dimensions the words speak of; I(m) likewise
    explicit = < norm(W m + b), norm(E(m) * c) >
    implicit = < norm(I(m) * r), norm(I(m) * c) >
    s = (explicit + implicit) / 2                    in [-1, 1]; the paper's score is the sum

The paper and its published code agree on this (evidence grade R, methods.md 1.6). Ours: the frozen features
of the backbone take the place of ResNet and BiGRU, m enters the attention times sqrt(D), and learning starts
at W = 1 with flat attention, where s ranks exactly as norm(r + m) does.

A candidate's side depends on the words, so no index of plain features can be scanned for it: ARTEMIS **ranks
the first N of another method anew** (``depth``, 200; ``first``, ``average``). ``--without`` moves the first
method's query, and what that takes from its cosine with a candidate is taken from s. Several references are
averaged. Without words, or without a picture, the first method's ranking stands.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from sightword.backbones.base import Array, Backbone
from sightword.errors import ModelUnavailable, UsageError
from sightword.methods.base import ComposeInput, Method
from sightword.methods.phi import CONFIG
from sightword.methods.trained import check_shapes, open_trained
from sightword.methods.vectors import mean_unit, unit
from sightword.prompts import Prompt

__all__ = ["DEPTH", "FIRST", "Artemis", "ArtemisNetwork"]

DEPTH = 200
"""N, how many of the first method's pictures are ranked anew."""
FIRST = "average"
_nested: ContextVar[bool] = ContextVar("nested", default=False)


@dataclass(frozen=True)
class ArtemisNetwork:
    """The network in numpy.

    Parameters
    ----------
    tensors : dict of str to float32 array
        ``words.weight`` [D, D], ``words.bias``, and for ``explicit`` and ``implicit`` each ``.0.weight``
        [H, D], ``.0.bias``, ``.2.weight`` [D, H], ``.2.bias``.
    """

    tensors: dict[str, Array]

    def __call__(self, words: Array, reference: Array, candidates: Array) -> Array:
        """Score candidates for one query.

        Parameters
        ----------
        words, reference : float32 [D], unit length
        candidates : float32 [n, D], unit length

        Returns
        -------
        float32 [n]
            In [-1, 1].
        """
        wanted = unit(self.tensors["words.weight"] @ words + self.tensors["words.bias"])
        explicit, implicit = (self._attention(name, words) for name in ("explicit", "implicit"))
        kept = unit(implicit * reference)
        scores = unit(explicit * candidates) @ wanted + unit(implicit * candidates) @ kept
        return np.asarray(scores / 2, np.float32)

    def _attention(self, name: str, words: Array) -> Array:
        first, second = f"{name}.0", f"{name}.2"
        scaled = words * np.float32(len(words) ** 0.5)
        hidden = np.maximum(self.tensors[f"{first}.weight"] @ scaled + self.tensors[f"{first}.bias"], 0)
        logits = self.tensors[f"{second}.weight"] @ hidden + self.tensors[f"{second}.bias"]
        shares = np.exp(logits - logits.max())
        # The length is divided out later; a mean of 1 keeps the numbers in float32's comfortable range.
        return np.asarray(shares / shares.mean(), np.float32)


class Artemis:
    """The method; see the module's docstring.

    Parameters
    ----------
    network : ArtemisNetwork
    first : Method
        Composes the query whose first `depth` pictures are ranked anew.
    depth : int
    """

    name = "artemis"
    needs = frozenset({"rerank"})

    def __init__(self, network: ArtemisNetwork, first: Method, depth: float = DEPTH) -> None:
        if not 1 <= depth < 1e9 or depth != int(depth):
            raise UsageError(f"The first {depth:g} pictures cannot be ranked anew.", "Give 1 or more.")
        if "rerank" in first.needs:
            raise UsageError(f"{first.name} ranks anew itself, so it cannot come before artemis.")
        self.network = network
        self.first = first
        self.depth = int(depth)
        self.needs = self.needs | first.needs

    @classmethod
    def open(
        cls,
        directory: Path,
        backbone: Backbone,
        name: str,
        depth: float | None = None,
        first: str | None = None,
    ) -> Artemis:
        """Load it for a backbone; refuses another than its own.

        Parameters
        ----------
        depth : int, optional
            N; what it was saved with unless given.
        first : str, optional
            The name of the method before it; likewise.
        """
        tensors, config = open_trained(directory, backbone, cls.name, name)
        settings = config.get("network") or {}
        dim, hidden = backbone.spec.dim, settings.get("hidden")
        if not isinstance(hidden, int) or hidden < 1:
            raise ModelUnavailable(f"{directory / CONFIG}: network.hidden is {hidden!r}.")
        check_shapes(directory, tensors, shapes(dim, hidden))
        before = first if first is not None else _plain(settings.get("first", FIRST), directory)
        asked = depth if depth is not None else settings.get("depth", DEPTH)
        if not isinstance(asked, (int, float)) or isinstance(asked, bool):
            raise ModelUnavailable(f"{directory / CONFIG}: network.depth is {asked!r}.")
        return cls(ArtemisNetwork(tensors), _before(before, backbone), asked)

    def compose(self, backbone: Backbone, queries: Sequence[ComposeInput]) -> Array:
        """The first method's query vectors; see `sightword.methods.base.Method.compose`."""
        return self.first.compose(backbone, queries)

    def rerank(self, backbone: Backbone, query: ComposeInput, candidates: Array) -> Array | None:
        """Scores of candidates; see `sightword.methods.base.Reranker.rerank`."""
        text = query.text.strip()
        if not query.images or not text:
            return None
        words = unit(backbone.encode_prompts([Prompt((text,))])[0])
        scores = self.network(words, mean_unit(query.images), candidates)
        if query.without:
            steered, plain = self.first.compose(backbone, [query, replace(query, without=[])])
            scores = scores + candidates @ (steered - plain)
        return np.clip(scores, -1, 1)


def _plain(name: Any, directory: Path) -> str:
    """What a directory names must be a name: a stranger's must not make us open a path or ask a hub."""
    if not isinstance(name, str) or not re.fullmatch(r"[a-z0-9][\w.+-]{0,60}", name):
        raise ModelUnavailable(f"{directory / CONFIG}: network.first is {name!r}, not the name of a method.")
    return name


def _before(name: str, backbone: Backbone) -> Method:
    """Load the method that comes before; one that ranks anew would open the next one, and so on."""
    from sightword.methods.catalog import load_method

    if _nested.get():
        raise UsageError(f"{Artemis.name} cannot come before {Artemis.name}.", f"Choose {FIRST}.")
    token = _nested.set(True)
    try:
        return load_method(name, backbone=backbone)
    finally:
        _nested.reset(token)


def shapes(dim: int, hidden: int) -> dict[str, tuple[int, ...]]:
    """Every tensor and its shape."""
    found: dict[str, tuple[int, ...]] = {"words.weight": (dim, dim), "words.bias": (dim,)}
    for name in ("explicit", "implicit"):
        found |= {f"{name}.0.weight": (hidden, dim), f"{name}.0.bias": (hidden,)}
        found |= {f"{name}.2.weight": (dim, hidden), f"{name}.2.bias": (dim,)}
    return found
