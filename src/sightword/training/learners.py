"""What the learners are built of: seeded weights, and cosines times a scale that is fixed or learnt."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

__all__ = ["Temperature", "seeded"]

LARGEST = math.log(100.0)
"""A learnt scale stays at or below CLIP's bound of 100."""


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Torch's randomness depends on nothing but `seed` inside, and nobody else's is disturbed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


class Temperature(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """``scale . unit(queries) . unit(targets)^T``.

    Parameters
    ----------
    scale : float
        At the start.
    learn : bool
    """

    def __init__(self, scale: float, *, learn: bool) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(math.log(scale)), requires_grad=learn)
        self._learn = learn

    @property
    def scale(self) -> torch.Tensor:
        """Now."""
        log = self.log_scale.clamp(max=LARGEST) if self._learn else self.log_scale
        return log.exp()

    def forward(self, queries: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """[B, D] and [M, D] -> [B, M]."""
        normalize = nn.functional.normalize
        return self.scale * normalize(queries, dim=-1) @ normalize(targets, dim=-1).T
