"""The start of a run is one of its candidates: learning that made things worse must not be delivered unsaid.

Held-out triplets choose among the weights that were measured on them. Those of the start were measured too,
and the looks have the advantage of being many; when even the best of them is below the start, the start is
kept, and ``training.json``, the card and standard error say so. It does not count for the patience that ends
a run: a run whose first looks are poor may still come out above its start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sightword.training.triplet_recall import summary

if TYPE_CHECKING:
    import torch

    from sightword.training.watch import Watch

__all__ = ["Start"]


class Start:
    """The weights before learning, and how they did.

    Parameters
    ----------
    network : torch.nn.Module
        As it is now, in eval mode.
    measured : dict
        `sightword.training.triplet_recall.held_out_recall` of it.
    """

    def __init__(self, network: torch.nn.Module, measured: dict[str, Any]) -> None:
        self._weights = {name: value.detach().clone() for name, value in network.state_dict().items()}
        self._triplets = measured["triplets"]
        self.value = summary(measured)

    def keep_if_better(self, network: torch.nn.Module, watch: Watch) -> str | None:
        """Put the start back when it did better than every look.

        Returns
        -------
        str or None
            A sentence for people; None when the best look stands (also where it only equals the start).
        """
        step, best = watch.best_look
        if self.value <= best:
            return None
        network.load_state_dict(self._weights)
        return (
            f"Learning did not help: the mean of R@1, R@5 and R@10 of {self._triplets:,} held-out triplets "
            f"is {self.value:.3f} at the start and at best {best:.3f} later (after {step:,} steps), so the "
            "start is kept; with --held-out 0 nothing is measured and the last weights are."
        )
