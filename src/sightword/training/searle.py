"""SEARLE's two stages (arXiv 2303.15247): pseudo-words by descent, then a phi that foretells them.

    a_i  pseudo-word of picture i, found by descent (``methods/torch_oti.py``)
    b_i  = phi(v_i)
    L    = l_distil NT-Xent(a, b; tau)
         + l_phrase (1 - cos(T(phrase with b_i in its concept's place), T(phrase)))

Each picture's phrase is about one of its most similar concepts. Changed: a concept without usable phrases is
never drawn (the reference redraws the whole batch), and features of untouched phrases are computed once.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sightword.backbones.base import Array
from sightword.errors import UsageError
from sightword.methods.oti import OTITokens
from sightword.methods.phrases import PhraseBook
from sightword.training.job import Job, Learning
from sightword.training.loop import seed_of
from sightword.training.objectives import apart, nt_xent
from sightword.training.oti_store import Store, save_oti

if TYPE_CHECKING:
    import torch

    from sightword.methods.torch_oti import OTISettings

__all__ = ["invert_pictures", "learn_searle"]


def invert_pictures(
    job: Job,
    features: Array,
    names: list[str],
    settings: OTISettings,
    book: PhraseBook | None,
    *,
    out: Path | None = None,
    begin: Array | None = None,
) -> OTITokens:
    """Stage 1: one pseudo-word per picture, written as a directory; with `resume`, finished batches are kept.

    Parameters
    ----------
    job : Job
        Of its settings only the seed counts.
    features : float32 [N, D]
        Raw image features.
    names : list of str, length N
    settings : OTISettings
    book : PhraseBook, optional
        None leaves the phrases out.
    out : Path, optional
        Directory; the job's unless given.
    begin : float32 [N, k, W], optional
        Where the descent starts; see `torch_oti.invert`.
    """
    import time

    from sightword.methods.torch_oti import invert
    from sightword.training.bars import Bar

    if len(names) != len(features) or not len(features):
        raise UsageError(f"{len(features)} pictures with {len(names)} names cannot be inverted.")
    out = out or job.out
    job.features(features)
    told = {**vars(settings), "data": hashlib.sha256(np.ascontiguousarray(features).tobytes()).hexdigest()}
    store = Store(job.run.checkpoint.with_name("oti.safetensors") if job.run.checkpoint else None, told)
    done = store.read() if job.run.resume else []
    first = sum(len(part) for part in done)
    began, losses = time.monotonic(), []
    steps = settings.steps
    with Bar("oti", "step", steps * len(features), done=first * steps, show=job.run.progress) as bar:

        def on_step(count: int, loss: float) -> None:
            losses.append(loss)
            bar.note(f"loss {loss:.4f}")
            bar.advance(count)

        def on_batch(tokens: Array) -> None:
            done.append(tokens)
            store.write(done)

        invert(
            features[first:], job.tower, job.backbone, settings, book=book, device=job.device,
            dtype=job.dtype, start=first, begin=None if begin is None else begin[first:],
            on_batch=on_batch, on_step=on_step,
        )  # fmt: skip
    training = {
        "method": "searle-oti",
        "settings": {**vars(settings), "templates": list(settings.templates)},
        "warm_start": begin is not None,
        "phrases": sum(map(len, book.phrases)) if book else 0,
        "pictures": len(features),
        "seconds": round(time.monotonic() - began, 1),
        "curve": [[i, round(loss, 5)] for i, loss in enumerate(losses)][:: max(1, len(losses) // 100)],
        **job.facts,
    }
    tokens = np.concatenate(done)
    return save_oti(out, tokens, features, names, job.backbone.spec, training, job.description, job.licence)


def learn_searle(
    job: Job,
    features: Array,
    tokens: Array,
    book: PhraseBook | None,
    *,
    temperature: float = 0.25,
    distil: float = 1.0,
    phrase: float = 0.75,
    concepts: int = 150,
) -> dict[str, Any]:
    """Stage 2: distil the pseudo-words into a phi and write its directory.

    Parameters
    ----------
    job : Job
    features : float32 [N, D]
        Raw image features.
    tokens : float32 [N, k, W]
        Their pseudo-words from stage 1.
    book : PhraseBook, optional
        None leaves the regulariser out.
    temperature, distil, phrase : float
        tau and the two weights.
    concepts : int
        Most similar concepts that a picture's phrase is drawn from.

    Returns
    -------
    dict
        What ``training.json`` says.
    """
    from sightword.methods.torch_oti import Phrasing

    spec = job.backbone.spec
    if tokens.shape != (len(features), job.tokens, spec.token_dim):
        raise UsageError(
            f"Pseudo-words of these pictures are [{len(features)}, {job.tokens}, {spec.token_dim}], "
            f"not {list(tokens.shape)}."
        )
    learning = Learning(job, "searle", activation="gelu", hidden=4 * spec.dim, dropout=0.5)
    pictures = job.features(features)
    wanted = _tensor(tokens, job.device)
    phrasing = None
    if book and phrase:
        phrasing = Phrasing(book, job.backbone, learning.rows, job.tokens, every=True)
        near = phrasing.similar(pictures, concepts)
    world, seed = learning.world, job.settings.seed

    def loss_of(rows: torch.Tensor, step: int) -> torch.Tensor:
        here = rows.to(job.device)
        s = learning.words(pictures[here])
        a, b = world.gather(wanted[here].flatten(1)), world.gather(s.flatten(1))
        loss = distil * world.whole(nt_xent(a, b, temperature))
        if phrasing is None:
            return loss
        rng = np.random.default_rng(seed_of(seed, step, world.rank, 2))
        keys = [phrasing.draw(rng, near[row, [rng.integers(near.shape[1])]]) for row in rows.tolist()]
        held = apart(learning.rows(phrasing.masked(keys), s), phrasing.whole(keys))
        return loss + phrase * world.mean(held)

    facts = {
        "pictures": len(pictures), "temperature": temperature, "distil": distil, "phrase": phrase,
        "concepts": len(book.concepts) if book else 0,
        "phrases": sum(map(len, book.phrases)) if book else 0,
    }  # fmt: skip
    return learning.finish(loss_of, len(pictures), facts)


def _tensor(values: Array, device: str) -> torch.Tensor:
    from sightword.training.job import floats

    return floats(values, device)
