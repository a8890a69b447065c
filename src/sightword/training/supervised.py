"""Learning from triplets on frozen features: what Combiner, CIRPLANT, ARTEMIS, MAAF and ``tuned`` share.

    q_i = compose(reference_i, words_i),   S_ij = score(q_i, target_j),   L = mean_i CE(S_i, i)

Features of pictures and words are computed once (``training/triplet_features.py``); a method adds one
`torch.nn.Module` that follows `Composed`. **False negatives**: target j of a batch is no negative of query i
when it is a right answer of i (the same picture as target i, or one of the triplet's ``also``); such places
are masked out of the sum. That is ours: the published codes take every other row for wrong. Triplets with the
same words are ordinary negatives, and so is query i's own reference where it is some row's target: an answer
that only repeats the reference is wrong.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from sightword.backbones.base import Array
from sightword.errors import SightwordError, UsageError
from sightword.training.learners import seeded
from sightword.training.loop import LoopSettings, Run, seed_of, train
from sightword.training.objectives import matching
from sightword.training.save_supervised import save_supervised
from sightword.training.starting import Start
from sightword.training.supply import Batch, Supply
from sightword.training.triplet_features import TripletFeatures
from sightword.training.triplet_recall import average_recall, held_out_recall, summary
from sightword.training.watch import Watch

__all__ = ["Batch", "Composed", "TripletJob", "learn_triplets", "seeded"]

Ids = NDArray[np.int64]


class Composed(Protocol):
    """A network that learns from triplets: a `torch.nn.Module` with these members.

    Attributes
    ----------
    kind : str
        ``config.json``'s ``kind`` and ``method``; `sightword.methods.catalog.SUPERVISED` maps it to the
        numpy class that asks.
    needs : frozenset of {"words", "patches", "extra"}
        Which optional parts of `Batch` are computed.
    """

    kind: str
    needs: frozenset[str]

    def scores(self, batch: Batch, targets: torch.Tensor) -> torch.Tensor:
        """S, float32 [B, M]: every query of the batch against every target, temperature included.

        Row i, column j: query i with the raw feature ``targets[j]`` of a picture, float32 [M, D]. In training
        M is B and the right answers stand on the diagonal; when held-out triplets are measured, targets are a
        whole gallery. A method whose query does not depend on the target computes
        ``scale * unit(queries) @ unit(targets).T``; ARTEMIS computes it pair by pair.
        """
        ...

    def regulariser(self, batch: Batch) -> torch.Tensor | None:
        """A term that is added to the loss, or None (``tuned`` stays near its zero-shot answer)."""
        ...

    def settings(self) -> dict[str, object]:
        """What ``config.json`` keeps under ``network``: widths, layers, heads."""
        ...

    def tensors(self) -> dict[str, torch.Tensor]:
        """What ``model.safetensors`` keeps, named as the numpy class reads it."""
        ...


@dataclass(frozen=True)
class TripletJob:
    """One run of learning from triplets.

    Attributes
    ----------
    backbone : Backbone
        Any that can search: its towers stay frozen and need no gradient.
    out : Path
    settings : LoopSettings
    loss : {"softmax", "triplet"}
        See `sightword.training.objectives.matching`.
    looks : int
        How often the held-out triplets are measured while training.
    patience : int
        Looks without a new best after which the run ends; 0 never ends it.
    device : str
    run : Run
    half : bool
    description, licence : str
    facts : dict
        Told in ``training.json`` besides.
    """

    backbone: Any
    out: Path
    settings: LoopSettings
    loss: Literal["softmax", "triplet"] = "softmax"
    looks: int = 20
    patience: int = 5
    device: str = "cpu"
    run: Run = field(default_factory=Run)
    half: bool = False
    description: str = ""
    licence: str = "unknown"
    facts: dict[str, Any] = field(default_factory=dict)


def learn_triplets(
    job: TripletJob, network: Any, data: TripletFeatures, training: Ids, held_out: Ids
) -> dict[str, Any]:
    """Train a network on triplets and write its directory.

    Parameters
    ----------
    job : TripletJob
    network : torch.nn.Module and `Composed`
    data : TripletFeatures
        With what the network `needs`.
    training, held_out : int64
        Rows of `data`; `held_out` may be empty, then nothing is measured and the last weights are kept.
        Otherwise the best of all measured weights are kept, the start's included (``starting.py``).

    Returns
    -------
    dict
        What ``training.json`` says; ``note`` is there when the start was kept.

    Raises
    ------
    UsageError
        Several processes, or fewer than two triplets.
    """
    if job.run.world.size > 1:
        raise UsageError("Learning from triplets runs in one process.", "Start it without accelerate.")
    if len(training) < 2:
        raise UsageError(
            f"{len(training)} triplets are too few: a contrastive loss needs at least 2.",
            "Give more triplets, or hold fewer out.",
        )
    network.to(job.device)
    if hasattr(network, "begin"):
        network.begin(len(training))
    supply = Supply(data, network.needs, job.backbone, job.device)
    seed = job.settings.seed

    def loss_of(rows: torch.Tensor, step: int) -> torch.Tensor:
        at = training[rows.numpy()]
        batch = supply.batch(data.draw(at, np.random.default_rng(seed_of(seed, step, 7))))
        scores = network.scores(batch, supply.targets(data.target[at]))
        wrong = torch.from_numpy(data.false_negatives(at)).to(job.device)
        loss = matching(scores, wrong, job.loss)
        extra = network.regulariser(batch)
        return loss if extra is None else loss + extra

    network.eval()
    before = held_out_recall(network, supply, held_out) if len(held_out) else None
    start = Start(network, before) if before else None
    watch = None
    if len(held_out):
        every = max(1, -(-job.settings.steps // max(1, job.looks)))
        watch = Watch(
            lambda item: summary(held_out_recall(item, supply, held_out)), every=every, patience=job.patience
        )
    began = time.monotonic()
    curve = train(network, loss_of, len(training), job.settings, run=_run(job, network, watch, data))
    note = start.keep_if_better(network, watch) if start and watch else None
    every = max(1, len(curve) // 100)
    measured = {
        "before": before,
        "after": held_out_recall(network, supply, held_out) if len(held_out) else None,
        "average": average_recall(data, held_out) if len(held_out) else None,
        "chosen on it": watch is not None,
    }
    told = {
        "method": network.kind,
        "settings": asdict(job.settings),
        "network": network.settings(),
        "loss": job.loss,
        **job.facts,
        "triplets": len(training),
        "pictures": len(data.pictures),
        "texts": len(data.texts),
        "left out with unreadable pictures": data.lost,
        "device": job.device,
        "seconds": round(time.monotonic() - began, 3),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "curve": [[item.step, round(item.loss, 5)] for item in curve[::every]],
        "final_loss": round(float(np.mean([item.loss for item in curve[-20:]])), 5),
        "steps done": len(curve),
        "looks": [[step, round(value, 5)] for step, value in watch.looks] if watch else [],
        "kept after": 0 if note else watch.best_look[0] if watch else len(curve),
        "held_out": measured,
        **({"note": note} if note else {}),
    }
    _save(job, network, told)
    return told


def _run(job: TripletJob, network: Any, watch: Watch | None, data: TripletFeatures) -> Run:
    """The job's run, with everything that must be the same when it is resumed."""
    spec = job.backbone.spec
    told = {
        "method": network.kind, "backbone": spec.weights_hash, "loss": job.loss, "triplets": len(data),
        **{name: value for name, value in network.settings().items() if isinstance(value, (str, int, float))},
    }  # fmt: skip
    return replace(job.run, watch=watch, settings={**told, **job.run.settings})


def _save(job: TripletJob, network: Any, training: dict[str, Any]) -> None:
    from sightword.methods.catalog import SUPERVISED

    tensors: dict[str, Array] = {
        name: value.detach().cpu().float().numpy() for name, value in network.tensors().items()
    }
    try:
        save_supervised(
            job.out, tensors, kind=network.kind, network=network.settings(), spec=job.backbone.spec,
            training=training, more=getattr(network, "more", dict)(), description=job.description,
            licence=job.licence, half=job.half,
            check=lambda draft: SUPERVISED[network.kind].open(draft, job.backbone, str(job.out)),
        )  # fmt: skip
    except OSError as error:
        kept = job.run.checkpoint
        raise SightwordError(
            f"{job.out} could not be written: {error.strerror or error}.",
            f"Make room and repeat the command with --resume: the state is kept in {kept}." if kept else None,
        ) from None
