"""Each method from a session and its own options to the finished directory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sightword.backbones.base import Array
from sightword.errors import UsageError
from sightword.methods.phrases import PhraseBook, make_phrases, read_concepts, read_phrases
from sightword.methods.token_rows import Rows, RowsWriter, prompt_ids
from sightword.prompts import Prompt
from sightword.training.keywords import clean_caption
from sightword.training.pictures import Skips, list_pictures
from sightword.training.session import Session

__all__ = ["run_lincir", "run_masked", "run_oti", "run_pic2word", "run_searle"]

LARGEST_CACHE = 2 * 10**9
"""Bytes of caption features that are kept without being asked to."""


def run_pic2word(
    session: Session, *, images: list[str], features: Path | None, text: list[str], augment: bool, **more: Any
) -> dict[str, Any]:
    """See `learn_pic2word`."""
    from sightword.training.augment import augmented
    from sightword.training.pic2word import learn_pic2word

    found = session.pictures(images, features)
    held_out, training = session.hold_out(found.features)
    rows = np.arange(len(found.features)) if training is None else training
    recompute = None
    if augment:
        if features is not None:
            raise UsageError("--augment crops pictures, so it needs --images instead of --features.")
        items = [found.items[row] for row in rows]
        recompute = augmented(items, session.backbone, session.wishes.settings.get("seed") or 0)
    captions = list(session.captions(text)) if text else []
    job = session.job(len(rows), held_out, {"skipped": len(found.skips.listed)})
    own = found.features[rows]
    texts = _caption_features(session, job, captions, own) if captions else None
    return learn_pic2word(job, own, texts=texts, recompute=recompute, **more)


def run_oti(
    session: Session, *, images: list[str], features: Path | None, phrases: Path | None,
    concepts: Path | None, with_phrases: bool,
) -> dict[str, Any]:  # fmt: skip
    """See `invert_pictures`."""
    from sightword.training.searle import invert_pictures

    found = session.pictures(images, features)
    book = _book(phrases, concepts, with_phrases)
    job = session.job(len(found.features), None, {"skipped": len(found.skips.listed)})
    names = [item.name for item in found.items]
    made = invert_pictures(job, found.features, names, _oti_settings(session), book)
    return {"pictures": len(made.names)}


def run_searle(
    session: Session, *, images: list[str], features: Path | None, oti: Path | None, phrases: Path | None,
    concepts: Path | None, with_phrases: bool, oti_steps: int | None, **more: Any,
) -> dict[str, Any]:  # fmt: skip
    """Both stages; see `learn_searle`."""
    from sightword.methods.oti import read_oti
    from sightword.training.searle import invert_pictures, learn_searle

    book = _book(phrases, concepts, with_phrases)
    if oti is None and session.world.size > 1:
        raise UsageError(
            "Pseudo-words are found in one process.",
            "Run `sightword train searle-oti` first and give its directory as --oti.",
        )
    if oti is not None:
        if images or features is not None:
            raise UsageError("--oti brings its own pictures; leave --images and --features out.")
        known = read_oti(oti, session.backbone)
        session.sources.append(str(oti))
        values, tokens = known.features, known.tokens
    else:
        found = session.pictures(images, features)
        values, tokens = found.features, None
    held_out, training = session.hold_out(values)
    rows = np.arange(len(values)) if training is None else training
    job = session.job(len(rows), held_out, {})
    if tokens is None:
        names = [str(row) for row in rows]
        settings = _oti_settings(session, oti_steps)
        stage = session.kept / "oti"
        own = invert_pictures(job, values[rows], names, settings, book, out=stage).tokens
    else:
        own = tokens[rows]
    return learn_searle(job, values[rows], own, book, **more)


def run_lincir(
    session: Session, *, text: list[str], legacy: bool, share: float, sigma: float | None, cache: bool | None
) -> dict[str, Any]:
    """See `learn_lincir`."""
    from sightword.training.captions import kept_captions, read_captions
    from sightword.training.lincir import caption_features, learn_lincir

    if not text:
        raise UsageError("LinCIR learns from captions: give --text.")
    spec, tokenizer = session.backbone.spec, session.backbone.tokenizer
    texts = session.captions(text)
    how: dict[str, Any] = {
        "legacy": legacy, "workers": session.wishes.workers, "progress": session.progress,
    }  # fmt: skip
    if session.home is None:
        rows = read_captions(texts, tokenizer, spec, **how)
    else:
        sources = list(texts) if session.world.size > 1 else texts
        rows = kept_captions(session.home, _identity(session, text), sources, tokenizer, spec, **how)
    session.say(rows.tally.sentence())
    held_out, _ = session.hold_out(None)
    job = session.job(len(rows), held_out, {})
    size = 4 * len(rows) * spec.dim
    if cache is None:
        cache = size <= LARGEST_CACHE
    if cache:
        session.say(f"The captions' features are kept in memory: {size / 1e6:,.1f} MB.")
    kept = caption_features(job, rows.whole, progress=session.progress) if cache else None
    norm = float(np.linalg.norm(held_out, axis=1).mean()) if held_out is not None else None
    return learn_lincir(job, rows, share=share, sigma=sigma, pictures_norm=norm, cached=kept)


def run_masked(
    session: Session, *, pairs: list[str], tau: float, noun: Any, nouns: int, **more: Any
) -> dict[str, Any]:
    """See `learn_masked`."""
    from sightword.methods.torch_words import RowEncoder
    from sightword.training import cam, masking
    from sightword.training.masked import learn_masked

    if not pairs:
        raise UsageError("Masked training learns from pictures with captions: give --pairs.")
    wishes, skips = session.wishes, Skips(session.wishes.max_unreadable)
    items = list_pictures((item for source in session.open(pairs) for item in source), skips)
    items = [item for item in items if item.captions][: wishes.limit]
    if not items:
        raise UsageError(f"{', '.join(pairs)} has no picture with a caption.")
    encoder = RowEncoder(session.tower, session.backbone, device=wishes.device, dtype=wishes.precision)
    made = masking.make_pairs(
        items, session.backbone, cam.watched_tower(session.backbone, device=wishes.device), encoder, tau=tau,
        choice=noun, most=nouns, skips=skips, workers=wishes.workers, device=wishes.device,
        progress=session.progress,
    )  # fmt: skip
    session.note(skips)
    held_out, training = session.hold_out(made.features)
    if training is not None:
        made = masking.part_of(made, training)
    facts = {"noun": noun, "skipped": len(skips.listed)}
    job = session.job(len(made.features), held_out, facts)
    return learn_masked(job, made, tau=tau, **more)


def _identity(session: Session, text: list[str]) -> str:
    from sightword.training.readers import open_source

    parts = [open_source(name, session.wishes.columns).identity() for name in text]
    return "|".join([*parts, str(session.wishes.limit)])


def _book(phrases: Path | None, concepts: Path | None, wanted: bool) -> PhraseBook | None:
    if not wanted:
        return None
    if phrases is not None:
        return read_phrases(phrases)
    if concepts is not None:
        return PhraseBook.of(make_phrases(read_concepts(concepts)))
    return PhraseBook.default()


def _oti_settings(session: Session, steps: int | None = None) -> Any:
    from sightword.methods.torch_oti import OTISettings
    from sightword.training.recipes import RECIPES

    recipe, wishes = RECIPES["searle-oti"], session.wishes
    own = wishes.settings if wishes.method == "searle-oti" else {}
    return OTISettings(
        steps=steps or own.get("steps") or recipe.steps or 350,
        lr=own.get("lr") or recipe.lr,
        weight_decay=recipe.weight_decay if own.get("weight_decay") is None else own["weight_decay"],
        batch=own.get("batch") or recipe.batch,
        tokens=wishes.network.get("tokens") or 1,
        seed=wishes.settings.get("seed") or 0,
    )


def _caption_features(session: Session, job: Any, captions: list[str], pictures: Array) -> Array:
    """Features of captions at the pictures' scale."""
    from sightword.training.lincir import caption_features, is_clip

    writer = RowsWriter()
    for text in map(clean_caption, captions):
        ids, _ = prompt_ids(Prompt((text,)), session.backbone.tokenizer, session.backbone.spec)
        if text and ids is not None:
            writer.add(ids)
    rows: Rows = writer.rows()
    if not len(rows):
        raise UsageError("All captions are empty.")
    found = caption_features(job, rows, progress=session.progress)
    if is_clip(session.backbone.spec):
        return found
    ratio = np.linalg.norm(pictures, axis=1).mean() / np.linalg.norm(found, axis=1).mean()
    return np.asarray(found * ratio, np.float32)
