"""``maaf``: MAAF, attention over the parts of the picture and the words together (arXiv 2007.00145).

Dodds, Culpepper, Herdade, Zhang, Boakye, "Modality-Agnostic Attention Fusion for visual search with text
feedback". With patches p_1 ... p_N of the reference, rows e_1 ... e_L of the token table for the words, and
unit vectors v and t of picture and words::

    x = LN [P p_1 ... P p_N; E e_1 + s_1 ... E e_L + s_L; T t],   x <- transformer(x)
    q = norm(v + t + O LN((mean of x at the patches + mean of x at the words) / 2))

As published (read in the authors' code): one sequence of both kinds of tokens, blocks of self-attention that
do not tell them apart, no position for patches, and the mean of the states, those of patches and of words
each pooled by themselves. Ours: the backbone's frozen last map or tokens in place of ResNet's two stages;
rows of its token table, which every runtime has without torch, and the text tower's feature of the whole text
(T t) in place of an LSTM or BERT; the **target's side is the plain feature of the picture**, not the pooled
patches, so that the index stays as it is; and v + t, to which the network adds, with O = 0 at the start.

The index keeps no patches: those of the reference are computed when it is asked (``needs`` "patches").
Several references: their patches stand one after the other, v is their mean. A query without words is
answered by its pictures, one without pictures by its words.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightword.backbones.base import Array, Backbone
from sightword.backbones.patches import check_patches
from sightword.errors import UsageError
from sightword.methods.base import ComposeInput
from sightword.methods.blocks import block, layer_norm, linear, shapes_around
from sightword.methods.cirplant import standard
from sightword.methods.composer import Composer, picture_vectors
from sightword.methods.trained import check_shapes, network_of, open_trained
from sightword.methods.vectors import unit
from sightword.prompts import Prompt

__all__ = ["Maaf", "shapes"]

NUMBERS = ("width", "layers", "heads", "longest", "patch")


class Maaf(Composer):
    """The method; see the module's docstring.

    Parameters
    ----------
    tensors : dict of str to float32 array
        As `shapes` lists them.
    network : dict
        ``width``, ``layers``, ``heads``, ``longest`` (words) and ``patch`` (Dp).
    """

    name = "maaf"
    needs = frozenset({"patches"})

    def __init__(self, tensors: dict[str, Array], network: dict[str, Any]) -> None:
        self.tensors, self.network = tensors, network
        self._rows: Array | None = None

    @classmethod
    def open(cls, directory: Path, backbone: Backbone, name: str) -> Maaf:
        """Load it for a backbone; refuses another than its own, and one that gives no patches.

        Raises
        ------
        MethodNeeds
        """
        tensors, config = open_trained(directory, backbone, cls.name, name)
        check_patches(backbone, f"The method {name}")
        network = network_of(directory, config, NUMBERS)
        check_shapes(directory, tensors, shapes(backbone.spec.dim, backbone.spec.token_dim, network))
        return cls(tensors, network)

    def blend(self, backbone: Backbone, queries: Sequence[ComposeInput]) -> Array:
        """See `Composer.blend`; queries come one by one, because their patches and words differ in number.

        Raises
        ------
        UsageError
            A query came without the patches of its pictures.
        """
        texts = backbone.encode_prompts([Prompt((query.text.strip(),)) for query in queries])
        pictures = picture_vectors(backbone, queries)
        out = np.zeros((len(queries), backbone.spec.dim), np.float32)
        for number, query in enumerate(queries):
            if query.patches is None or query.patches.ndim != 2:
                raise UsageError(f"{self.name} was asked without the patches of the reference.")
            if query.patches.shape[1] != self.network["patch"]:
                shape = list(query.patches.shape)
                raise UsageError(f"{self.name} reads patches [N, {self.network['patch']}], not {shape}.")
            words = self._words(backbone, query.text.strip())
            out[number] = self(query.patches, words, texts[number], pictures[number])
        return out

    def __call__(self, patches: Array, words: Array, text: Array, picture: Array) -> Array:
        """One query to its unit vector [D].

        Parameters
        ----------
        patches : float32 [N, Dp]
        words : float32 [L, W]
            Rows of the token table.
        text : float32 [D]
            The text's raw feature.
        picture : float32 [D]
            Unit length.
        """
        t, count = self.tensors, len(patches)
        x = np.concatenate(
            [
                linear(standard(patches), t, "patches"),
                linear(standard(words), t, "words") + t["places"][: len(words)],
                linear(standard(text[None]), t, "sentence"),
            ]
        )[None]
        x = layer_norm(x, t, "input")
        mask: NDArray[np.bool_] = np.ones(x.shape[:2], bool)
        for layer in range(self.network["layers"]):
            x = block(x, t, f"blocks.{layer}", self.network["heads"], mask)
        pooled = (x[:, :count].mean(axis=1) + x[:, count:].mean(axis=1)) / 2
        added = linear(layer_norm(pooled, t, "output_norm"), t, "output")[0]
        return unit(picture + unit(text) + added)

    def _words(self, backbone: Any, text: str) -> Array:
        """Token rows of a text, float32 [L, W]."""
        if self._rows is None:
            self._rows = backbone.token_embedding()
        ids = backbone.tokenizer.ids(text)[: self.network["longest"]] or [backbone.spec.pad_id]
        return self._rows[ids]


def shapes(dim: int, token_dim: int, network: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """Tensors and their shapes; weights are [out, in]."""
    width = network["width"]
    linears = {
        "patches": (width, network["patch"]), "words": (width, token_dim), "sentence": (width, dim),
        "output": (dim, width),
    }  # fmt: skip
    return shapes_around(linears, network)
