"""Pic2Word's objective (arXiv 2302.03084): "a photo of s" must mean the picture that s was made from.

    s = M(v)                        v: raw feature of the frozen image tower
    p = T("a photo of s")           T: frozen text tower
    S = scale V^ P^T                V^, P^ of unit length; scale: the backbone's own
    L = (CE(S, i) + CE(S^T, i)) / 2 + align (1 - mean cosine of the pairs)

M is Linear(D, H), dropout, ReLU, Linear(H, H), dropout, ReLU, Linear(H, k W), as in the paper's code.
Changed: the pictures' features are computed once and kept (augmentation recomputes them, when asked for), k
tokens are allowed, `prompts` may name several prompts, of which each step takes one, and `align` (0 in the
paper) may pull the pairs together further than telling them apart needs: the contrastive part is satisfied
early by small backbones, at cosines of 0.6, and composition suffers from the rest of the way.

With `texts`, each step takes as many captions as pictures and asks the same of their features: the paper's
future work, learning the mapping from captions as well as images.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sightword.backbones.base import Array
from sightword.training.job import Job, Learning, floats
from sightword.training.loop import LoopSettings, Run, seed_of
from sightword.training.objectives import apart, info_nce

if TYPE_CHECKING:
    import torch

    from sightword.methods.torch_words import Readable, TextTower

__all__ = ["PROMPTS", "learn_pic2word", "train_pic2word"]

PROMPTS = ("a photo of {*}",)


def learn_pic2word(
    job: Job,
    features: Array,
    *,
    prompts: Sequence[str] = PROMPTS,
    scale: float | None = None,
    align: float = 0.0,
    texts: Array | None = None,
    recompute: Callable[[Array, int], Array] | None = None,
) -> dict[str, Any]:
    """Train a phi and write its directory.

    Parameters
    ----------
    job : Job
    features : float32 [N, D]
        Raw image features of the training pictures.
    prompts : sequence of str
        Each with one ``{*}``; steps take turns.
    scale : float, optional
        Of the scores; the backbone's own unless given.
    align : float
        Weight of the cosine term.
    texts : float32 [M, D], optional
        Caption features at the pictures' scale, to be inverted as well.
    recompute : callable, optional
        Augmentation: row numbers [B] and the step -> fresh features [B, D] in place of `features`.

    Returns
    -------
    dict
        What ``training.json`` says.
    """
    learning = Learning(job, "pic2word", activation="relu", hidden=512, dropout=0.1)
    pictures = job.features(features)
    words = job.features(texts, "Caption features") if texts is not None else None
    scale = job.backbone.spec.logit_scale if scale is None else scale
    encoders = [learning.prompt(prompt) for prompt in prompts]
    world, seed = learning.world, job.settings.seed

    def loss_of(rows: torch.Tensor, step: int) -> torch.Tensor:
        encode = encoders[step % len(encoders)]
        v = pictures[rows.to(job.device)]
        if recompute is not None:
            v = floats(recompute(rows.numpy(), step), job.device)
        loss = one_side(v, encode)
        if words is None:
            return loss
        drawn = np.random.default_rng(seed_of(seed, step, world.rank, 1)).integers(0, len(words), len(v))
        return 0.5 * (loss + one_side(words[drawn], encode))

    def one_side(v: torch.Tensor, encode: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
        p = encode(learning.words(v))
        loss = world.whole(info_nce(world.gather(v), world.gather(p), scale))
        return loss + world.mean(align * apart(v, p)) if align else loss

    facts = {
        "prompts": list(prompts), "scale": scale, "align": align, "pictures": len(pictures),
        "captions": 0 if words is None else len(words), "augmented": recompute is not None,
    }  # fmt: skip
    return learning.finish(loss_of, len(pictures), facts)


def train_pic2word(
    features: Array,
    text_tower: TextTower,
    out_dir: Path,
    *,
    backbone: Readable,
    steps: int,
    batch: int = 256,
    lr: float = 1e-4,
    warmup: int | None = None,
    seed: int = 0,
    progress: bool = True,
    prompts: Sequence[str] = PROMPTS,
    scale: float | None = None,
    align: float = 0.0,
    **job: Any,
) -> dict[str, Any]:
    """`learn_pic2word` in one call, without checkpoints; `warmup` is a tenth of the steps unless given.

    Other keywords are those of `Job`.
    """
    warmup = steps // 10 if warmup is None else warmup
    settings = LoopSettings(steps=steps, batch=batch, lr=lr, warmup=warmup, seed=seed)
    whole = Job(backbone, text_tower, out_dir, settings, run=Run(progress=progress), **job)
    return learn_pic2word(whole, features, prompts=prompts, scale=scale, align=align)
