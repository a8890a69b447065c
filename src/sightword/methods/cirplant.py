"""``cirplant``: CIRPLANT, a transformer over the words and the picture, learnt from triplets (ICCV 2021).

Liu, Rodriguez-Opazo, Teney, Gould; arXiv 2108.04024.

    x = [T; e_1 ... e_L; V],   x <- transformer(x),   q = norm(norm(v) + O LN(x_V))

As published (read in the authors' code): the reference is **one** token, its projected global feature at the
end of the words; the state at that token is the answer, compared with the plain feature of the target in the
space where the picture went in; the loss is a soft triplet loss.

Ours: the rows of the backbone's own token table stand where OSCAR's pre-trained BERT had its words, and the
frozen text tower's feature of the whole text (T) where it had [CLS]; the transformer is small, begins at
random and normalises before its blocks; the target's side has no layers, so that the index stays as it is,
and the picture's own vector is added to the answer, as BERT's residual stream would have carried it.
Several pictures are averaged; a query without words is answered by its pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sightword.backbones.base import Array, Backbone
from sightword.methods.base import ComposeInput
from sightword.methods.blocks import attention_mask, block, layer_norm, linear, shapes_around
from sightword.methods.composer import Composer
from sightword.methods.trained import check_shapes, network_of, open_trained
from sightword.methods.vectors import unit
from sightword.prompts import Prompt

__all__ = ["Cirplant", "shapes", "standard"]


class Cirplant(Composer):
    """The method; see the module's docstring.

    Parameters
    ----------
    tensors : dict of str to float32 array
        As `shapes` lists them.
    network : dict
        ``width``, ``layers``, ``heads`` and ``longest``.
    """

    name = "cirplant"

    def __init__(self, tensors: dict[str, Array], network: dict[str, Any]) -> None:
        self.tensors, self.network = tensors, network
        self._rows: Array | None = None

    @classmethod
    def open(cls, directory: Path, backbone: Backbone, name: str) -> Cirplant:
        """Load it for a backbone; refuses another than its own."""
        tensors, config = open_trained(directory, backbone, cls.name, name)
        network = network_of(directory, config, _NUMBERS)
        check_shapes(directory, tensors, shapes(backbone.spec.dim, backbone.spec.token_dim, network))
        return cls(tensors, network)

    def blend(self, backbone: Backbone, queries: Sequence[ComposeInput]) -> Array:
        """See `Composer.blend`."""
        stripped = [query.text.strip() for query in queries]
        texts = backbone.encode_prompts([Prompt((text,)) for text in stripped])
        images = np.stack([np.mean(query.images, axis=0) for query in queries]).astype(np.float32)
        words, lengths = self.words(backbone, stripped)
        return self(texts, words, lengths, images)

    def words(self, backbone: Any, texts: Sequence[str]) -> tuple[Array, Any]:
        """Token rows of texts, float32 [B, L, W] with zeros behind each text, and int64 [B] lengths."""
        if self._rows is None:
            self._rows = backbone.token_embedding()
        longest = self.network["longest"]
        ids = [backbone.tokenizer.ids(text)[:longest] or [backbone.spec.pad_id] for text in texts]
        lengths = np.array([len(row) for row in ids])
        out = np.zeros((len(ids), int(lengths.max()), self._rows.shape[1]), np.float32)
        for number, row in enumerate(ids):
            out[number, : len(row)] = self._rows[row]
        return out, lengths

    def __call__(self, texts: Array, words: Array, lengths: Any, images: Array) -> Array:
        """Raw features [B, D], token rows [B, L, W] and lengths [B] -> unit vectors [B, D]."""
        t = self.tensors
        rows = linear(standard(words), t, "words") + t["places"][: words.shape[1]]
        x = np.concatenate(
            [
                linear(standard(texts), t, "sentence")[:, None],
                rows,
                linear(standard(images), t, "picture")[:, None],
            ],
            axis=1,
        )
        x = layer_norm(x, t, "input")
        mask = attention_mask(np.asarray(lengths), words.shape[1])
        for layer in range(self.network["layers"]):
            x = block(x, t, f"blocks.{layer}", self.network["heads"], mask)
        return unit(unit(images) + linear(layer_norm(x[:, -1], t, "output_norm"), t, "output"))


_NUMBERS = ("width", "layers", "heads", "longest")


def standard(vectors: Array) -> Array:
    """Vectors at length sqrt(width), whatever the tower's scale; zero stays zero."""
    return np.asarray(unit(vectors) * np.sqrt(vectors.shape[-1], dtype=np.float32), np.float32)


def shapes(dim: int, token_dim: int, network: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """Tensors and their shapes; weights are [out, in]."""
    width = network["width"]
    linears = {
        "words": (width, token_dim), "sentence": (width, dim), "picture": (width, dim),
        "output": (dim, width),
    }  # fmt: skip
    return shapes_around(linears, network)
