"""Optimisation-based textual inversion (SEARLE's OTI): one pseudo-word per picture, found by descent.

    per step and picture: a random template around the token,  t  = T(template with s)
                          a random phrase about a similar concept, t* = T(phrase with s in its place)
    L = (l_cos (1 - cos(t, v)) + l_phrase (1 - cos(t*, T(phrase)))) / (l_cos + l_phrase)

s starts at N(0, 0.02^2) and AdamW moves it; the **running average** of s is the answer. Every picture draws
from its own stream and the loss is summed over pictures, so the answer does not depend on who shares its
batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sightword.backbones.base import Array
from sightword.errors import SightwordError
from sightword.methods.phrases import PhraseBook, with_article
from sightword.methods.token_rows import prompt_ids, widen
from sightword.methods.torch_words import Readable, RowEncoder, TextTower
from sightword.prompts import Prompt, parse_prompt

__all__ = ["TEMPLATES", "OTISettings", "Phrasing", "invert"]

Ids = NDArray[np.int64]
_BLOCK = 32

TEMPLATES = (
    "a photo of {*}", "a picture of {*}", "an image of {*}", "a photograph of {*}", "a good photo of {*}",
    "a bright photo of {*}", "a dark photo of {*}", "a close-up photo of {*}", "a cropped photo of {*}",
    "a photo of one {*}", "a photo of the {*}", "a photo of my {*}", "a photo of a small {*}",
    "a photo of a large {*}", "a photo of a clean {*}", "a photo of a cool {*}", "a photo of a nice {*}",
    "a blurry photo of {*}", "a drawing of {*}", "an illustration of {*}", "a depiction of {*}",
    "a view of {*}", "this is {*}", "there is {*} here",
)  # fmt: skip
"""Ours; the paper's two dozen are of this kind."""


@dataclass(frozen=True)
class OTISettings:
    """The paper's recipe.

    Attributes
    ----------
    steps, lr, weight_decay, ema : int, float
    cosine, phrase : float
        l_cos and l_phrase.
    concepts : int
        How many of the most similar concepts lend their phrases.
    tokens : int
        k.
    batch : int
        Pictures at once.
    seed : int
    """

    steps: int = 350
    lr: float = 2e-2
    weight_decay: float = 0.01
    ema: float = 0.99
    cosine: float = 1.0
    phrase: float = 0.5
    concepts: int = 15
    tokens: int = 1
    batch: int = 32
    seed: int = 0
    templates: tuple[str, ...] = field(default=TEMPLATES)


class Phrasing:
    """A phrase book as one backbone reads it; features of whole phrases are computed once, when needed.

    Parameters
    ----------
    book : PhraseBook
    backbone : Readable
    encoder : RowEncoder
    tokens : int
        k.
    every : bool
        Whether a concept makes way wherever it stands (distillation) or once (OTI).
    """

    def __init__(
        self, book: PhraseBook, backbone: Readable, encoder: RowEncoder, tokens: int, *, every: bool = False
    ) -> None:
        self.book = book
        self._backbone, self._encoder, self._tokens, self._every = backbone, encoder, tokens, every
        self._features: dict[tuple[int, int], torch.Tensor] = {}
        self._rows: dict[tuple[int, int], Ids] = {}

    def similar(self, features: torch.Tensor, count: int) -> NDArray[np.int64]:
        """The concepts most like each picture, int64 [N, count], best first."""
        texts = [Prompt((f"a photo of {with_article(concept)}",)) for concept in self.book.concepts]
        with torch.no_grad():
            known = torch.nn.functional.normalize(self._encoder([self._ids(text) for text in texts]), dim=-1)
            scores = torch.nn.functional.normalize(features, dim=-1) @ known.T
            best = scores.topk(min(count, len(texts)), dim=1).indices
        found: NDArray[np.int64] = best.cpu().numpy()
        return found

    def masked(self, keys: list[tuple[int, int]]) -> list[Ids]:
        """Rows with gaps, for (concept, phrase) pairs."""
        for key in keys:
            if key not in self._rows:
                self._rows[key] = self._ids(self.book.masked(*key, every=self._every))
        return [self._rows[key] for key in keys]

    def whole(self, keys: list[tuple[int, int]]) -> torch.Tensor:
        """Features of the untouched phrases [B, D].

        Computed in fixed blocks: the last bits must not depend on which phrases were asked for before.
        """
        for concept, phrase in keys:
            if (concept, phrase) in self._features:
                continue
            first = phrase - phrase % _BLOCK
            texts = self.book.phrases[concept][first : first + _BLOCK]
            with torch.no_grad():
                features = self._encoder([self._ids(Prompt((text,))) for text in texts])
            self._features.update(((concept, first + i), feature) for i, feature in enumerate(features))
        return torch.stack([self._features[key] for key in keys])

    def draw(self, rng: np.random.Generator, concepts: NDArray[np.int64]) -> tuple[int, int]:
        """One phrase, uniformly from all phrases of these concepts."""
        ends = np.cumsum([len(self.book.phrases[concept]) for concept in concepts])
        at = int(rng.integers(ends[-1]))
        which = int(np.searchsorted(ends, at, side="right"))
        return int(concepts[which]), at - int(ends[which - 1] if which else 0)

    def _ids(self, prompt: Prompt) -> Ids:
        spec = self._backbone.spec
        ids, _ = prompt_ids(prompt, self._backbone.tokenizer, spec)
        assert ids is not None
        return widen(np.array(ids, np.int64), self._tokens, spec)


