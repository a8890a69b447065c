"""The training loop: warm-up, schedule, AdamW, checkpoints, and a stop when the loss is no number.

Everything a method adds is one function, from a batch of row numbers and the step to a loss. Whatever is
random in a step comes from (seed, step): a run that was interrupted and goes on equals one that never
stopped.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sightword.errors import SightwordError, UsageError
from sightword.training.checkpoint import load_checkpoint, save_checkpoint
from sightword.training.need import need_torch
from sightword.training.report import Report
from sightword.training.stops import Stops, TrainingStopped
from sightword.training.watch import Watch
from sightword.training.world import ALONE, World

if TYPE_CHECKING:
    import torch

__all__ = ["LoopSettings", "Run", "Step", "batches", "learning_rate", "need_torch", "seed_of", "train"]


@dataclass(frozen=True)
class LoopSettings:
    """What decides a run; saved with the weights.

    Attributes
    ----------
    steps, batch : int
        `batch` is the global one, over all processes.
    lr : float
        Peak learning rate.
    warmup : int
        Steps of linear warm-up.
    schedule : {"cosine", "constant", "linear"}
        What follows the warm-up; the cosine and the line end at 0.
    weight_decay : float
        On weight matrices; biases and vectors have none.
    betas, eps : AdamW's other numbers (Pic2Word's values).
    clip : float
        Largest gradient norm; 0 turns clipping off.
    ema : float
        Decay of the running average of the weights, ``min(ema, (1 + t) / (10 + t))``; 0 keeps none. With one,
        it is what is saved.
    seed : int
        Batches, dropout, and whatever the objective draws.
    """

    steps: int
    batch: int
    lr: float = 1e-4
    warmup: int = 0
    schedule: Literal["cosine", "constant", "linear"] = "cosine"
    weight_decay: float = 0.1
    betas: tuple[float, float] = (0.9, 0.98)
    eps: float = 1e-6
    clip: float = 0.0
    ema: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if name in ("steps", "batch") and value < 1:
                raise UsageError(f"{name} must be at least 1, not {value}.")
        if not self.lr > 0 or self.warmup < 0:
            raise UsageError(f"A learning rate of {self.lr} with {self.warmup} warm-up steps cannot train.")
        if not 0 <= self.ema < 1 or not self.clip >= 0:
            raise UsageError(f"ema {self.ema} must be in [0, 1), clip {self.clip} at least 0.")


@dataclass(frozen=True)
class Run:
    """How a run is watched and kept; none of it changes what is learnt.

    Attributes
    ----------
    checkpoint : Path, optional
        Where the state is kept; None keeps none.
    every : int
        Steps between checkpoints. One is also written at the end and before a stop.
    resume : bool
        Go on from `checkpoint` when it is there.
    settings : dict
        Told to the checkpoint and compared on resuming, beside `LoopSettings`.
    tensorboard : Path, optional
    progress : bool
    world : World
        The processes that train together; rank 0 writes and reports.
    watch : Watch, optional
        Measures while it trains, keeps the best weights, and may end the run early.
    """

    checkpoint: Path | None = None
    every: int = 1000
    resume: bool = False
    settings: dict[str, Any] = field(default_factory=dict)
    tensorboard: Path | None = None
    progress: bool = True
    world: World = ALONE
    watch: Watch | None = None


@dataclass(frozen=True)
class Step:
    """One point of the training curve."""

    step: int
    loss: float
    lr: float


def train(
    network: torch.nn.Module,
    loss_of: Callable[[torch.Tensor, int], torch.Tensor],
    rows: int,
    settings: LoopSettings,
    *,
    run: Run | None = None,
    on_step: Callable[[Step], None] | None = None,
) -> list[Step]:
    """Train a network.

    Parameters
    ----------
    network : torch.nn.Module
        What learns; left in eval mode.
    loss_of : callable
        From int64 row numbers [B] (this process's share) and the step to a scalar: this process's part of the
        loss, see `World`.
    rows : int
        How many rows of training data there are.
    settings : LoopSettings
    run : Run, optional
    on_step : callable, optional
        Called after every step.

    Returns
    -------
    list of Step
        The whole curve, also of what ran before it was resumed.

    Raises
    ------
    SightwordError
        The loss or the gradient stopped being a number; the last good checkpoint is kept.
    TrainingStopped
        SIGTERM or Ctrl-C; the state is saved.
    """
    torch = need_torch()
    run = run or Run()
    world = run.world
    state = _State(network, settings, run)
    with torch.random.fork_rng(devices=[]), Stops() as stops:  # must not disturb the caller's randomness
        report = Report(
            settings.steps, state.done, settings.batch, progress=run.progress and not world.rank,
            tensorboard=None if world.rank else run.tensorboard,
        )  # fmt: skip
        network.train()
        over = run.watch is not None and run.watch.exhausted
        remaining = () if over else islice(batches(rows, settings), state.done, None)
        try:
            for step, chosen in enumerate(remaining, state.done):
                torch.manual_seed(seed_of(settings.seed, step, world.rank))
                rate = learning_rate(step, settings)
                loss = loss_of(world.share(chosen), step)
                value, stop = world.add(float(loss.detach()), stops.number)
                state.check(value, "loss")
                state.move(loss, rate)
                state.curve.append(Step(step, value, rate))
                report.step(step, value, rate)
                if on_step is not None:
                    on_step(state.curve[-1])
                if run.watch is not None and run.watch.due(step + 1, settings.steps):
                    state.look(run.watch)
                    if run.watch.exhausted:
                        break
                if world.size == 1:  # several processes must all stop after the same step
                    stop = stops.number
                if (stop or (step + 1) % run.every == 0) and step + 1 < settings.steps:
                    state.save()
                if stop:
                    raise _stopped(run, step + 1, stops.number or 15)
        finally:
            report.close()
            network.eval()
    state.finish()
    return state.curve


def learning_rate(step: int, settings: LoopSettings) -> float:
    """Warm-up ``lr (step + 1) / warmup``, then half a cosine, or a line, to 0 at the last step's end."""
    if step < settings.warmup:
        return settings.lr * (step + 1) / settings.warmup
    if settings.schedule == "constant":
        return settings.lr
    share = (step - settings.warmup) / max(1, settings.steps - settings.warmup)
    if settings.schedule == "linear":
        return settings.lr * (1 - share)
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


def seed_of(*numbers: int) -> int:
    """One seed from several numbers, such as seed, step and rank."""
    import numpy as np

    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> np.uint64(1))


