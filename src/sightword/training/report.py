"""What a run tells while it runs: a bar with loss, throughput and time left; TensorBoard when asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sightword.training.need import need

__all__ = ["Report"]


class Report:
    """A progress bar on stderr and, optionally, TensorBoard.

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
        from tqdm import tqdm

        self._writer: Any = None
        if tensorboard is not None:
            need("tensorboard", "--tensorboard", "pip install 'sightword[train]'")
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(tensorboard), purge_step=done)
        self._batch = batch
        self._bar = tqdm(total=total, initial=done, desc="train", unit="step", disable=not progress)

    def step(self, step: int, loss: float, rate: float) -> None:
        """One more step is done."""
        self._bar.update()
        pace = self._bar.format_dict["rate"]
        shown = {"loss": f"{loss:.4f}"} | ({"rows/s": f"{pace * self._batch:.0f}"} if pace else {})
        self._bar.set_postfix(shown, refresh=False)
        if self._writer is not None:
            self._writer.add_scalar("loss", loss, step)
            self._writer.add_scalar("learning rate", rate, step)

    def close(self) -> None:
        """The bar stays as it is, the event file is written out."""
        self._bar.close()
        if self._writer is not None:
            self._writer.close()
