"""Measuring while a run trains: the best weights are kept, and a run that no longer improves ends early."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sightword.training.need import need_torch

if TYPE_CHECKING:
    import torch

__all__ = ["Watch"]

_BEST = "best."


class Watch:
    """Looks every so many steps, and at the end.

    Parameters
    ----------
    measure : callable
        From the network, in eval mode, to a number that should be high.
    every : int
        Steps between looks.
    patience : int
        Looks without a new best after which the run ends; 0 never ends it.

    Attributes
    ----------
    looks : list of (int, float)
        Steps done, and the measurement.
    best : dict of str to Tensor
        Weights of the best look so far; the earliest of equal ones.
    """

    def __init__(self, measure: Callable[[torch.nn.Module], float], *, every: int, patience: int = 0) -> None:
        self.measure = measure
        self.every, self.patience = max(1, every), patience
        self.looks: list[tuple[int, float]] = []
        self.best: dict[str, torch.Tensor] = {}

    @property
    def best_look(self) -> tuple[int, float]:
        """The earliest of the best looks."""
        return max(self.looks, key=lambda look: (look[1], -look[0]))

    @property
    def exhausted(self) -> bool:
        """Whether there was no new best for `patience` looks."""
        if not self.patience or not self.looks:
            return False
        since = sum(step > self.best_look[0] for step, _ in self.looks)
        return since >= self.patience

    def due(self, done: int, steps: int) -> bool:
        """Whether to look after `done` of `steps` steps."""
        return done % self.every == 0 or done == steps

    def look(self, network: torch.nn.Module, done: int) -> None:
        """Measure, and keep the weights if they are the best."""
        torch = need_torch()
        with torch.no_grad():
            value = float(self.measure(network))
        better = not self.looks or value > self.best_look[1]
        self.looks.append((done, value))
        if better:
            self.best = {name: item.detach().clone() for name, item in network.state_dict().items()}

    def state(self) -> dict[str, torch.Tensor]:
        """For a checkpoint."""
        torch = need_torch()
        looks = torch.tensor(self.looks, dtype=torch.float64).view(-1, 2)
        return {"looks": looks, **{_BEST + name: value for name, value in self.best.items()}}

    def restore(self, state: dict[str, torch.Tensor]) -> None:
        """From a checkpoint."""
        if "looks" not in state:
            return
        self.looks = [(int(step), float(value)) for step, value in state["looks"].tolist()]
        self.best = {
            name.removeprefix(_BEST): value.clone() for name, value in state.items() if name.startswith(_BEST)
        }
