"""Several processes train as one: ``accelerate launch`` and ``torchrun`` start them, nothing else is needed.

Every process computes the **whole** contrastive loss over everybody's rows; its own rows carry a gradient,
the others' are constants. Each row's gradient is therefore exactly that of the single-process global batch,
and the processes' gradients are **summed** (not averaged, which would shrink them). This deviates from
Pic2Word's code, where each process keeps only part of the gradient and the parts are averaged; it needs no
differentiable communication. Losses that are means over rows use `World.mean`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sightword.errors import UsageError
from sightword.training.need import need_torch

if TYPE_CHECKING:
    import torch

__all__ = ["ALONE", "World", "join"]


@dataclass(frozen=True)
class World:
    """This process among its fellows.

    Attributes
    ----------
    rank, size : int
    """

    rank: int = 0
    size: int = 1

    def share(self, rows: torch.Tensor) -> torch.Tensor:
        """This process's part of a global batch [B] -> [B / size]."""
        if self.size == 1:
            return rows
        if len(rows) % self.size:
            raise UsageError(
                f"A batch of {len(rows)} cannot be shared by {self.size} processes.",
                "Choose a --batch (and enough training data) that divides evenly.",
            )
        return rows.chunk(self.size)[self.rank]

    def gather(self, own: torch.Tensor) -> torch.Tensor:
        """Everybody's rows [size B, ...], in the order of the ranks; only one's own carry a gradient."""
        if self.size == 1:
            return own
        torch = need_torch()
        parts = [torch.empty_like(own) for _ in range(self.size)]
        torch.distributed.all_gather(parts, own.detach().contiguous())
        parts[self.rank] = own
        return torch.cat(parts)

    def whole(self, loss: torch.Tensor) -> torch.Tensor:
        """A loss that every process computed in full: full gradient, 1 / size of the value."""
        return loss if self.size == 1 else loss - loss.detach() * (1 - 1 / self.size)

    def mean(self, loss: torch.Tensor) -> torch.Tensor:
        """A loss that is the mean over this process's rows: its part of the global mean."""
        return loss if self.size == 1 else loss / self.size

    def add(self, *values: float) -> list[float]:
        """Sums over the processes."""
        if self.size == 1:
            return list(values)
        torch = need_torch()
        total = torch.tensor(values, dtype=torch.float64, device=self._device())
        torch.distributed.all_reduce(total)
        return [float(value) for value in total]

    def add_gradients(self, parameters: Sequence[torch.Tensor]) -> None:
        """Replace each parameter's gradient by the sum over the processes."""
        if self.size == 1:
            return
        torch = need_torch()
        grads = [p.grad if p.grad is not None else torch.zeros_like(p) for p in parameters]
        flat = torch.cat([grad.flatten() for grad in grads])
        torch.distributed.all_reduce(flat)
        for parameter, part in zip(parameters, flat.split([grad.numel() for grad in grads])):
            parameter.grad = part.view_as(parameter)

    def wait(self) -> None:
        """Until all processes are here."""
        if self.size > 1:
            need_torch().distributed.barrier()

    def leave(self) -> None:
        """The work is done: all processes part."""
        if self.size > 1:
            self.wait()
            need_torch().distributed.destroy_process_group()

    def _device(self) -> str:
        distributed = need_torch().distributed
        return "cuda" if distributed.get_backend() == "nccl" else "cpu"


ALONE = World()


def join(device: str = "cpu") -> World:
    """Join the processes that a launcher started; without one, the world is this process.

    The launcher's environment says who is who: ``RANK``, ``WORLD_SIZE``, ``MASTER_ADDR``, ``MASTER_PORT``.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return ALONE
    torch = need_torch()
    distributed = torch.distributed
    if device == "cuda" and "LOCAL_RANK" in os.environ:  # else all of a machine share its first card
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    if not distributed.is_initialized():
        distributed.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    return World(distributed.get_rank(), distributed.get_world_size())
