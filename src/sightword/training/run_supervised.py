"""Each method that learns from triplets, from a session and its own options to the finished directory."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sightword.backbones.base import Array, BackboneSpec
from sightword.backbones.tokenize import PromptTruncated
from sightword.errors import UsageError
from sightword.training.loop import Run
from sightword.training.readers.triplets import TripletColumns, open_triplets
from sightword.training.recipes import RECIPES
from sightword.training.session import Session
from sightword.training.supervised import TripletJob, learn_triplets
from sightword.training.triplet_features import TripletFeatures, triplet_features
from sightword.training.triplets import Triplets, collect

__all__ = ["run_cirplant", "run_combiner", "run_triplets", "run_tuned", "split"]

Ids = NDArray[np.int64]
Loss = Literal["softmax", "triplet"]
LEAST = 500
"""Fewer triplets hold none out unless asked to: weights chosen by a few dozen of them are drawn by lot."""


def run_combiner(session: Session, *, inner: int | None, hidden: int | None, dropout: float | None,
                 scale: float | None, learn_scale: bool, **shared: Any) -> dict[str, Any]:  # fmt: skip
    """See `sightword.training.combiner`."""
    from sightword.training.combiner import SCALE, CombinerLearner

    def make(spec: BackboneSpec) -> CombinerLearner:
        return CombinerLearner(
            spec, inner=inner, hidden=hidden, dropout=0.5 if dropout is None else dropout,
            scale=scale or SCALE, learn_scale=learn_scale, seed=_seed(session),
        )  # fmt: skip

    return run_triplets(session, make, **shared)


def run_cirplant(session: Session, *, width: int, layers: int, heads: int, dropout: float | None,
                 scale: float | None, learn_scale: bool, **shared: Any) -> dict[str, Any]:  # fmt: skip
    """See `sightword.training.cirplant`."""
    from sightword.training.cirplant import SCALE, CirplantLearner

    def make(spec: BackboneSpec) -> CirplantLearner:
        return CirplantLearner(
            spec, width=width, layers=layers, heads=heads, dropout=0.3 if dropout is None else dropout,
            scale=scale or SCALE, learn_scale=learn_scale, seed=_seed(session),
        )  # fmt: skip

    return run_triplets(session, make, **shared)


def run_tuned(session: Session, *, base: str, hidden: int | None, dropout: float | None, anchor: float,
              scale: float | None, learn_scale: bool, **shared: Any) -> dict[str, Any]:  # fmt: skip
    """See `sightword.training.tuned`."""
    from sightword.evaluation.memory import Remembering
    from sightword.methods.catalog import load_method
    from sightword.training.tuned import TunedLearner, base_of, base_tensors, parts_of

    start = base_of(load_method(base, backbone=session.backbone), base)

    def make(spec: BackboneSpec) -> TunedLearner:
        return TunedLearner(
            spec, start, hidden=hidden or 512, dropout=0.3 if dropout is None else dropout, anchor=anchor,
            scale=scale, learn_scale=learn_scale, seed=_seed(session),
        )  # fmt: skip

    key = "|".join([base, str(start.mix.tolist()), *(str(t.sum()) for t in base_tensors(start).values())])
    parts = parts_of(start, Remembering(session.backbone))
    return run_triplets(session, make, parts=parts, parts_key=key, facts={"base": base}, **shared)


def run_triplets(
    session: Session,
    make: Callable[[BackboneSpec], Any],
    *,
    triplets: Sequence[str],
    columns: TripletColumns | None = None,
    loss: Loss = "softmax",
    looks: int = 20,
    patience: int = 5,
    parts: Callable[[Array, Sequence[str]], Array] | None = None,
    parts_key: str = "",
    facts: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Read triplets, compute what the network needs, train, measure and write.

    Parameters
    ----------
    session : Session
    make : callable
        From the backbone's spec to a `Composed` network.
    triplets : sequence of str
        As `open_triplets` reads them.
    columns : TripletColumns, optional
    loss, looks, patience
        See `TripletJob`.
    parts, parts_key
        See `triplet_features`.
    facts : dict, optional
        Told in ``training.json``.

    Returns
    -------
    dict
        What ``training.json`` says.
    """
    if not triplets:
        raise UsageError(
            f"{session.wishes.method} learns from triplets: give --triplets.",
            "A table with the columns reference, text and target, a data set's folder, or auto:DATA.",
        )
    if session.world.size > 1:
        raise UsageError("Learning from triplets runs in one process.", "Start it without accelerate.")
    wishes = session.wishes
    network = make(session.backbone.spec)
    found, identity = _read(session, triplets, columns, wishes.limit)
    own = len(found)
    if wishes.held_out is not None and not wishes.held_out.isdigit():
        others, also = _read(session, [wishes.held_out], columns, None)
        pictures = {item.name: item for item in chain(found.pictures, others.pictures)}
        found = Triplets([*found.rows, *others.rows], list(pictures.values()))
        identity += f"|{also}"
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", PromptTruncated)
        data = triplet_features(
            found, session.backbone, needs=network.needs, longest=getattr(network, "longest", 40),
            home=session.home, cap=wishes.max_unreadable, workers=wishes.workers, progress=session.progress,
            parts=parts, parts_key=parts_key,
        )  # fmt: skip
    long = sum(issubclass(item.category, PromptTruncated) for item in told)
    if long:
        session.say(f"{long:,} texts are longer than the text tower reads; their last words are ignored.")
    session.note(data.skips)
    if data.lost:
        session.say(f"{data.lost:,} triplets were left out with their unreadable pictures.")
    training, held_out = split(data, own, wishes.held_out, _seed(session))
    shared = len(data) - len(training) - len(held_out)
    if shared:
        session.say(f"{shared:,} triplets are left out of training because they are among the held-out ones.")
    session.say(f"{len(training):,} triplets to learn from, {len(held_out):,} held out.")
    job = TripletJob(
        session.backbone, wishes.out, RECIPES[wishes.method].settings(len(training), **wishes.settings),
        loss=loss, looks=looks, patience=patience, device=wishes.device,
        run=Run(
            checkpoint=session.kept / "checkpoint.safetensors", every=wishes.checkpoint_every,
            resume=wishes.resume, settings={"data": identity, "held out": len(held_out)},
            tensorboard=session.kept / "tensorboard" if wishes.tensorboard else None,
            progress=session.progress,
        ),
        half=wishes.half, licence=wishes.licence,
        description=wishes.description
        or f"Learnt from {', '.join(session.sources)} ({len(training):,} triplets).",
        facts={
            "data": session.sources, "recipe": RECIPES[wishes.method].source, "left out": found.left_out,
            "long texts": long, **(facts or {}),
        },
    )  # fmt: skip
    report = learn_triplets(job, network, data, training, held_out)
    if "note" in report:
        session.say(report["note"])
    return report


