"""Checkpoints: one safetensors file, replaced in one step, from which a run goes on bit for bit.

All randomness of a step comes from (seed, step), see ``loop.py``; so weights, AdamW's moments, the running
average and the curve are all there is to remember.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sightword.errors import SightwordError, UsageError
from sightword.training.need import need_torch

if TYPE_CHECKING:
    import torch

__all__ = ["Checkpoint", "load_checkpoint", "save_checkpoint"]

_NETWORK, _OPTIMIZER, _AVERAGE, _WATCHED = "network.", "optimizer.", "average.", "watched."


@dataclass
class Checkpoint:
    """The state of a run after `step` steps.

    Attributes
    ----------
    step : int
    tensors : dict of str to Tensor
        ``network.*``, ``optimizer.<parameter>.<moment>``, ``average.*``, ``watched.*``, ``curve`` [step, 2]
        (loss, rate).
    settings : dict
        What the run was started with.
    """

    step: int
    tensors: dict[str, torch.Tensor]
    settings: dict[str, Any]

    def restore(
        self, network: torch.nn.Module, optimizer: torch.optim.Optimizer, average: dict[str, torch.Tensor]
    ) -> None:
        """Put everything back in place."""
        network.load_state_dict(self._part(_NETWORK))
        average.update({name: value.clone() for name, value in self._part(_AVERAGE).items()})
        state: dict[int, dict[str, torch.Tensor]] = {}
        for name, value in self._part(_OPTIMIZER).items():
            index, _, moment = name.partition(".")
            state.setdefault(int(index), {})[moment] = value
        whole = optimizer.state_dict()
        whole["state"] = state
        optimizer.load_state_dict(whole)

    @property
    def watched(self) -> dict[str, torch.Tensor]:
        """What `Watch.state` gave; empty when nothing was measured."""
        return self._part(_WATCHED)

    def _part(self, prefix: str) -> dict[str, torch.Tensor]:
        return {
            name.removeprefix(prefix): value
            for name, value in self.tensors.items()
            if name.startswith(prefix)
        }


def save_checkpoint(
    path: Path,
    *,
    step: int,
    network: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    average: dict[str, torch.Tensor],
    curve: torch.Tensor,
    settings: dict[str, Any],
    watched: dict[str, torch.Tensor] | None = None,
) -> None:
    """Write a checkpoint; the one before stands until this one is on the disk.

    Raises
    ------
    SightwordError
        The disk is full, or the place cannot be written; the last good checkpoint is kept.
    """
    from safetensors.torch import save

    tensors = {"curve": curve}
    tensors |= {_NETWORK + name: value for name, value in network.state_dict().items()}
    tensors |= {_AVERAGE + name: value for name, value in average.items()}
    tensors |= {_WATCHED + name: value for name, value in (watched or {}).items()}
    for index, moments in optimizer.state_dict()["state"].items():
        tensors |= {f"{_OPTIMIZER}{index}.{name}": value for name, value in moments.items()}
    plain = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    data = save(plain, metadata={"sightword": json.dumps({"step": step, "settings": settings})})
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise SightwordError(
            f"The checkpoint {path} could not be written at step {step}: {error.strerror or error}.",
            "The last good checkpoint is kept; make room and go on with --resume.",
        ) from None


def load_checkpoint(path: Path, settings: dict[str, Any] | None = None) -> Checkpoint:
    """Read a checkpoint.

    Parameters
    ----------
    path : Path
    settings : dict, optional
        Of the run that wants to go on; they must be those of the run that stopped.

    Raises
    ------
    SightwordError
        The file is damaged.
    UsageError
        It belongs to a run with other settings, which are named.
    """
    from safetensors import SafetensorError, safe_open

    need_torch()
    try:
        with safe_open(str(path), "pt") as stream:
            about = json.loads(stream.metadata()["sightword"])
            tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 - not a dict
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise SightwordError(
            f"The checkpoint {path} cannot be read ({type(error).__name__}: {error}).",
            "Start a new run with --fresh.",
        ) from None
    if settings is not None:
        _same(path, about["settings"], json.loads(json.dumps(settings)))
    return Checkpoint(int(about["step"]), tensors, about["settings"])


def _same(path: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    changed = [
        f"{name} was {before.get(name)!r}, now {now.get(name)!r}"
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name)
    ]
    if changed:
        raise UsageError(
            f"{path} belongs to a run with other settings: {'; '.join(changed)}.",
            "Repeat the settings of that run, or start a new one with --fresh.",
        )
