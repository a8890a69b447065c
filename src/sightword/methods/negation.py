"""``without``: steer a finished query away from words or pictures, for every method alike.

* Words n: d = norm(T("a photo of {*}, n") - T("a photo of {*}")), q <- q - g d. Methods without a slot
  leave it out: norm(T("a photo, n") - T("a photo")). The same words given twice count once.
* A picture n: q <- q - g max(0, q . n) n. A picture on the other side of the query changes nothing, and
  near-duplicates do not add up: each takes away from what the ones before left.

Then q <- norm(q): still one unit vector, so scores stay cosines and every store works unchanged.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sightword.backbones.base import Array, Backbone
from sightword.methods.base import ComposeInput
from sightword.methods.vectors import unit
from sightword.prompts import Prompt, parse_prompt

__all__ = ["PICTURE_STRENGTH", "WORD_STRENGTH", "steer"]

WORD_STRENGTH = 0.5
PICTURE_STRENGTH = 0.5
"""g of the equations above. Chosen on the starter's validation pictures: at 0.5 the share of unwanted ones
among the first ten fell to a third (words, .087 -> .029) or half (pictures, .103 -> .051) and the share of
right ones hardly moved (.220 -> .210, .277 -> .299); from 0.75 on that falls."""


def steer(
    backbone: Backbone,
    vectors: Array,
    queries: Sequence[ComposeInput],
    tokens: Sequence[list[Array] | None],
) -> Array:
    """Apply every query's ``without``.

    Parameters
    ----------
    backbone : Backbone
    vectors : float32 [B, D]
        Unit length; not changed.
    queries : sequence of ComposeInput, length B
    tokens : sequence of length B
        For each query the pseudo-tokens ``[k, W]`` that fill the slot (one entry), or None.

    Returns
    -------
    float32 [B, D]
        Unit length; rows without negatives are returned as they came.
    """
    out: Array = vectors.copy()
    directions = _word_directions(backbone, queries, tokens)
    for index, query in enumerate(queries):
        if not query.without:
            continue
        vector = out[index] - WORD_STRENGTH * directions[index]
        for picture in (unit(item) for item in query.without if not isinstance(item, str)):
            vector = vector - PICTURE_STRENGTH * max(0.0, float(vector @ picture)) * picture
        out[index] = unit(vector)
    return out


def _word_directions(
    backbone: Backbone, queries: Sequence[ComposeInput], tokens: Sequence[list[Array] | None]
) -> Array:
    """Sum of the directions of each query's unwanted words, float32 [B, D]."""
    owners: list[int] = []
    prompts: list[Prompt] = []
    filling: list[list[Array]] = []
    for index, (query, slot) in enumerate(zip(queries, tokens)):
        texts = dict.fromkeys(item.strip() for item in query.without if isinstance(item, str))
        for text in filter(None, texts):
            subject = "a photo of {*}" if slot is not None else "a photo"
            owners.append(index)
            prompts += [parse_prompt(f"{subject}, {{text}}", text), parse_prompt(subject)]
            filling += [slot or []] * 2
    directions = np.zeros((len(queries), backbone.spec.dim), np.float32)
    if owners:
        features = unit(backbone.encode_prompts(prompts, filling))
        np.add.at(directions, owners, unit(features[0::2] - features[1::2]))
    return directions
