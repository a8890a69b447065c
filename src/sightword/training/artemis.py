"""ARTEMIS's learner; what it computes and what is ours stands in ``methods/artemis.py``.

    S_ij = scale * (explicit_ij + implicit_ij) / 2,   L = CE over the batch

The published code scores the sum of both parts with a learnt temperature; half of it lies in [-1, 1], as
every method's scores do here, and the scale takes the factor.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from sightword.backbones.base import BackboneSpec
from sightword.errors import UsageError
from sightword.methods.artemis import DEPTH, FIRST
from sightword.training.learners import LARGEST, seeded, silent
from sightword.training.supply import Batch

__all__ = ["SCALE", "ArtemisLearner"]

SCALE = 40.0
"""At the start: sharp enough to learn from, soft enough that near misses count."""


class ArtemisLearner(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """The network in torch; it starts out ranking as ``average`` does.

    Parameters
    ----------
    spec : BackboneSpec
    hidden : int, optional
        H of the attention; D unless given, as in the paper.
    dropout : float
        Before the attention's last layer (ours: the paper has no frozen features to overfit).
    scale : float
        Of the scores at the start; it is learnt.
    first, depth
        What search does before (``methods/artemis.py``); kept in ``config.json``.
    seed : int
    """

    kind = "artemis"
    needs: frozenset[str] = frozenset()

    def __init__(
        self,
        spec: BackboneSpec,
        *,
        hidden: int | None = None,
        dropout: float = 0.1,
        scale: float = SCALE,
        first: str = FIRST,
        depth: int = DEPTH,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if depth < 1:
            raise UsageError(f"The first {depth} pictures cannot be ranked anew.", "Give 1 or more.")
        self.hidden, self.first, self.depth = hidden or spec.dim, first, depth
        self.root = math.sqrt(spec.dim)
        with seeded(seed):
            self.words = nn.Linear(spec.dim, spec.dim)
            self.explicit = self._attention(spec.dim, dropout)
            self.implicit = self._attention(spec.dim, dropout)
        nn.init.eye_(self.words.weight)
        nn.init.zeros_(self.words.bias)
        self.log_scale = nn.Parameter(torch.tensor(math.log(scale)))

    def _attention(self, dim: int, dropout: float) -> nn.ModuleDict:
        last = nn.Linear(self.hidden, dim)
        silent(last)
        return nn.ModuleDict({"0": nn.Linear(dim, self.hidden), "drop": nn.Dropout(dropout), "2": last})

    def shares(self, attention: nn.ModuleDict, words: torch.Tensor) -> torch.Tensor:
        """Unit vectors of words [B, D] -> attention [B, D] whose mean is 1."""
        hidden = attention["drop"](attention["0"](words * self.root).relu())
        found: torch.Tensor = attention["2"](hidden).softmax(dim=-1)
        return found * words.shape[-1]

    def cosines(self, words: torch.Tensor, references: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Scores in [-1, 1] of every query with every target, [B, M]; features may be raw.

        Pairs are never written out: with a = E(m) and w = norm(W m + b),
        < w, norm(a * c) > = ((a * w) . c) / sqrt((a * a) . (c * c)), two products of matrices.
        """
        normalize = nn.functional.normalize
        words, references, targets = (normalize(item, dim=-1) for item in (words, references, targets))
        squares = targets.square().T
        parts = []
        for attention, side in ((self.explicit, self.words(words)), (self.implicit, references)):
            shares = self.shares(attention, words)
            kept = normalize(side if attention is self.explicit else shares * side, dim=-1)
            norms = (shares.square() @ squares).clamp_min(1e-12).sqrt()
            parts.append(((shares * kept) @ targets.T) / norms)
        return (parts[0] + parts[1]) / 2

    def scores(self, batch: Batch, targets: torch.Tensor) -> torch.Tensor:
        """See `sightword.training.supervised.Composed.scores`."""
        scale = self.log_scale.clamp(max=LARGEST).exp()
        return scale * self.cosines(batch.text, batch.reference, targets)

    def regulariser(self, batch: Batch) -> torch.Tensor | None:
        """None."""
        return None

    def settings(self) -> dict[str, Any]:
        """What ``config.json`` keeps."""
        return {"hidden": self.hidden, "first": self.first, "depth": self.depth}

    def tensors(self) -> dict[str, torch.Tensor]:
        """What ``model.safetensors`` keeps; the scale changes no ranking."""
        return {name: value for name, value in self.state_dict().items() if name != "log_scale"}