def invert(
    features: Array,
    tower: TextTower,
    backbone: Readable,
    settings: OTISettings | None = None,
    *,
    book: PhraseBook | None = None,
    device: str = "cpu",
    dtype: str = "f32",
    start: int = 0,
    begin: Array | None = None,
    on_batch: Callable[[Array], None] | None = None,
    on_step: Callable[[int, float], None] | None = None,
) -> Array:
    """Invert pictures.

    Parameters
    ----------
    features : float32 [N, D]
        Raw image features.
    tower, backbone
        The text tower in torch and its backbone.
    settings : OTISettings, optional
    book : PhraseBook, optional
        None leaves the phrases out (l_phrase = 0).
    start : int
        Number of the first picture: picture `start + i` draws the same in every call.
    begin : float32 [N, k, W], optional
        Where the descent starts, such as another phi's answers; fewer steps are enough then. Random if None.
    on_batch : callable, optional
        Called with the tokens of each finished batch.
    on_step : callable, optional
        Called after every step with the number of pictures and their mean loss.

    Returns
    -------
    float32 [N, k, W]
    """
    settings = settings or OTISettings()
    encoder = RowEncoder(tower, backbone, device=device, dtype=dtype)
    phrasing = Phrasing(book, backbone, encoder, settings.tokens) if book and settings.phrase else None
    whole = torch.from_numpy(np.ascontiguousarray(features, np.float32)).to(device)
    found: list[Array] = []
    for first in range(0, len(whole), settings.batch):
        part = whole[first : first + settings.batch]
        own = None if begin is None else begin[first : first + settings.batch]
        found.append(_batch(part, start + first, settings, encoder, phrasing, on_step, own))
        if on_batch is not None:
            on_batch(found[-1])
    width = backbone.spec.token_dim
    return np.concatenate(found) if found else np.zeros((0, settings.tokens, width), np.float32)


def _batch(
    v: torch.Tensor,
    first: int,
    settings: OTISettings,
    encoder: RowEncoder,
    phrasing: Phrasing | None,
    on_step: Callable[[int, float], None] | None,
    begin: Array | None = None,
) -> Array:
    spec, count = encoder.spec, len(v)
    streams = [np.random.default_rng((settings.seed, first + index)) for index in range(count)]
    random = np.stack([rng.normal(0, 0.02, (settings.tokens, spec.token_dim)) for rng in streams])
    first_guess = np.array(random if begin is None else begin, np.float32)
    tokens = torch.nn.Parameter(torch.from_numpy(first_guess).to(v.device))
    average = tokens.detach().clone()
    optimizer = torch.optim.AdamW([tokens], lr=settings.lr, weight_decay=settings.weight_decay)
    frames = _frames(settings, encoder)
    near = phrasing.similar(v, settings.concepts) if phrasing else None
    apart: Any = torch.nn.functional.cosine_similarity
    for _ in range(settings.steps):
        rows = [frames[rng.integers(len(frames))] for rng in streams]
        if phrasing is None or near is None:
            loss = (1 - apart(encoder(rows, tokens), v)).sum()
        else:
            keys = [phrasing.draw(rng, concepts) for rng, concepts in zip(streams, near)]
            both = encoder([*rows, *phrasing.masked(keys)], torch.cat([tokens, tokens]))
            by_template = (1 - apart(both[:count], v)).sum()
            by_phrase = (1 - apart(both[count:], phrasing.whole(keys))).sum()
            loss = settings.cosine * by_template + settings.phrase * by_phrase
            loss = loss / (settings.cosine + settings.phrase)
        value = float(loss.detach()) / count
        if not np.isfinite(value):
            raise SightwordError(f"The loss became {value} for pictures {first} to {first + count - 1}.")
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        average.lerp_(tokens.detach(), 1 - settings.ema)
        if on_step is not None:
            on_step(count, value)
    answer: Array = average.cpu().numpy()
    return answer


def _frames(settings: OTISettings, encoder: RowEncoder) -> list[Ids]:
    found = []
    for template in settings.templates:
        ids, _ = prompt_ids(parse_prompt(template), encoder.tokenizer, encoder.spec)
        assert ids is not None
        found.append(widen(np.array(ids, np.int64), settings.tokens, encoder.spec))
    return found
