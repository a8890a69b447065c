"""What the learners are built of: seeded weights, a start that adds nothing, and scaled cosines as scores."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from sightword.training.supply import Batch

__all__ = ["QueryLearner", "Temperature", "seeded", "silent", "standard"]

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


class QueryLearner(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """A learner whose query does not depend on the target: it scores by ``temperature``.

    Attributes
    ----------
    temperature : Temperature
        The last thing that ``__init__`` makes; it changes no ranking and is not kept.
    """

    temperature: Temperature

    def queries(self, batch: Batch) -> torch.Tensor:
        """Unit vectors of the batch's queries, float32 [B, D]; what ``forward`` gives, unless overridden."""
        found: torch.Tensor = self(batch)
        return found

    def scores(self, batch: Batch, targets: torch.Tensor) -> torch.Tensor:
        """See `sightword.training.supervised.Composed.scores`."""
        return self.temperature(self.queries(batch), targets)

    def regulariser(self, batch: Batch) -> torch.Tensor | None:
        """None."""
        return None

    def tensors(self) -> dict[str, torch.Tensor]:
        """What ``model.safetensors`` keeps."""
        return {key: value for key, value in self.state_dict().items() if not key.startswith("temperature.")}


def silent(*layers: nn.Linear) -> None:
    """Layers that answer zero: learning starts from what stands without them."""
    for layer in layers:
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)


def standard(vectors: torch.Tensor) -> torch.Tensor:
    """`sightword.methods.cirplant.standard` in torch."""
    return nn.functional.normalize(vectors, dim=-1) * vectors.shape[-1] ** 0.5
