"""Golden vectors: what a backbone's towers must answer, whatever runs them.

``backbone.json`` carries under ``golden``::

    {"images": [{"pattern": 0, "feature": [D floats]}, ...],
     "texts":  [{"text": "a photo of a cat", "feature": [D floats]}, ...],
     "slots":  [{"prompt": "a photo of {*} that is red", "row": 4419, "feature": [D floats]}, ...],
     "least":  {"image": {"bf16": 0.97}}}

``row`` is the row of the token-embedding table that fills the slot. ``least``, which may be left out, says
how near a kind of vector has to come in a precision that moves it further than `THRESHOLDS`. Pictures are not
shipped for this: `pattern` draws them from a formula, already preprocessed. The features were computed in
float32 by the tower's own framework when the directory was exported.
"""

from __future__ import annotations

import numpy as np

from sightword.backbones.base import Array, Backbone, BackboneSpec
from sightword.prompts import parse_prompt

__all__ = ["THRESHOLDS", "least_cosine", "pattern", "too_far", "verify"]

THRESHOLDS = {"f32": 0.9999, "bf16": 0.999}
"""Smallest cosine to a golden vector that counts as agreement, by inference precision."""


def least_cosine(spec: BackboneSpec, what: str, precision: str) -> float:
    """How near the golden vector called `what` (see `verify`) has to be in this precision."""
    own = spec.golden.get("least", {}).get(what.partition(":")[0], {})
    return float(own.get(precision, THRESHOLDS.get(precision, 0.999)))


def too_far(spec: BackboneSpec, cosines: list[tuple[str, float]], precision: str) -> tuple[str, float] | None:
    """The answer of `verify` that misses its `least_cosine` by the most; None when none does."""
    missed = [(cosine - least_cosine(spec, what, precision), what, cosine) for what, cosine in cosines]
    least, what, cosine = min(missed, default=(0.0, "", 0.0))
    return (what, cosine) if least < 0 else None


def pattern(index: int, size: int) -> Array:
    """A picture drawn from a formula, as the image tower takes it.

    Parameters
    ----------
    index : int
        Which pattern; each has its own spatial frequency and tint.
    size : int
        Side in pixels.

    Returns
    -------
    float32 [3, size, size]
        Values in [-1, 1], the same on every machine to float32 rounding.
    """
    step = np.arange(size) * (224.0 / size)
    x, y = step[None, None, :], step[None, :, None]
    channel = np.arange(3.0)[:, None, None]
    wave = np.sin(0.02 * (index + 1) * (x + 0.5 * channel * y) + 0.03 * y + channel)
    tint = 0.3 * np.cos(1.7 * index + 2.0 * channel)
    drawn: Array = np.clip(0.7 * wave + tint, -1.0, 1.0).astype(np.float32)
    return drawn


def verify(backbone: Backbone) -> list[tuple[str, float]]:
    """Compare a backbone with its golden vectors.

    Parameters
    ----------
    backbone : Backbone

    Returns
    -------
    list of (name, cosine)
        One entry per golden vector, such as ``("text: a photo of a cat", 0.99998)``; empty when the
        backbone carries none.
    """
    golden = backbone.spec.golden
    results: list[tuple[str, float]] = []
    images = golden.get("images", [])
    if images:
        pixels = np.stack([pattern(int(item["pattern"]), backbone.spec.preprocess.size) for item in images])
        for item, feature in zip(images, backbone.encode_images(pixels)):
            results.append((f"image: pattern {item['pattern']}", _cosine(feature, item["feature"])))
    texts = golden.get("texts", [])
    if texts:
        prompts = [parse_prompt("{text}", text=item["text"]) for item in texts]
        for item, feature in zip(texts, backbone.encode_prompts(prompts)):
            results.append((f"text: {item['text']}", _cosine(feature, item["feature"])))
    slots = golden.get("slots", [])
    if slots:
        table = backbone.token_embedding()
        prompts = [parse_prompt(item["prompt"]) for item in slots]
        filling = [[table[int(item["row"])][None]] * prompt.slots for item, prompt in zip(slots, prompts)]
        for item, feature in zip(slots, backbone.encode_prompts(prompts, filling)):
            results.append((f"slot: {item['prompt']}", _cosine(feature, item["feature"])))
    return results


def _cosine(a: Array, b: list[float]) -> float:
    left, right = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return float(left @ right / (np.linalg.norm(left) * np.linalg.norm(right) + 1e-30))
