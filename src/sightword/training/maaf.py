"""MAAF's learner; what it computes and what is ours stands in ``methods/maaf.py``.

    S_ij = scale * q_i . norm(target_j),   L = CE over the batch (the paper's batch softmax)

Dropout has the published code's places: behind attention and behind the second layer of each block.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from sightword.backbones.base import BackboneSpec
from sightword.errors import UsageError
from sightword.training.learners import QueryLearner, Temperature, seeded, silent, standard
from sightword.training.supply import Batch
from sightword.training.torch_blocks import Block

__all__ = ["SCALE", "MaafLearner"]

SCALE = 30.0
LONGEST = 32


class MaafLearner(QueryLearner):
    """The network in torch; it starts out answering as ``average`` does.

    Parameters
    ----------
    spec : BackboneSpec
    patch : int
        Dp of the backbone's patches.
    width, layers, heads : int
        Small, because the towers do not learn and triplets are few.
    dropout, drop_patches : float
        `drop_patches` is the share of patches that a step does not see (ours: there are few pictures).
    scale : float
        Of the scores at the start.
    learn_scale : bool
    longest : int
        Words beyond so many are cut off.
    seed : int
    """

    kind = "maaf"
    needs = frozenset({"words", "patches"})

    def __init__(
        self,
        spec: BackboneSpec,
        patch: int,
        *,
        width: int = 128,
        layers: int = 2,
        heads: int = 4,
        dropout: float = 0.2,
        drop_patches: float = 0.5,
        scale: float = SCALE,
        learn_scale: bool = True,
        longest: int = LONGEST,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if width % heads:
            raise UsageError(f"{heads} heads cannot share a width of {width}.", "Choose a divisor.")
        self.patch, self.width, self.heads, self.longest = patch, width, heads, longest
        self.drop_patches = drop_patches
        with seeded(seed):
            self.patches = nn.Linear(patch, width)
            self.words = nn.Linear(spec.token_dim, width)
            self.sentence = nn.Linear(spec.dim, width)
            self.places = nn.Parameter(torch.randn(longest, width) * 0.02)
            self.input, self.output_norm = nn.LayerNorm(width), nn.LayerNorm(width)
            self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(layers))
            self.output = nn.Linear(width, spec.dim)
        silent(self.output)
        self.temperature = Temperature(scale, learn=learn_scale)

    def forward(self, batch: Batch) -> torch.Tensor:
        """Unit vectors of the queries, [B, D]."""
        patches, words, lengths = batch.patches, batch.words, batch.lengths
        if patches is None or words is None or lengths is None:
            raise ValueError("MAAF reads patches and words.")
        seen = patches
        if self.training and self.drop_patches:
            keep = max(1, round(patches.shape[1] * (1 - self.drop_patches)))
            seen = patches[:, torch.randperm(patches.shape[1])[:keep]]
        count, longest = seen.shape[1], words.shape[1]
        x = torch.cat(
            [
                self.patches(standard(seen)),
                self.words(standard(words)) + self.places[:longest],
                self.sentence(standard(batch.text))[:, None],
            ],
            dim=1,
        )
        place = torch.arange(count + longest + 1, device=x.device)
        there = (place < count) | (place == count + longest)
        mask = there[None] | (place[None] < count + lengths[:, None])
        x = self.input(x)
        for block in self.blocks:
            x = block(x, mask)
        inside = mask[:, count:, None].to(x)
        text = (x[:, count:] * inside).sum(dim=1) / inside.sum(dim=1)
        added = self.output(self.output_norm((x[:, :count].mean(dim=1) + text) / 2))
        normalize = nn.functional.normalize
        summed = normalize(batch.reference, dim=-1) + normalize(batch.text, dim=-1) + added
        return normalize(summed, dim=-1)

    def settings(self) -> dict[str, Any]:
        """What ``config.json`` keeps."""
        return {
            "width": self.width, "layers": len(self.blocks), "heads": self.heads, "longest": self.longest,
            "patch": self.patch,
        }  # fmt: skip
