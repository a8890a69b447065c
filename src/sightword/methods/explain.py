"""What a pseudo-word means: the words of the vocabulary that the text tower takes for the same thing.

A pseudo-word is compared where its meaning is decided, behind the text tower: the feature of "a photo of
{*}" with the features of "a photo of a <word>" for the vocabulary's first whole words. Both sides are centred
on the words' mean, because all prompts of one form share a large common part. The rows of the token table
are no good for this: trained pseudo-words lie far from all of them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from sightword.backbones.base import Array, Backbone
from sightword.methods.base import Method
from sightword.methods.inversion import Inversion
from sightword.methods.pdv import PDV
from sightword.methods.vectors import unit
from sightword.prompts import Prompt, parse_prompt

__all__ = ["WORDS", "WordReader", "explain_words", "whole_words"]

WORDS = 10_000
"""How many words are compared with; vocabularies list frequent words first."""

_BATCH = 512
_SHORTEST = 3


Report = Callable[[int, int], None]


class WordReader:
    """The nearest words to a feature.

    Parameters
    ----------
    backbone : Backbone
    cache : Path, optional
        A directory where the words' features are kept between processes (float16).
    count : int
        How many words to compare with.
    report : callable, optional
        Told (words encoded so far, words in all) while they are encoded, which takes seconds; not called
        when the cache has them.
    """

    def __init__(
        self, backbone: Backbone, cache: Path | None = None, count: int = WORDS, report: Report | None = None
    ) -> None:
        self.words = whole_words(backbone.vocabulary())[:count]
        path = cache / f"words-{backbone.spec.weights_hash[:32]}-{len(self.words)}.npy" if cache else None
        features = _read(path, (len(self.words), backbone.spec.dim)) if path else None
        if features is None:
            prompts = [
                parse_prompt("a photo of {article} {word}", article=_article(w), word=w) for w in self.words
            ]
            features = _encode(backbone, prompts, report)
            if path:
                _write(path, features)
        self._mean = features.mean(axis=0)
        self._features = unit(features - self._mean)

    def nearest(self, features: Array, k: int = 20) -> list[list[tuple[str, float]]]:
        """The k nearest words of each feature.

        Parameters
        ----------
        features : float32 [n, D]
            In the joint space; scaled to unit length here.
        k : int

        Returns
        -------
        list of n lists of (word, cosine)
            The best first; cosines are those of the centred features.
        """
        scores = unit(unit(features) - self._mean) @ self._features.T
        order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        return [[(self.words[i], float(row[i])) for i in best] for best, row in zip(order, scores)]


def explain_words(
    backbone: Backbone,
    method: Method,
    images: Sequence[Array],
    k: int = 20,
    *,
    reader: WordReader | None = None,
    cache: Path | None = None,
) -> list[list[tuple[str, float]]]:
    """The nearest words to the pseudo-word of each picture.

    Parameters
    ----------
    backbone : Backbone
    method : Method
    images : sequence of float32 [D]
        Raw features of the references.
    k : int
        Words per picture.
    reader : WordReader, optional
        One made earlier; making it encodes the vocabulary (seconds).
    cache : Path, optional
        See `WordReader`.

    Returns
    -------
    list of lists of (word, cosine)
        One list per picture; empty when the method makes no pseudo-words.
    """
    inversion = method.base if isinstance(method, PDV) else method
    if not isinstance(inversion, Inversion) or not len(images):
        return []
    tokens = inversion.phi(np.stack(list(images)))
    features = backbone.encode_prompts([parse_prompt("a photo of {*}")] * len(tokens), [[t] for t in tokens])
    return (reader or WordReader(backbone, cache)).nearest(features, k)


def whole_words(vocabulary: Sequence[str]) -> list[str]:
    """The lower-case words that are one piece, in the vocabulary's order, without pieces and special tokens.

    WordPiece marks the pieces *inside* words (``##ing``), CLIP's vocabulary marks ends (``cat</w>``),
    byte-level and SentencePiece vocabularies mark beginnings (``Ġcat``, ``▁cat``).
    """
    for pattern in (r"([a-z]+)</w>", r"[Ġ▁]([a-z]+)", r"([a-z]+)"):
        found = [match[1] for piece in vocabulary if (match := re.fullmatch(pattern, piece))]
        words = [word for word in dict.fromkeys(found) if len(word) >= _SHORTEST]
        if words:
            return words
    return []


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"


def _encode(backbone: Backbone, prompts: Sequence[Prompt], report: Report | None) -> Array:
    parts = []
    for start in range(0, len(prompts), _BATCH):
        if report is not None:
            report(start, len(prompts))
        parts.append(unit(backbone.encode_prompts(prompts[start : start + _BATCH])))
    if report is not None:
        report(len(prompts), len(prompts))
    return np.concatenate(parts) if parts else np.zeros((0, backbone.spec.dim), np.float32)


def _read(path: Path, shape: tuple[int, int]) -> Array | None:
    try:
        stored = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return stored.astype(np.float32) if stored.shape == shape and np.isfinite(stored).all() else None


def _write(path: Path, features: Array) -> None:
    draft = path.with_name(f"{path.name}.{os.getpid()}.part")
    # A cache that cannot be written only costs time.
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as stream:
            np.save(stream, features.astype(np.float16), allow_pickle=False)
        draft.replace(path)
