"""The published training loops, written plainly: what ``train_phi.py`` compares with.

LinCIR: every caption is tagged in the loader by the whole spaCy pipeline, tokenised twice and padded to 77;
the text tower reads the caption and the masked caption in every step. Pic2Word: the image tower runs in every
step (without augmentation, as on our side), the text tower reads 77 positions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from _clip_shape import CONTEXT
from torch import Tensor, nn
from torch.nn import functional as F

from sightword.backbones.torch_clip.runtime import TorchBackbone

__all__ = ["phi", "published_lincir", "published_pic2word"]

KEYWORDS = ("NOUN", "PROPN", "ADJ", "DET")
SLOT = 259


def phi(dim: int, hidden: int, out: int, dropout: float = 0.5) -> nn.Sequential:
    """Three layers with GELU and dropout."""
    return nn.Sequential(
        nn.Linear(dim, hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, hidden), nn.GELU(),
        nn.Dropout(dropout), nn.Linear(hidden, out),
    )  # fmt: skip


def _pad(rows: list[list[int]]) -> tuple[Tensor, Tensor]:
    ids = np.zeros((len(rows), CONTEXT), np.int64)
    for index, row in enumerate(rows):
        ids[index, : len(row)] = row
    return torch.from_numpy(ids), torch.tensor([len(row) for row in rows])


def _mask(text: str, document: Any) -> str:
    """Maximal runs of keywords, replaced as substrings."""
    runs: list[list[str]] = []
    inside = False
    for word in document:
        if word.pos_ in KEYWORDS:
            if not inside:
                runs.append([])
            runs[-1].append(word.text)
        inside = word.pos_ in KEYWORDS
    for run in runs:
        keyword = " ".join(run)
        if keyword not in text:
            break
        text = text.replace(keyword, " $ ")
    return text if "$" in text else "a photo of $"


def published_lincir(clip: TorchBackbone, captions: list[str], batch: int, nlp: Any) -> Callable[[], float]:
    """A function that makes one step and returns its loss."""
    spec, tokenizer = clip.spec, clip.tokenizer
    network = phi(spec.dim, 4 * spec.dim, spec.token_dim).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4, weight_decay=0.01)
    rng = np.random.default_rng(0)

    def row(text: str) -> list[int]:
        return [*spec.prefix_ids, *tokenizer.ids(text)[: CONTEXT - 2], *spec.suffix_ids]

    def step() -> float:
        texts = [captions[i].lower() for i in rng.integers(0, len(captions), batch)]
        masked = [_mask(text, nlp(text)) for text in texts]
        ids, lengths = _pad([row(text) for text in texts])
        masked_ids, masked_lengths = _pad([row(text) for text in masked])
        with torch.no_grad():
            z = clip.text(clip.table[ids], lengths).float()
        noisy = z + torch.rand(batch, 1) * torch.randn_like(z)
        tokens = network(noisy)
        frame = clip.table[masked_ids]
        frame = torch.where((masked_ids == SLOT)[..., None], tokens[:, None], frame)
        again = clip.text(frame, masked_lengths).float()
        loss = F.mse_loss(again, z)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    return step


def published_pic2word(clip: TorchBackbone, pixels: Tensor, batch: int) -> Callable[[], float]:
    """A function that makes one step and returns its loss."""
    spec = clip.spec
    network = nn.Sequential(
        nn.Linear(spec.dim, 512), nn.Dropout(0.1), nn.ReLU(), nn.Linear(512, 512), nn.Dropout(0.1), nn.ReLU(),
        nn.Linear(512, spec.token_dim),
    ).train()  # fmt: skip
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=1e-4, weight_decay=0.1, betas=(0.9, 0.98), eps=1e-6
    )
    ids, lengths = _pad([[*spec.prefix_ids, *clip.tokenizer.ids("a photo of"), 0, *spec.suffix_ids]] * batch)
    at = int(lengths[0]) - 2
    rng = np.random.default_rng(0)
    target = torch.arange(batch)

    def step() -> float:
        chosen = pixels[torch.from_numpy(rng.integers(0, len(pixels), batch))]
        with torch.no_grad():
            v = clip.image(chosen).float()
        frame = clip.table[ids].clone()
        frame[:, at] = network(v).to(frame.dtype)
        p = clip.text(frame, lengths).float()
        scores = 100 * F.normalize(v, dim=-1) @ F.normalize(p, dim=-1).T
        loss = 0.5 * (F.cross_entropy(scores, target) + F.cross_entropy(scores.T, target))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    return step
