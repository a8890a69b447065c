"""What a run tells while it runs: loss, throughput and time left; TensorBoard when asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sightword.training.bars import Bar
from sightword.training.need import need

__all__ = ["Report"]


class Report:
    """Progress on standard error (`Bar`) and, optionally, TensorBoard.

    Parameters
    ----------
    total, done : int
        Steps of the run; steps done before it was resumed.
    batch : int
        Rows a step, for the throughput.
    progress : bool
    tensorboard : Path, optional
        Directory of the event files.
    """

    def __init__(
        self, total: int, done: int, batch: int, *, progress: bool = True, tensorboard: Path | None = None
    ) -> None:
        self._writer: Any = None
        if tensorboard is not None:
            need("tensorboard", "--tensorboard", "pip install 'sightword[train]'")
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(tensorboard), purge_step=done)
        self._batch = batch
        self._bar = Bar("train", "step", total, done=done, show=progress)

    def step(self, step: int, loss: float, rate: float) -> None:
        """One more step is done."""
        pace = self._bar.rate
        self._bar.note(f"loss {loss:.4f}" + (f", {pace * self._batch:,.0f} rows/s" if pace else ""))
        self._bar.advance()
        if self._writer is not None:
            self._writer.add_scalar("loss", loss, step)
            self._writer.add_scalar("learning rate", rate, step)

    def close(self) -> None:
        """The bar stays as it is, the event file is written out."""
        self._bar.close()
        if self._writer is not None:
            self._writer.close()
