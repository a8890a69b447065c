"""CIRPLANT's learner (ICCV 2021, arXiv 2108.04024); the network is described in ``methods/cirplant.py``.

    S = scale q . norm(target)^T,   L = CE(S, i), or the mean over j != i of log(1 + exp(S_ij - S_ii))

The authors' code takes the soft triplet loss of TIRG on squared distances of vectors of a learnt length (4 at
the start); on cosines that is a learnt scale of 2 x 4^2 = 32. Theirs draws six triplets a query, within
CIRR's groups as well; ours takes every other target of the batch. Their optimiser: AdamW, 1e-5 with linear
decay, weight decay 0.05, dropout 0.3, batches of 32, 300 epochs, made for a pre-trained BERT-base.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from sightword.backbones.base import BackboneSpec
from sightword.errors import UsageError
from sightword.training.learners import QueryLearner, Temperature, seeded, standard
from sightword.training.supply import Batch
from sightword.training.torch_blocks import Block

__all__ = ["SCALE", "CirplantLearner"]

SCALE = 32.0


class CirplantLearner(QueryLearner):
    """The transformer in torch.

    Parameters
    ----------
    spec : BackboneSpec
    width, layers, heads : int
    longest : int
        Words (tokens) that are read.
    dropout : float
    scale : float
        Of the scores, at the start; it is learnt unless `learn_scale` is False.
    seed : int
    """

    kind = "cirplant"
    needs = frozenset({"words"})

    def __init__(
        self,
        spec: BackboneSpec,
        *,
        width: int = 512,
        layers: int = 4,
        heads: int = 8,
        longest: int = 40,
        dropout: float = 0.3,
        scale: float = SCALE,
        learn_scale: bool = True,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if width % heads:
            raise UsageError(f"{heads} heads cannot share a width of {width}.", "Give a multiple.")
        self.width, self.layers, self.heads, self.longest = width, layers, heads, longest
        self.dropout = dropout
        with seeded(seed):
            self.words = nn.Linear(spec.token_dim, width)
            self.sentence = nn.Linear(spec.dim, width)
            self.picture = nn.Linear(spec.dim, width)
            self.places = nn.Parameter(torch.randn(longest, width) * 0.02)
            self.input, self.output_norm = nn.LayerNorm(width), nn.LayerNorm(width)
            self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(layers))
            self.output = nn.Linear(width, spec.dim)
            # The first answers are the reference itself: small steps away from it are learnt.
            nn.init.normal_(self.output.weight, std=1e-3)
            nn.init.zeros_(self.output.bias)
        self.temperature = Temperature(scale, learn=learn_scale)

    def forward(self, batch: Batch) -> torch.Tensor:
        """Unit vectors, float32 [B, D]."""
        assert batch.words is not None and batch.lengths is not None
        normalize = nn.functional.normalize
        rows = self.words(standard(batch.words)) + self.places[: batch.words.shape[1]]
        x = torch.cat(
            [
                self.sentence(standard(batch.text))[:, None],
                rows,
                self.picture(standard(batch.reference))[:, None],
            ],
            dim=1,
        )
        x = nn.functional.dropout(self.input(x), self.dropout, self.training)
        inside = torch.arange(batch.words.shape[1], device=x.device) < batch.lengths[:, None]
        ends = torch.ones(len(x), 1, dtype=torch.bool, device=x.device)
        mask = torch.cat([ends, inside, ends], dim=1)
        for part in self.blocks:
            x = part(x, mask)
        moved = self.output(self.output_norm(x[:, -1]))
        return normalize(normalize(batch.reference, dim=-1) + moved, dim=-1)

    def settings(self) -> dict[str, Any]:
        """See `Composed.settings`."""
        return {
            "width": self.width, "layers": self.layers, "heads": self.heads, "longest": self.longest,
            "dropout": self.dropout,
        }  # fmt: skip
