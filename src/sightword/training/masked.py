"""Masked image-text pairs (arXiv 2406.18836), as the completion that methods.md proposes: **ours** in much.

The caption loses a noun, the picture loses everything but that noun; together they must find the picture.

    v~    feature of the picture with the places kept whose CAM for the noun is at least tau
    t     = T(caption with phi(v~) in the place of the noun)
    L_qt  = InfoNCE(v, t)                         query-target loss
    L_or  = InfoNCE(v, T("a photo of phi(v)"))    original loss (Pic2Word's)
    L     = mix L_qt + (1 - mix) L_or

Known from the paper: one random noun, a CAM with threshold tau in {.2, .3, .4}, unrelated parts masked, the
target is the unmasked picture, a weighted sum of two losses, an MLP of three layers. Our choices: everything
else (``cam.py``; InfoNCE with the backbone's scale; mix 0.5; kept areas below 5 % or above 95 % are skipped).
Every step draws one of a picture's (caption, noun) pairs; masked pictures are encoded once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sightword.backbones.base import Array
from sightword.methods.token_rows import Rows, widen
from sightword.training.job import Job, Learning
from sightword.training.loop import seed_of
from sightword.training.objectives import info_nce

if TYPE_CHECKING:
    import torch

__all__ = ["MaskedPairs", "learn_masked"]


@dataclass(frozen=True)
class MaskedPairs:
    """Pictures with their masked variants, sorted by picture.

    Attributes
    ----------
    features : float32 [N, D]
        Of the whole pictures.
    masked : float32 [M, D]
        Of the masked ones, M >= N.
    rows : Rows
        M captions with a gap where the noun stood.
    picture : int64 [M]
        Which picture each belongs to; every picture has at least one.
    area : float32 [M]
        Share of the picture that was kept.
    tally : dict
        What was left out, and why.
    """

    features: Array
    masked: Array
    rows: Rows
    picture: NDArray[np.int64]
    area: NDArray[np.float32]
    tally: dict[str, int] = field(default_factory=dict)


def learn_masked(
    job: Job, pairs: MaskedPairs, *, mix: float = 0.5, scale: float | None = None, tau: float = 0.3
) -> dict[str, Any]:
    """Train a phi and write its directory.

    Parameters
    ----------
    job : Job
    pairs : MaskedPairs
    mix : float
        Weight of the query-target loss; the original loss has the rest.
    scale : float, optional
        Of the scores; the backbone's own unless given.
    tau : float
        Only told: the pairs were masked with it.

    Returns
    -------
    dict
        What ``training.json`` says.
    """
    spec = job.backbone.spec
    learning = Learning(job, "masked", activation="gelu", hidden=4 * spec.dim, dropout=0.5)
    pictures, masked = job.features(pairs.features), job.features(pairs.masked)
    scale = spec.logit_scale if scale is None else scale
    photo, world, seed = learning.prompt("a photo of {*}"), learning.world, job.settings.seed
    ends = np.searchsorted(pairs.picture, np.arange(len(pictures)), side="right")
    starts = np.concatenate([[0], ends[:-1]])

    def loss_of(rows: torch.Tensor, step: int) -> torch.Tensor:
        here, at = rows.to(job.device), rows.numpy()
        v = world.gather(pictures[here])
        rng = np.random.default_rng(seed_of(seed, step, world.rank, 3))
        chosen = starts[at] + rng.integers(0, ends[at] - starts[at])
        loss = 0.0 * v.sum()
        if mix:
            s = learning.words(masked[chosen])
            t = learning.rows([widen(pairs.rows[i], job.tokens, spec) for i in chosen], s)
            loss = loss + mix * world.whole(info_nce(v, world.gather(t), scale))
        if mix < 1:
            t = photo(learning.words(pictures[here]))
            loss = loss + (1 - mix) * world.whole(info_nce(v, world.gather(t), scale))
        return loss

    facts = {
        "pictures": len(pictures),
        "masked_variants": len(masked),
        "mix": mix,
        "scale": scale,
        "tau": tau,
        "kept_area_quartiles": [round(float(q), 4) for q in np.quantile(pairs.area, [0.25, 0.5, 0.75])],
        "left_out": pairs.tally,
    }
    return learning.finish(loss_of, len(pictures), facts)