class _State:
    """Network, optimiser, running average and curve, as they are saved and restored."""

    def __init__(self, network: torch.nn.Module, settings: LoopSettings, run: Run) -> None:
        torch = need_torch()
        learning = [p for p in network.parameters() if p.requires_grad]
        groups = [
            {"params": [p for p in learning if p.ndim > 1], "weight_decay": settings.weight_decay},
            {"params": [p for p in learning if p.ndim <= 1], "weight_decay": 0.0},
        ]
        self.network, self.settings, self.run = network, settings, run
        self.parameters = learning
        fused = all(p.device.type in ("cpu", "cuda") for p in learning)
        self.optimizer = torch.optim.AdamW(
            groups, lr=settings.lr, betas=settings.betas, eps=settings.eps, fused=fused
        )
        weights = network.state_dict() if settings.ema else {}
        self.average = {name: value.detach().clone() for name, value in weights.items()}
        self.curve: list[Step] = []
        self.told = {**asdict(settings), **run.settings}
        if run.resume and run.checkpoint is not None and run.checkpoint.is_file():
            checkpoint = load_checkpoint(run.checkpoint, self.told)
            checkpoint.restore(network, self.optimizer, self.average)
            points = checkpoint.tensors["curve"].tolist()
            self.curve = [Step(step, loss, rate) for step, (loss, rate) in enumerate(points)]
            if run.watch is not None:
                run.watch.restore(checkpoint.watched)

    @property
    def done(self) -> int:
        return len(self.curve)

    def check(self, value: float, what: str) -> None:
        if not math.isfinite(value):
            kept = self.run.checkpoint is not None and self.run.checkpoint.is_file()
            also = f" The last good checkpoint is {self.run.checkpoint}." if kept else ""
            raise SightwordError(
                f"The {what} became {value} at step {self.done}.",
                f"Lower the learning rate, or check the features.{also}",
            )

    def move(self, loss: torch.Tensor, rate: float) -> None:
        """One step of the optimiser and of the running average."""
        torch = need_torch()
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.run.world.add_gradients(self.parameters)
        norm = torch.nn.utils.clip_grad_norm_(self.parameters, self.settings.clip or math.inf)
        self.check(float(norm), "gradient")
        self.optimizer.step()
        decay = min(self.settings.ema, (1 + self.done) / (10 + self.done))
        for name, value in self.network.state_dict().items() if self.average else ():
            self.average[name].lerp_(value.detach(), 1 - decay)

    def save(self) -> None:
        if self.run.checkpoint is None or self.run.world.rank:
            return
        torch = need_torch()
        points = torch.tensor([(item.loss, item.lr) for item in self.curve], dtype=torch.float64)
        save_checkpoint(
            self.run.checkpoint, step=self.done, network=self.network, optimizer=self.optimizer,
            average=self.average, curve=points.view(-1, 2), settings=self.told,
            watched=self.run.watch.state() if self.run.watch is not None else {},
        )  # fmt: skip

    def look(self, watch: Watch) -> None:
        """Measure the weights that would be saved: the running average's, if there is one."""
        learnt = {name: value.detach().clone() for name, value in self.network.state_dict().items()}
        if self.average:
            self.network.load_state_dict(self.average)
        self.network.eval()
        watch.look(self.network, self.done)
        self.network.load_state_dict(learnt)
        self.network.train()

    def finish(self) -> None:
        """Keep the state (writing the result may fail on a full disk), then take the weights to be saved."""
        self.save()
        if self.average:
            self.network.load_state_dict(self.average)
        if self.run.watch is not None and self.run.watch.best:
            self.network.load_state_dict(self.run.watch.best)


def _stopped(run: Run, done: int, number: int) -> TrainingStopped:
    if run.checkpoint is None:
        return TrainingStopped(f"Stopped after {done} steps; nothing was kept.", None, number)
    return TrainingStopped(
        f"Stopped after {done} steps; they are kept in {run.checkpoint}.", "Go on with --resume.", number
    )