def split(data: TripletFeatures, own: int, wish: str | None, seed: int) -> tuple[Ids, Ids]:
    """Rows to learn from and rows to measure; whole groups are held out.

    Parameters
    ----------
    data : TripletFeatures
    own : int
        Triplets from here on were read to be held out.
    wish : str, optional
        How many are held out; a tenth, at most 1,000, unless given, and none of fewer than `LEAST`.
    seed : int
    """
    rows = np.arange(len(data))
    if len(data.kept) and data.kept[-1] >= own:
        measured = rows[data.kept >= own]
        asked = {_question(data, row) for row in measured}
        learnt = [row for row in rows[data.kept < own] if _question(data, row) not in asked]
        return np.array(learnt, np.int64), measured
    count = int(wish) if wish is not None else (min(1000, len(data) // 10) if len(data) >= LEAST else 0)
    if not count:
        return rows, rows[:0]
    if count > len(data) - 2:
        raise UsageError(f"{count} of {len(data)} triplets cannot be held out: at least 2 must be left.")
    groups = np.random.default_rng(seed).permutation(int(data.group.max()) + 1)
    sizes = np.bincount(data.group, minlength=len(groups))[groups]
    taken = groups[np.cumsum(sizes) - sizes < count]
    out = np.isin(data.group, taken)
    if (~out).sum() < 2:
        raise UsageError(
            f"The {len(data)} triplets are of {len(groups)} group(s); {count} cannot be held out.",
            "Hold fewer out, or give others with --held-out FILE.",
        )
    return rows[~out], rows[out]


def _question(data: TripletFeatures, row: int) -> tuple[int, int]:
    """Reference and target: a pair that is measured is never learnt from, whatever is said of it."""
    return int(data.reference[row]), int(data.target[row])


def _read(
    session: Session, names: Sequence[str], columns: TripletColumns | None, limit: int | None
) -> tuple[Triplets, str]:
    sources = [open_triplets(name, columns) for name in names]
    session.sources += [source.name for source in sources]
    found = collect(
        chain.from_iterable(sources), limit=limit, cap=session.wishes.max_unreadable, where=", ".join(names)
    )
    if found.sentence():
        session.say(found.sentence())
    return found, "|".join([*(source.identity() for source in sources), str(limit)])


def _seed(session: Session) -> int:
    return session.wishes.settings.get("seed") or 0
