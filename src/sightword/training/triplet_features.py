"""Frozen features of triplets, computed once: pictures, words, and on request token rows, patches and parts.

What is expensive is kept in the cache (``training`` of the user's cache): features of pictures by the files'
states, those of words by the words, those of parts by both.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightword.backbones.base import Array, Backbone
from sightword.errors import SightwordError
from sightword.prompts import Prompt
from sightword.training.bars import Bar
from sightword.training.pictures import Skips, _replace, picture_features
from sightword.training.triplets import Triplets

__all__ = ["TripletFeatures", "kept", "text_features", "triplet_features", "word_rows"]

Ids = NDArray[np.int64]
BATCH = 64


@dataclass(frozen=True)
class TripletFeatures:
    """Everything that learning from N triplets needs.

    A triplet has one or more *asks*, a reference with one of its equally likely texts.

    Attributes
    ----------
    pictures : float32 [P, D]
        Raw.
    names : list of str, length P
    texts : list of str, length T
        Each once.
    text : float32 [T, D]
        Raw features of the words alone.
    reference, target : int64 [N]
        Rows of `pictures`.
    ask_text : int64 [A]
        Row of `texts` of each ask; those of triplet i are ``starts[i]:starts[i] + counts[i]``.
    starts, counts : int64 [N]
    asked : int64 [N]
        The ask that is measured; it need not be one of those that are drawn.
    ask_reference : int64 [A]
        Row of `pictures`.
    also : int64 [N, R]
        Rows of further right answers, padded with -1.
    group : int64 [N]
        Triplets of one number are held out together.
    words : list of int64 [L], optional
        Rows of the backbone's token table for each text.
    patches : float16 or float32 [P, n, Dp], optional
        Of the pictures that are references; others are zero.
    extra : float32 [A, K, D], optional
        By ask.
    kept : int64 [N]
        Which of the triplets these are.
    skips : Skips
    lost : int
        Triplets that were left out because a picture of theirs could not be read.
    """

    pictures: Array
    names: list[str]
    texts: list[str]
    text: Array
    reference: Ids
    target: Ids
    ask_text: Ids
    starts: Ids
    counts: Ids
    asked: Ids
    ask_reference: Ids
    also: Ids
    group: Ids
    kept: Ids
    words: list[Ids] | None = None
    patches: NDArray[Any] | None = None
    extra: Array | None = None
    skips: Skips = field(default_factory=Skips)
    lost: int = 0

    def __len__(self) -> int:
        return len(self.reference)

    def draw(self, rows: Ids, rng: np.random.Generator) -> Ids:
        """One ask of each of these triplets, int64 [B]."""
        return np.asarray(self.starts[rows] + rng.integers(0, self.counts[rows]), np.int64)

    def false_negatives(self, rows: Ids) -> NDArray[np.bool_]:
        """[B, B]: whether target j is a right answer of triplet i as well; False on the diagonal."""
        targets = self.target[rows]
        wrong: NDArray[np.bool_] = targets[:, None] == targets[None, :]
        for column in self.also[rows].T:
            wrong |= column[:, None] == targets[None, :]
        np.fill_diagonal(wrong, False)
        return wrong


def triplet_features(
    triplets: Triplets,
    backbone: Backbone,
    *,
    needs: frozenset[str] = frozenset(),
    longest: int = 40,
    home: Path | None = None,
    cap: float = 0.05,
    workers: int | None = None,
    progress: bool = True,
    parts: Callable[[Array, Sequence[str]], Array] | None = None,
    parts_key: str = "",
) -> TripletFeatures:
    """Compute the features of triplets.

    Parameters
    ----------
    triplets : Triplets
    backbone : Backbone
    needs : frozenset of {"words", "patches", "extra"}
    longest : int
        Words (tokens) of a text beyond so many are cut off in `words`.
    home : Path, optional
        The cache's directory; None keeps nothing.
    cap : float
        Largest share of pictures that may be unreadable.
    parts : callable, optional
        For ``extra``: raw features of references [n, D] and their texts, to float32 [n, K, D].
    parts_key : str
        Changes when `parts` does.

    Raises
    ------
    SightwordError
        Too many pictures cannot be read, or no triplet is left.
    """
    found = picture_features(
        triplets.pictures, backbone, home=home, cap=cap, workers=workers, progress=progress
    )
    row = {item.name: number for number, item in enumerate(found.items)}
    readable = [t.reference.name in row and t.target.name in row for t in triplets.rows]
    rows = [triplet for triplet, good in zip(triplets.rows, readable) if good]
    if not rows:
        raise SightwordError("No triplet is left whose pictures can be read.", found.skips.sentence())
    texts: dict[str, int] = {}
    asks: list[tuple[int, int]] = []
    starts, counts, asked = [], [], []
    for triplet in rows:
        reference = row[triplet.reference.name]
        starts.append(len(asks))
        counts.append(len(triplet.texts))
        asks += [(reference, texts.setdefault(text, len(texts))) for text in triplet.texts]
        if triplet.text in triplet.texts:
            asked.append(starts[-1] + triplet.texts.index(triplet.text))
        else:
            asked.append(len(asks))
            asks.append((reference, texts.setdefault(triplet.text, len(texts))))
    also = [[row[name] for name in triplet.also if name in row] for triplet in rows]
    padded = np.full((len(rows), max(map(len, also), default=0)), -1, np.int64)
    for number, names in enumerate(also):
        padded[number, : len(names)] = names
    groups: dict[str, int] = {}
    listed = list(texts)
    features = TripletFeatures(
        found.features, [item.name for item in found.items], listed,
        text_features(listed, backbone, home=home, progress=progress),
        _ids(row[t.reference.name] for t in rows), _ids(row[t.target.name] for t in rows),
        _ids(text for _, text in asks), _ids(starts), _ids(counts), _ids(asked),
        _ids(reference for reference, _ in asks), padded,
        _ids(groups.setdefault(triplet.group, len(groups)) for triplet in rows),
        np.flatnonzero(readable),
        skips=found.skips, lost=len(triplets.rows) - len(rows),
    )  # fmt: skip
    if "words" in needs:
        features = replace(features, words=word_rows(listed, backbone, longest))
    if "patches" in needs:
        from sightword.training.patches import patch_features

        patches = patch_features(found.items, np.unique(features.ask_reference), backbone, home=home,
                                 workers=workers, progress=progress)  # fmt: skip
        features = replace(features, patches=patches)
    if "extra" in needs and parts is not None:
        features = replace(features, extra=_parts(features, backbone, parts, parts_key, home, progress))
    return features


def text_features(
    texts: Sequence[str], backbone: Backbone, *, home: Path | None = None, progress: bool = True
) -> Array:
    """Raw features of words alone, float32 [T, D]; kept in the cache."""

    def make() -> Array:
        # Texts of one length together: a batch is padded to its longest.
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        out = np.zeros((len(texts), backbone.spec.dim), np.float32)
        with Bar("words", "text", len(texts), show=progress) as bar:
            for start in range(0, len(order), BATCH):
                block = order[start : start + BATCH]
                out[block] = backbone.encode_prompts([Prompt((texts[index],)) for index in block])
                bar.advance(len(block))
        return out

    return kept(home, "texts", [_told(backbone), *texts], (len(texts), backbone.spec.dim), make)


def word_rows(texts: Sequence[str], backbone: Any, longest: int) -> list[Ids]:
    """Ids of each text without special tokens, at most `longest`; a text without any gets the pad row."""
    pad = backbone.spec.pad_id
    return [
        np.asarray(backbone.tokenizer.ids(text)[:longest] or [pad], np.int64)
        for text in texts
    ]  # fmt: skip


def kept(
    home: Path | None, kind: str, key: Sequence[str], shape: tuple[int, ...], make: Callable[[], Array]
) -> Array:
    """An array from the cache, or made and kept.

    Parameters
    ----------
    home : Path, optional
        None keeps nothing.
    kind : str
        Begins the file's name.
    key : sequence of str
        Everything that decides the content.
    shape : tuple of int
        What is not of this shape is made again.
    make : callable
    """
    if home is None:
        return make()
    digest = hashlib.sha256("\n".join(key).encode("utf-8", "surrogateescape")).hexdigest()[:32]
    path = home / f"{kind}-{digest}.npy"
    try:
        known: Array = np.load(path, allow_pickle=False)
        if known.shape == shape and known.dtype == np.float32:
            return known
    except (OSError, ValueError, EOFError):
        pass  # not there, or cut off
    made = make()
    _replace(path, lambda stream: np.save(stream, made))
    return made


def _parts(
    features: TripletFeatures, backbone: Backbone, parts: Callable[[Array, Sequence[str]], Array], key: str,
    home: Path | None, progress: bool,
) -> Array:  # fmt: skip
    """Equal asks are computed once."""
    pairs, places = np.unique(
        np.stack([features.ask_reference, features.ask_text], axis=1), axis=0, return_inverse=True
    )

    def make() -> Array:
        blocks = []
        with Bar("asks", "ask", len(pairs), show=progress) as bar:
            for start in range(0, len(pairs), BATCH):
                block = pairs[start : start + BATCH]
                texts = [features.texts[text] for text in block[:, 1]]
                blocks.append(parts(features.pictures[block[:, 0]], texts))
                bar.advance(len(block))
        return np.concatenate(blocks)

    names = [f"{features.names[picture]}\t{features.texts[text]}" for picture, text in pairs]
    state = hashlib.sha256(np.ascontiguousarray(features.pictures).tobytes()).hexdigest()
    probe = parts(features.pictures[pairs[:1, 0]], [features.texts[pairs[0, 1]]])
    shape = (len(pairs), *probe.shape[1:])
    made = kept(home, "parts", [_told(backbone), key, state, *names], shape, make)
    whole: Array = made[places.reshape(-1)]
    return whole


def _told(backbone: Backbone) -> str:
    return f"{backbone.spec.weights_hash}|{getattr(backbone, 'precision', '')}"


def _ids(values: Any) -> Ids:
    return np.fromiter(values, np.int64)
