"""``tuned``: a zero-shot phi and triplets together (ours): small steps away from what the phi answers.

With unit vectors v (the picture), t (the words alone), T0 = T("a photo of s") and T1 = T(prompt with s and
the words), any inversion method with or without PDV is a fixed mix of three of them; ``tuned`` learns the
mix, and what to add, from all four::

    h = ReLU(W [v; t; T0; T1] + c),   q = norm(sum_j (b_j + (U h + u)_j) x_j + R h + r)

b is the zero-shot method's mix and U, u, R and r begin at zero, so that **without a triplet the answer is the
zero-shot method's**. In training a penalty keeps q near it (``training/tuned.py``). The head has only ever
read questions with words, so one whose prompts leave them out ("a cartoon of {*}") is answered by b alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sightword.backbones.base import Array, Backbone
from sightword.errors import ModelUnavailable
from sightword.methods.base import ComposeInput
from sightword.methods.blocks import linear
from sightword.methods.composer import picture_vectors, text_vectors
from sightword.methods.inversion import Inversion
from sightword.methods.pdv import PDV
from sightword.methods.phi import Phi
from sightword.methods.trained import check_shapes, open_trained
from sightword.methods.vectors import unit
from sightword.prompts import PRESETS

__all__ = ["BASE", "PARTS", "Tuned", "mix_of", "shapes"]

PARTS = ("v", "t", "T0", "T1")
FIELD = re.compile(r"\{\w+\}")
"""A place for words in a prompt; that for the picture is ``{*}``."""
BASE = "base."
"""Begins the names of the phi's tensors."""


class Tuned(PDV):
    """The method; see the module's docstring.

    Parameters
    ----------
    base : Inversion
        The zero-shot method, as it was when it was tuned.
    alpha_text, alpha_image, beta : float
        Its PDV; 1, 0 and 1 for none.
    tensors : dict of str to float32 array
        As `shapes` lists them; empty answers as the base does.
    """

    def __init__(
        self, base: Inversion, *, alpha_text: float, alpha_image: float, beta: float,
        tensors: dict[str, Array] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(base, alpha_text=alpha_text, alpha_image=alpha_image, beta=beta)
        self.name = "tuned"
        self.tensors = tensors or {}
        self.mix = mix_of(alpha_text, alpha_image, beta)

    @classmethod
    def open(cls, directory: Path, backbone: Backbone, name: str) -> Tuned:
        """Load it for a backbone; refuses another than its own."""
        from sightword.methods.catalog import INVERSIONS

        found, config = open_trained(directory, backbone, "tuned", name)
        told, network = config.get("base") or {}, config.get("network") or {}
        try:
            kind, phi = INVERSIONS[told["method"]], _phi(found, told, config)
            amounts = {key: float(told[key]) for key in ("alpha_text", "alpha_image", "beta")}
            wanted = shapes(backbone.spec.dim, int(network["hidden"]))
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise ModelUnavailable(
                f"{directory} does not describe its base ({type(error).__name__}: {error})."
            ) from None
        head = {key: value for key, value in found.items() if not key.startswith(BASE)}
        check_shapes(directory, head, wanted)
        return cls(kind(phi), tensors=head, **amounts)

    def blend(self, backbone: Backbone, queries: Sequence[ComposeInput]) -> Array:
        """See `Composer.blend`."""
        parts = self.parts(backbone, queries)
        out = np.einsum("bkd,k->bd", parts, self.mix)
        if self.tensors:
            hidden = np.maximum(linear(parts.reshape(len(parts), -1), self.tensors, "inner"), 0)
            added = np.einsum("bkd,bk->bd", parts, linear(hidden, self.tensors, "shares"))
            said = np.array([_says(query) for query in queries])
            out = out + said[:, None] * (added + linear(hidden, self.tensors, "rest"))
        return unit(np.asarray(out, np.float32))

    def parts(self, backbone: Backbone, queries: Sequence[ComposeInput]) -> Array:
        """v, t, T0 and T1 of each query, float32 [B, 4, D] of unit length; t is v if there are no words."""
        pictures = picture_vectors(backbone, queries)
        words = pictures.copy()
        if said := [number for number, query in enumerate(queries) if query.text.strip()]:
            words[said] = text_vectors(backbone, [queries[number] for number in said])
        unchanged = self.base.blend_unchanged(backbone, queries)
        return np.stack([pictures, words, unchanged, self.base.blend(backbone, queries)], axis=1)


def _says(query: ComposeInput) -> bool:
    """Whether the words are in what the text tower reads."""
    prompts = [PRESETS.get(prompt, prompt) for prompt in query.prompts or ("{text}",)]
    return bool(query.text.strip()) and any(FIELD.search(prompt) for prompt in prompts)


def mix_of(alpha_text: float, alpha_image: float, beta: float) -> Array:
    """PDV as a mix of `PARTS`, float32 [4]."""
    moved = (1 - beta) * alpha_image + beta * alpha_text
    return np.array([1 - beta, 0.0, beta - moved, moved], np.float32)


def shapes(dim: int, hidden: int) -> dict[str, tuple[int, ...]]:
    """The head's tensors; weights are [out, in]."""
    count = len(PARTS)
    return {
        "inner.weight": (hidden, count * dim), "inner.bias": (hidden,),
        "shares.weight": (count, hidden), "shares.bias": (count,),
        "rest.weight": (dim, hidden), "rest.bias": (dim,),
    }  # fmt: skip


def _phi(tensors: dict[str, Array], told: dict[str, Any], config: dict[str, Any]) -> Phi:
    count = sum(key.startswith(f"{BASE}layers.") for key in tensors) // 2
    layers = tuple(
        (tensors[f"{BASE}layers.{index}.weight"], tensors[f"{BASE}layers.{index}.bias"])
        for index in range(count)
    )
    tokens = int(told["tokens"])
    if told["activation"] not in ("relu", "gelu") or layers[-1][0].shape[0] != tokens * config["token_dim"]:
        raise ValueError("its phi does not fit")
    return Phi(layers, told["activation"], tokens, {**config, **told, "kind": "phi"})
