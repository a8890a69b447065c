"""Jobs on the tiny backbone, and texts it understands."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from tiny_torch import TinyTextTower

from sightword.training.job import Job
from sightword.training.loop import LoopSettings, Run
from tiny import COLOURS


def tiny_job(backbone: Any, out: Path, *, steps: int = 150, **changes: Any) -> Job:
    """A small job; `changes` override its fields."""
    job = Job(
        backbone, TinyTextTower(), out, LoopSettings(steps=steps, batch=32, lr=3e-3, seed=1),
        hidden=32, dropout=0.1, run=Run(progress=False),
    )  # fmt: skip
    return dataclasses.replace(job, **changes)


def colour_captions(count: int, seed: int = 0) -> list[str]:
    """Captions whose features differ: up to four colours, in different order and number."""
    rng = np.random.default_rng(seed)
    things = ["ball", "car", "house", "tree", "cat", "dog"]
    found = []
    for _ in range(count):
        parts = [
            f"a {' '.join(rng.choice(list(COLOURS), rng.integers(1, 4)))} {rng.choice(things)}"
            for _ in range(rng.integers(1, 3))
        ]
        found.append(" on ".join(parts))
    return found
