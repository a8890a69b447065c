"""What the trainable methods share: a phi, a loop, a product. One objective file each adds the loss."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sightword.backbones.base import Array
from sightword.errors import SightwordError, UsageError
from sightword.prompts import parse_prompt
from sightword.training.loop import LoopSettings, Run, train
from sightword.training.measure import inversion_recall
from sightword.training.need import need_torch
from sightword.training.networks import layers_of, make_network
from sightword.training.save import save_phi
from sightword.training.world import World

if TYPE_CHECKING:
    import torch

    from sightword.methods.torch_words import PromptEncoder, Readable, RowEncoder, TextTower

__all__ = ["Job", "Learning", "floats"]


@dataclass(frozen=True)
class Job:
    """One training run of any method.

    Attributes
    ----------
    backbone : Readable
        The loaded backbone: its spec, tokenizer and token table.
    tower : TextTower
        Its text tower in torch; the weights stay as they are.
    out : Path
        The directory to write.
    settings : LoopSettings
    tokens : int
        k, pseudo-tokens per picture.
    hidden : int, optional
        H, width of phi's hidden layers; the method's own unless given.
    dropout : float, optional
        The method's own unless given.
    device, dtype : str
        Where, and what the frozen text tower computes in (phi, losses and gradients are float32).
    run : Run
    held_out : float32 [M, D], optional
        Picture features, measured before and after training and never trained on.
    half : bool
        Store float16.
    description, licence : str
        For the card: which data, under which licence.
    facts : dict
        Told in ``training.json`` besides.
    """

    backbone: Readable
    tower: TextTower
    out: Path
    settings: LoopSettings
    tokens: int = 1
    hidden: int | None = None
    dropout: float | None = None
    device: str = "cpu"
    dtype: str = "f32"
    run: Run = field(default_factory=Run)
    held_out: Array | None = None
    half: bool = False
    description: str = ""
    licence: str = "apache-2.0"
    facts: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.tokens < 1:
            raise UsageError(f"{self.tokens} pseudo-words cannot stand for a picture.", "Give 1 or more.")

    def features(self, values: Array, what: str = "Features") -> torch.Tensor:
        """Check features [N, D] and bring them to the device."""
        spec = self.backbone.spec
        if values.ndim != 2 or values.shape[1] != spec.dim:
            raise UsageError(f"{what} for {spec.name} are [N, {spec.dim}], not {list(values.shape)}.")
        return floats(values, self.device)


def floats(values: Array, device: str) -> torch.Tensor:
    """float32 tensor of an array."""
    tensor: torch.Tensor = need_torch().from_numpy(np.ascontiguousarray(values, np.float32)).to(device)
    return tensor


class Learning:
    """A job at work.

    Parameters
    ----------
    job : Job
    method : str
        How the product asks, such as ``lincir``.
    activation : {"relu", "gelu"}
    hidden, dropout
        The method's own, where the job names none.

    Attributes
    ----------
    rows : RowEncoder
        Encodes rows of ids around pseudo-tokens.
    network : torch.nn.Sequential
    """

    def __init__(self, job: Job, method: str, *, activation: str, hidden: int, dropout: float) -> None:
        from sightword.methods.torch_words import RowEncoder

        spec = job.backbone.spec
        self.job, self.method, self.activation = job, method, activation
        self.hidden = job.hidden or hidden
        self.dropout = dropout if job.dropout is None else job.dropout
        self.rows: RowEncoder = RowEncoder(job.tower, job.backbone, device=job.device, dtype=job.dtype)
        self.network = make_network(
            activation, spec.dim, self.hidden, job.tokens * spec.token_dim, dropout=self.dropout,
            seed=job.settings.seed, device=job.device,
        )  # fmt: skip

    @property
    def world(self) -> World:
        """The processes that train together."""
        return self.job.run.world

    def words(self, features: torch.Tensor) -> torch.Tensor:
        """Features [B, D] -> pseudo-tokens [B, k, W]."""
        tokens: torch.Tensor = self.network(features).view(
            len(features), self.job.tokens, self.job.backbone.spec.token_dim
        )
        return tokens

    def prompt(self, template: str) -> PromptEncoder:
        """An encoder of one prompt with one slot."""
        from sightword.methods.torch_words import PromptEncoder

        return PromptEncoder(self.rows, self.job.backbone, parse_prompt(template), self.job.tokens)

    def finish(
        self, loss_of: Callable[[torch.Tensor, int], torch.Tensor], rows: int, facts: dict[str, Any]
    ) -> dict[str, Any]:
        """Train, measure before and after, and write the directory.

        Returns
        -------
        dict
            What ``training.json`` says: settings, curve, ``held_out`` measurements, `facts`.
        """
        job, torch = self.job, need_torch()
        before, began = self._measure(), time.monotonic()
        run = self._run(facts)
        curve = train(self.network, loss_of, rows, job.settings, run=run)
        every = max(1, len(curve) // 100)
        training = {
            "method": self.method,
            "settings": asdict(job.settings),
            "network": {"hidden": self.hidden, "tokens": job.tokens, "dropout": self.dropout},
            **facts,
            **job.facts,
            "rows": rows,
            "processes": self.world.size,
            "device": job.device,
            "precision": job.dtype,
            "seconds": round(time.monotonic() - began, 3),
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
            "curve": [[item.step, round(item.loss, 5)] for item in curve[::every]],
            "final_loss": round(float(np.mean([item.loss for item in curve[-20:]])), 5),
            "held_out": {"before": before, "after": self._measure()},
        }
        if not self.world.rank:
            self._save(training)
        self.world.wait()
        return training

    def _run(self, facts: dict[str, Any]) -> Run:
        """The job's run, with everything that must be the same when it is resumed."""
        from dataclasses import replace

        job, spec = self.job, self.job.backbone.spec
        told = {
            "method": self.method, "tokens": job.tokens, "hidden": self.hidden, "dropout": self.dropout,
            "backbone": spec.weights_hash, "precision": job.dtype, "processes": self.world.size,
            **{name: value for name, value in facts.items() if isinstance(value, (str, int, float, bool))},
        }  # fmt: skip
        return replace(job.run, settings={**told, **job.run.settings})

    def _measure(self) -> dict[str, Any] | None:
        if self.job.held_out is None:
            return None
        encode = self.prompt("a photo of {*}")
        return inversion_recall(self.network, encode, self.job.held_out, self.job.tokens, self.job.device)

    def _save(self, training: dict[str, Any]) -> None:
        job = self.job
        try:
            save_phi(
                job.out, layers_of(self.network), method=self.method, activation=self.activation,
                tokens=job.tokens, spec=job.backbone.spec, training=training, description=job.description,
                licence=job.licence, half=job.half,
            )  # fmt: skip
        except OSError as error:
            kept = job.run.checkpoint
            raise SightwordError(
                f"{job.out} could not be written: {error.strerror or error}.",
                f"Make room and repeat the command with --resume: the state is kept in {kept}."
                if kept
                else None,
            ) from None
