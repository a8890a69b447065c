"""The Combiner's learner (CLIP4Cir, CVPRW 2022, arXiv 2308.11485), its second stage: towers stay frozen.

    logits = 100 q . norm(target)^T,   L = CE(logits, i),   q as in ``methods/combiner.py``

Raw features go in, dropout 0.5 follows every ReLU, the loss is query to target only. The first stage, which
fine-tunes CLIP itself, is not part of this: gallery features would change with it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from sightword.backbones.base import BackboneSpec
from sightword.training.learners import QueryLearner, Temperature, seeded
from sightword.training.supply import Batch

__all__ = ["INNER", "OUTER", "SCALE", "CombinerLearner"]

INNER, OUTER = 4, 8
"""P and H as multiples of D: 2560 and 5120 for RN50x4's 640 in the published code."""
SCALE = 100.0


class CombinerLearner(QueryLearner):
    """CLIP4Cir's network in torch; tensors are named as in its checkpoints.

    Parameters
    ----------
    spec : BackboneSpec
    inner, hidden : int, optional
        P and H; 4 D and 8 D unless given.
    dropout : float
    scale : float
        Of the scores.
    learn_scale : bool
        Whether it is learnt as well (the paper's is fixed).
    seed : int
    """

    kind = "combiner"
    needs: frozenset[str] = frozenset()

    def __init__(
        self,
        spec: BackboneSpec,
        *,
        inner: int | None = None,
        hidden: int | None = None,
        dropout: float = 0.5,
        scale: float = SCALE,
        learn_scale: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.inner, self.hidden, self.dropout = inner or INNER * spec.dim, hidden or OUTER * spec.dim, dropout
        with seeded(seed):
            self.text_projection_layer = nn.Linear(spec.dim, self.inner)
            self.image_projection_layer = nn.Linear(spec.dim, self.inner)
            self.combiner_layer = nn.Linear(2 * self.inner, self.hidden)
            self.output_layer = nn.Linear(self.hidden, spec.dim)
            self.dynamic_scalar = nn.Sequential(
                nn.Linear(2 * self.inner, self.hidden),
                nn.ReLU(),
                nn.Dropout(dropout),
                nn.Linear(self.hidden, 1),
                nn.Sigmoid(),
            )
        self.temperature = Temperature(scale, learn=learn_scale)

    def forward(self, texts: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
        """Raw features [B, D] each -> unit vectors [B, D]."""
        both = torch.cat(
            [
                self._drop(self.text_projection_layer(texts)),
                self._drop(self.image_projection_layer(images)),
            ],
            dim=1,
        )
        mixed = self.output_layer(self._drop(self.combiner_layer(both)))
        share = self.dynamic_scalar(both)
        return nn.functional.normalize(mixed + share * texts + (1 - share) * images, dim=-1)

    def queries(self, batch: Batch) -> torch.Tensor:
        """See `QueryLearner.queries`."""
        found: torch.Tensor = self(batch.text, batch.reference)
        return found

    def settings(self) -> dict[str, Any]:
        """See `Composed.settings`."""
        return {"inner": self.inner, "hidden": self.hidden, "dropout": self.dropout}

    def _drop(self, values: torch.Tensor) -> torch.Tensor:
        return nn.functional.dropout(torch.relu(values), self.dropout, self.training)
