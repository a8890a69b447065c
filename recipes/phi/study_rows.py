"""The studies: which phi each row trains."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from data import CACHE, captions, generated_captions, named_pictures
from sightword.methods.phrases import PhraseBook
from sightword.methods.torch_oti import OTISettings
from sightword.methods.torch_words import RowEncoder
from sightword.prompts import Prompt
from sightword.training.cam import watched_tower
from sightword.training.captions import read_captions
from sightword.training.lincir import caption_features, learn_lincir
from sightword.training.masked import MaskedPairs, learn_masked
from sightword.training.masking import Choice, make_pairs, only
from sightword.training.pic2word import learn_pic2word
from sightword.training.searle import invert_pictures, learn_searle

if TYPE_CHECKING:
    from make import Recipe

__all__ = ["STUDIES", "Studio", "Study"]

ALIGN = 5.0


class Studio:
    """What rows share: one recipe, and masked pairs that are made once."""

    def __init__(self, recipe: Recipe, scale: float) -> None:
        self.recipe, self.scale = recipe, scale
        self._pairs: dict[tuple[float, str, str], MaskedPairs] = {}
        self._texts: dict[str, tuple[Any, Any]] = {}

    def _job(self, method: str, steps: int, tokens: int = 1, **settings: Any) -> Any:
        return replace(self.recipe.job(method, steps, **settings), tokens=tokens)

    def _done(self, job: Any, report: dict[str, Any], **facts: Any) -> tuple[Path, dict[str, Any]]:
        found = report["held_out"]["after"]
        return job.out, {
            "found": found["recall_at_10"], "found_interval": found["recall_at_10_interval"],
            "cosine": found["cosine"], "untrained": report["held_out"]["before"]["recall_at_10"],
            "steps": report["settings"]["steps"], "rows": report["rows"], "seconds": report["seconds"], **facts,
        }  # fmt: skip

    def pic2word(
        self, tokens: int = 1, pictures: int | None = None, words: bool = False
    ) -> tuple[Path, dict[str, Any]]:
        """300 steps of 128 pictures."""
        features = (
            self.recipe.train if pictures is None else self.recipe.train[: self.recipe.count(pictures, 60)]
        )
        job = self._job("pic2word", 300, tokens, batch=min(128, len(features) // 2), weight_decay=0.1)
        texts = None
        if words:
            _, cached = self.texts()
            texts = cached * float(
                np.linalg.norm(self.recipe.held_out, axis=1).mean() / np.linalg.norm(cached, axis=1).mean()
            )
        return self._done(
            job, learn_pic2word(job, features, align=ALIGN, texts=texts), pictures=len(features)
        )

    def texts(self, source: str = "permissive") -> tuple[Any, Any]:
        """12,000 texts, read once, and their features; ``flickr``: the captions of the file $FLICKR_CAPTIONS."""
        if source not in self._texts:
            recipe = self.recipe
            count = recipe.count(12_000, 200)
            texts = captions(count) if source == "permissive" else private_captions(count)
            rows = read_captions(texts, recipe.backbone.tokenizer, recipe.backbone.spec, workers=1)
            self._texts[source] = rows, caption_features(recipe.job("lincir", 1), rows.whole)
        return self._texts[source]

    def lincir(
        self,
        tokens: int = 1,
        share: float = 0.15,
        moved: bool = False,
        steps: int = 250,
        source: str = "permissive",
    ) -> tuple[Path, dict[str, Any]]:
        """From 12,000 texts."""
        rows, cached = self.texts(source)
        job = self._job("lincir", steps, tokens, lr=2e-3)
        norm = float(np.linalg.norm(self.recipe.held_out, axis=1).mean())
        mean = self.recipe.train.mean(axis=0) if moved else None
        report = learn_lincir(job, rows, share=share, pictures_norm=norm, pictures_mean=mean, cached=cached)
        return self._done(job, report, share=share, moved=moved)

    def searle(self, tokens: int = 1) -> tuple[Path, dict[str, Any]]:
        """400 pictures, 30 steps of descent from N(0, .02), 150 of distillation."""
        count = self.recipe.count(400, 40)
        chosen = self.recipe.train[np.random.default_rng(1).permutation(len(self.recipe.train))[:count]]
        book = PhraseBook.default()
        job = self._job("searle", 150, tokens)
        settings = OTISettings(steps=self.recipe.count(30, 2), lr=2e-2, ema=0.9)
        if tokens != settings.tokens:
            settings = replace(settings, tokens=tokens)
        names = [str(number) for number in range(count)]
        made = invert_pictures(job, chosen, names, settings, book, out=CACHE / "studies" / "oti")
        return self._done(job, learn_searle(job, chosen, made.tokens, book))

    def pairs(self, tau: float, choice: Choice, source: str) -> MaskedPairs:
        """Masked pairs of 1,000 pictures."""
        key = (tau, choice, source)
        if key not in self._pairs:
            recipe = self.recipe
            encoder = RowEncoder(recipe.tower, recipe.backbone, dtype=recipe.precision)
            count = recipe.count(600, 40)
            items = (
                named_pictures(count)
                if source == "names"
                else generated_captions(recipe.exact, self.encode, count)
            )
            watched = watched_tower(recipe.backbone)
            self._pairs[key] = make_pairs(
                items, recipe.backbone, watched, encoder, tau=tau, choice=choice, most=2, workers=1
            )
        return self._pairs[key]

    def encode(self, texts: list[str]) -> Any:
        """Raw features of texts."""
        found = [
            self.recipe.backbone.encode_prompts([Prompt((text,)) for text in texts[at : at + 64]], ())
            for at in range(0, len(texts), 64)
        ]
        return np.concatenate(found)

    def masked(
        self, tau: float = 0.3, choice: Choice = "random", source: str = "names", quarter: int | None = None,
        tokens: int = 1,
    ) -> tuple[Path, dict[str, Any]]:  # fmt: skip
        """100 steps; `quarter`: only pairs of that quartile of the kept area, -1 for as many drawn at random."""
        pairs = self.pairs(tau, choice, source)
        if quarter is not None:
            pairs = some_pairs(pairs, quarter)
        job = self._job("masked", 100, tokens, weight_decay=0.1, batch=min(128, len(pairs.features) // 2))
        report = learn_masked(job, pairs, tau=tau)
        return self._done(
            job,
            report,
            pairs=len(pairs.masked),
            kept_area_quartiles=report["kept_area_quartiles"],
            left_out=pairs.tally,
        )


def some_pairs(pairs: MaskedPairs, quarter: int) -> MaskedPairs:
    """The pairs of one quartile of the kept area (0 to 3), or a random quarter of all (-1)."""
    order = (
        np.argsort(pairs.area, kind="stable")
        if quarter >= 0
        else np.random.default_rng(0).permutation(len(pairs.area))
    )
    return only(pairs, np.sort(np.array_split(order, 4)[max(0, quarter)]))


def private_captions(limit: int) -> list[str]:
    """Captions of photographs that may be measured with but not shipped ($FLICKR_CAPTIONS: picture, tab, caption)."""
    lines = Path(os.environ["FLICKR_CAPTIONS"]).read_text(encoding="utf-8").splitlines()
    texts = [line.split("\t")[-1].strip(" .") for line in lines]
    return [texts[at] for at in np.random.default_rng(0).permutation(len(texts))[:limit]]


@dataclass(frozen=True)
class Study:
    """One question. The first row is what the others are compared with."""

    name: str
    title: str
    words: str
    rows: dict[str, Callable[[Studio], tuple[Path, dict[str, Any]]]]


def _words(method: Any, **options: Any) -> dict[str, Any]:
    return {f"k = {k}": partial(method, tokens=k, **options) for k in (1, 2, 4)}


STUDIES = (
    Study(
        "lincir",
        "LinCIR on a tower with a wide modality gap",
        "250 steps of 128 of 12,000 permissive texts; *share*: the noise's part of the captions' norm; *moved*: phi's inputs are moved "
        "to the pictures' mean (ours).",
        {
            "share .15": partial(Studio.lincir, share=0.15),
            "share .15, moved": partial(Studio.lincir, share=0.15, moved=True),
            "share .5, moved": partial(Studio.lincir, share=0.5, moved=True),
            "share 1, moved": partial(Studio.lincir, share=1.0, moved=True),
        },
    ),
    Study(
        "texts",
        "LinCIR: which texts",
        "250 steps, share .5, moved. *permissive*: glosses, names, tags, titles, templates, which alone may be shipped; *photographs'*: "
        "captions of Flickr8k, measured with and never committed.",
        {
            "permissive": partial(Studio.lincir, share=0.5, moved=True),
            "photographs'": partial(Studio.lincir, share=0.5, moved=True, source="flickr"),
        },
    ),
    Study(
        "tau",
        "Masked pairs: the map's threshold τ",
        "600 pictures, captions made of style and name, up to two nouns each, 100 steps.",
        {f"τ = {tau}": partial(Studio.masked, tau=tau) for tau in (0.3, 0.1, 0.2, 0.4, 0.5, 0.7)},
    ),
    Study(
        "area",
        "Masked pairs: how much of the picture is kept",
        "A quarter of the pairs of τ = .3 each: by quartile of the kept area, and drawn at random.",
        {
            "any area": partial(Studio.masked, quarter=-1),
            "smallest quarter": partial(Studio.masked, quarter=0),
            "second quarter": partial(Studio.masked, quarter=1),
            "third quarter": partial(Studio.masked, quarter=2),
            "largest quarter": partial(Studio.masked, quarter=3),
        },
    ),
    Study(
        "noun",
        "Masked pairs: which noun",
        "As above, τ = .3.",
        {
            "random, up to two": partial(Studio.masked),
            "head": partial(Studio.masked, choice="head"),
            "longest": partial(Studio.masked, choice="longest"),
        },
    ),
    Study(
        "captions",
        "Masked pairs: whose captions",
        "*people's*: the names that people gave the pictures, and their style; *generated*: the name and style that the backbone itself "
        "finds nearest (no captioning model can be had here; errors and all).",
        {"people's": partial(Studio.masked), "generated": partial(Studio.masked, source="generated")},
    ),
    Study(
        "pictures",
        "Pic2Word: how many unlabelled pictures",
        "300 steps each; all are 40,000, half of them views of the others.",
        {
            "all": Studio.pic2word,
            "100": partial(Studio.pic2word, pictures=100),
            "1,000": partial(Studio.pic2word, pictures=1000),
            "10,000": partial(Studio.pic2word, pictures=10_000),
        },
    ),
    Study(
        "both",
        "Pic2Word: captions as well as pictures",
        "The paper's future work; 12,000 texts scaled to the pictures' norm. As many steps, so each step costs twice.",
        {"pictures": Studio.pic2word, "pictures and captions": partial(Studio.pic2word, words=True)},
    ),
    Study("k-pic2word", "Pic2Word: k pseudo-words", "300 steps.", _words(Studio.pic2word)),
    Study("k-masked", "Masked pairs: k pseudo-words", "100 steps.", _words(Studio.masked)),
    Study(
        "k-lincir",
        "LinCIR: k pseudo-words",
        "Share .5, moved, 250 steps.",
        _words(Studio.lincir, share=0.5, moved=True),
    ),
    Study(
        "k-searle",
        "SEARLE: k pseudo-words",
        "400 pictures, 30 steps of descent from N(0, .02²), 150 steps of distillation.",
        _words(Studio.searle),
    ),
)
