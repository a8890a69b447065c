"""The training loop: warm-up, cosine, AdamW, and a stop when the loss is no number.

Everything a method adds is one function, from a batch of row numbers to a loss.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sightword.errors import ModelUnavailable, SightwordError, UsageError

if TYPE_CHECKING:
    import torch

__all__ = ["LoopSettings", "Step", "batches", "learning_rate", "need_torch", "train"]


@dataclass(frozen=True)
class LoopSettings:
    """What decides a run; saved with the weights.

    Attributes
    ----------
    steps, batch : int
    lr : float
        Peak learning rate.
    warmup : int
        Steps of linear warm-up; then a cosine to 0.
    weight_decay : float
        On weight matrices; biases and vectors have none.
    betas, eps : AdamW's other numbers (Pic2Word's values).
    clip : float
        Largest gradient norm; 0 turns clipping off.
    seed : int
        Batches and dropout.
    """

    steps: int
    batch: int
    lr: float = 1e-4
    warmup: int = 0
    weight_decay: float = 0.1
    betas: tuple[float, float] = (0.9, 0.98)
    eps: float = 1e-6
    clip: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if name in ("steps", "batch") and value < 1:
                raise UsageError(f"{name} must be at least 1, not {value}.")
        if not self.lr > 0 or self.warmup < 0:
            raise UsageError(f"A learning rate of {self.lr} with {self.warmup} warm-up steps cannot train.")


@dataclass(frozen=True)
class Step:
    """One point of the training curve."""

    step: int
    loss: float
    lr: float


def train(
    network: torch.nn.Module,
    loss_of: Callable[[torch.Tensor], torch.Tensor],
    rows: int,
    settings: LoopSettings,
    *,
    on_step: Callable[[Step], None] | None = None,
    progress: bool = True,
) -> list[Step]:
    """Train a network.

    Parameters
    ----------
    network : torch.nn.Module
        What learns; left in eval mode.
    loss_of : callable
        From int64 row numbers [B] to a scalar loss.
    rows : int
        How many rows of training data there are.
    settings : LoopSettings
    on_step : callable, optional
        Called after every step.
    progress : bool
        A progress bar on stderr.

    Returns
    -------
    list of Step
        The curve.

    Raises
    ------
    SightwordError
        The loss stopped being a number.
    """
    torch = need_torch()
    from tqdm import tqdm

    decayed = [p for p in network.parameters() if p.requires_grad and p.ndim > 1]
    plain = [p for p in network.parameters() if p.requires_grad and p.ndim <= 1]
    groups = [
        {"params": decayed, "weight_decay": settings.weight_decay},
        {"params": plain, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=settings.lr, betas=settings.betas, eps=settings.eps)
    curve: list[Step] = []
    with torch.random.fork_rng(devices=[]):  # dropout must not depend on what ran before, nor disturb it
        torch.manual_seed(settings.seed)
        network.train()
        bar = tqdm(total=settings.steps, desc="train", unit="step", disable=not progress)
        for step, chosen in enumerate(batches(rows, settings)):
            rate = learning_rate(step, settings)
            for group in optimizer.param_groups:
                group["lr"] = rate
            loss = loss_of(chosen)
            value = float(loss.detach())
            if not math.isfinite(value):
                raise SightwordError(
                    f"The loss became {value} at step {step}.",
                    "Lower the learning rate, or check the features.",
                )
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            if settings.clip:
                torch.nn.utils.clip_grad_norm_([*decayed, *plain], settings.clip)
            optimizer.step()
            curve.append(Step(step, value, rate))
            bar.set_postfix(loss=f"{value:.3f}", refresh=False)
            bar.update()
            if on_step is not None:
                on_step(curve[-1])
        bar.close()
        network.eval()
    return curve


def learning_rate(step: int, settings: LoopSettings) -> float:
    """Linear warm-up ``lr (step + 1) / warmup``, then half a cosine down to 0 at the last step's end."""
    if step < settings.warmup:
        return settings.lr * (step + 1) / settings.warmup
    share = (step - settings.warmup) / max(1, settings.steps - settings.warmup)
    return 0.5 * settings.lr * (1 + math.cos(math.pi * share))


def batches(rows: int, settings: LoopSettings) -> Iterator[torch.Tensor]:
    """`settings.steps` batches of row numbers: shuffled passes over the data, all batches full.

    A pass's last rows, too few for a batch, open the next one, so that no row is favoured. No batch repeats a
    row, for its copy would be a wrong negative; with fewer rows than a batch holds, batches are smaller.
    """
    torch = need_torch()
    if rows < 2:
        raise UsageError(f"{rows} training rows are too few: a contrastive loss needs at least 2.")
    generator = torch.Generator().manual_seed(settings.seed)
    size = min(settings.batch, rows)
    waiting = torch.empty(0, dtype=torch.int64)
    for _ in range(settings.steps):
        if len(waiting) < size:
            fresh = torch.randperm(rows, generator=generator)
            seen = torch.isin(fresh, waiting)
            # What waits is taken first; the same rows of the new pass move behind this batch.
            waiting = torch.cat([waiting, fresh[~seen], fresh[seen]])
        yield waiting[:size]
        waiting = waiting[size:]


def need_torch() -> Any:
    """Import torch, or say how to get it."""
    try:
        import torch
    except ImportError:
        raise ModelUnavailable(
            "Training needs torch, which is not installed.", "Run `pip install 'sightword[torch]'`."
        ) from None
    return torch
