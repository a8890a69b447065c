"""LinCIR's objective (arXiv 2312.01998): learn phi from captions alone.

    z  = T(caption)                            raw feature of the frozen text tower
    z' = z + sigma u g                         u ~ U(0, 1), one per caption; g ~ N(0, I)
    L  = mean squared error between z and T(caption with phi(z') in the place of its keywords)

phi takes z' for a picture's feature: in a joint space they are neighbours, and the noise bridges the gap.

Changed: captions are tagged once (``captions.py``), the features z may be cached, rows are trimmed and
batched by length. On CLIP towers sigma is 1, the paper's. Other towers have features of other lengths, so
sigma is scaled (**ours**): the noise's root mean square, ``sigma sqrt(D / 3)``, is `share` times the
captions' mean norm (`SHARE` says why .15); and where pictures' features are longer or shorter than
captions', phi reads ``r z'`` with r the ratio of the mean norms, because at search time it reads pictures.
With `pictures_mean` it reads ``r (z' - mean of z) + pictures_mean`` (**ours**): the modality gap is stepped
over, not only scaled.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sightword.backbones.base import Array, BackboneSpec
from sightword.methods.token_rows import Rows, widen
from sightword.training.bars import Bar
from sightword.training.captions import CaptionRows
from sightword.training.job import Job, Learning
from sightword.training.need import need_torch
from sightword.training.objectives import squared_error

if TYPE_CHECKING:
    import torch

    from sightword.methods.torch_words import RowEncoder

__all__ = ["SHARE", "caption_features", "is_clip", "learn_lincir", "noise_scale", "noisy", "picture_norm"]


SHARE = 0.15
"""Of the noise in the captions' mean norm on towers that are not CLIP's. CLIP ViT-L/14's own share would be
the thing to match: its noise is sqrt(768 / 3) = 16 long, but no source that we could read states how long
its captions' features are, and its weights are not here. So this is **ours**: the best of the shares that
were measured on the starter (docs/methods/studies.md)."""


def learn_lincir(
    job: Job,
    captions: CaptionRows,
    *,
    share: float = SHARE,
    sigma: float | None = None,
    pictures_norm: float | None = None,
    pictures_mean: Array | None = None,
    cached: Array | None = None,
) -> dict[str, Any]:
    """Train a phi and write its directory.

    Parameters
    ----------
    job : Job
    captions : CaptionRows
    share : float
        Of the noise in the captions' mean norm, on towers that are not CLIP's.
    sigma : float, optional
        The noise's scale itself.
    pictures_norm : float, optional
        Mean norm of pictures' features; by default that of the backbone's golden pictures.
    pictures_mean : float32 [D], optional
        Mean of pictures' raw features; phi's inputs are moved there.
    cached : float32 [N, D], optional
        The captions' features (`caption_features`); computed in every step unless given.

    Returns
    -------
    dict
        What ``training.json`` says.
    """
    spec = job.backbone.spec
    learning = Learning(job, "lincir", activation="gelu", hidden=4 * spec.dim, dropout=0.5)
    kept = job.features(cached, "Caption features") if cached is not None else None
    sample = kept[:1024].cpu().numpy() if kept is not None else _sample(learning.rows, captions.whole)
    norm = float(np.linalg.norm(sample, axis=1).mean())
    sigma = noise_scale(spec, norm, share) if sigma is None else sigma
    ratio = 1.0 if is_clip(spec) else (pictures_norm or picture_norm(spec) or norm) / norm
    world = learning.world
    offset: torch.Tensor | float = 0.0
    if pictures_mean is not None:
        moved = pictures_mean - ratio * sample.mean(axis=0)
        offset = job.features(moved[None].astype(np.float32), "Means of features")

    def loss_of(rows: torch.Tensor, step: int) -> torch.Tensor:
        chosen = rows.tolist()
        z = (
            kept[rows.to(job.device)]
            if kept is not None
            else _features(learning.rows, captions.whole, chosen)
        )
        tokens = learning.words(ratio * noisy(z, sigma) + offset)
        again = learning.rows([widen(captions.masked[i], job.tokens, spec) for i in chosen], tokens)
        return world.mean(squared_error(again, z))

    facts = {
        "captions": vars(captions.tally),
        "masking": "legacy" if captions.legacy else "token spans",
        "sigma": sigma,
        "noise_share": sigma * math.sqrt(spec.dim / 3) / norm,
        "noise_rule": "paper" if sigma == 1.0 and is_clip(spec) else "ours",
        "input_ratio": ratio,
        "input_moved": pictures_mean is not None,
        "captions_norm": norm,
        "features_cached": kept is not None,
    }
    return learning.finish(loss_of, len(captions), facts)


def noisy(z: torch.Tensor, sigma: float) -> torch.Tensor:
    """``z + sigma u g``: one u in [0, 1) a row, g normal in every coordinate."""
    u = need_torch().rand(len(z), 1, device=z.device)
    return z + sigma * u * need_torch().randn_like(z)


def noise_scale(spec: BackboneSpec, norm: float, share: float = SHARE) -> float:
    """sigma: 1 on CLIP towers (the paper's), else so that the noise's share of `norm` is `share`."""
    return 1.0 if is_clip(spec) else share * norm / math.sqrt(spec.dim / 3)


def is_clip(spec: BackboneSpec) -> bool:
    """Whether a tower is of CLIP's kind (causal, read at the end, features of CLIP's length)."""
    return spec.mask == "causal" and spec.pool == "eot" and spec.clean == "clip"


def picture_norm(spec: BackboneSpec) -> float | None:
    """Mean norm of the golden pictures' features, which every exported backbone carries."""
    golden = [item["feature"] for item in spec.golden.get("images", []) if "feature" in item]
    return float(np.linalg.norm(np.asarray(golden), axis=1).mean()) if golden else None


def caption_features(job: Job, rows: Rows, *, progress: bool = True) -> Array:
    """Features of all captions, float32 [N, D]; encoded in order of length, so that little is padding."""
    from sightword.methods.torch_words import RowEncoder

    encoder = RowEncoder(job.tower, job.backbone, device=job.device, dtype=job.dtype)
    out = np.empty((len(rows), job.backbone.spec.dim), np.float32)
    order = np.argsort(rows.lengths(), kind="stable")
    with Bar("caption features", "caption", len(rows), show=progress) as bar:
        for start in range(0, len(order), 256):
            chosen = order[start : start + 256]
            out[chosen] = _features(encoder, rows, chosen.tolist()).cpu().numpy()
            bar.advance(len(chosen))
    return out


def _features(encoder: RowEncoder, rows: Rows, chosen: Sequence[int]) -> torch.Tensor:
    with need_torch().no_grad():
        return encoder([rows[i] for i in chosen])


def _sample(encoder: RowEncoder, rows: Rows) -> Array:
    """Features of up to 1024 captions spread over all."""
    chosen = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), 1024)).astype(int))
    return np.concatenate(
        [
            _features(encoder, rows, part.tolist()).cpu().numpy()
            for part in np.array_split(chosen, 8)
            if len(part)
        ]
    )
