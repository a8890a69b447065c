"""The papers' recipes, each with its source: the defaults of ``sightword train``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from sightword.training.loop import LoopSettings

__all__ = ["RECIPES", "Recipe"]


@dataclass(frozen=True)
class Recipe:
    """Defaults of one method.

    Attributes
    ----------
    source : str
        Where they come from.
    steps, epochs : optional
        One of them is given.
    batch, lr, warmup, schedule, weight_decay, betas, eps
        See `LoopSettings`.
    """

    source: str
    steps: int | None = None
    epochs: float | None = None
    batch: int = 256
    lr: float = 1e-4
    warmup: int = 0
    schedule: Literal["cosine", "constant", "linear"] = "constant"
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8

    def settings(
        self,
        rows: int,
        *,
        steps: int | None = None,
        epochs: float | None = None,
        batch: int | None = None,
        lr: float | None = None,
        warmup: int | None = None,
        weight_decay: float | None = None,
        clip: float = 0.0,
        ema: float = 0.0,
        seed: int = 0,
    ) -> LoopSettings:
        """Settings for `rows` rows of data; what is None comes from the recipe.

        A warm-up of the recipe's own takes at most a tenth of the steps: short runs would never leave it.
        """
        batch = batch or self.batch
        wanted = epochs or self.epochs
        if steps is None and epochs is None:
            steps = self.steps
        if steps is None:
            steps = max(1, math.ceil((wanted or 1) * rows / min(batch, rows)))
        return LoopSettings(
            steps=steps,
            batch=batch,
            lr=self.lr if lr is None else lr,
            warmup=min(self.warmup, steps // 10) if warmup is None else warmup,
            schedule=self.schedule,
            weight_decay=self.weight_decay if weight_decay is None else weight_decay,
            betas=self.betas,
            eps=self.eps,
            clip=clip,
            ema=ema,
            seed=seed,
        )

    def table(self) -> str:
        """For ``--help``."""
        length = f"{self.steps:,} steps" if self.steps else f"{self.epochs:g} passes over the data"
        rate = f"learning rate {self.lr:g}, {self.schedule}"
        if self.warmup:
            rate += f" after a warm-up of {self.warmup:,} steps (at most a tenth of the run)"
        return (
            f"Defaults: {length} of {self.batch:,} rows, AdamW, {rate}, weight decay {self.weight_decay:g}, "
            f"betas {self.betas[0]:g}/{self.betas[1]:g}. Source: {self.source}"
        )


_PIC2WORD = "Pic2Word's published code and README (arXiv 2302.03084; 8 GPUs x 128 pictures, weight decay 0.1)"
RECIPES = {
    "pic2word": Recipe(
        f"{_PIC2WORD}; the number of GPUs is the commonly quoted one.", epochs=30, batch=1024, warmup=10_000,
        schedule="cosine", weight_decay=0.1, betas=(0.9, 0.98), eps=1e-6,
    ),
    "searle-oti": Recipe("SEARLE's published code (arXiv 2303.15247).", steps=350, batch=32, lr=2e-2),
    "searle": Recipe("SEARLE's published code (arXiv 2303.15247), its second stage.", epochs=100, batch=256),
    "lincir": Recipe("LinCIR's README (arXiv 2312.01998; 8 GPUs x 64 captions).", steps=20_000, batch=512),
    "masked": Recipe(
        f"ours, after {_PIC2WORD}: the paper (arXiv 2406.18836) states none that we could read.", epochs=30,
        batch=1024, warmup=10_000, schedule="cosine", weight_decay=0.1, betas=(0.9, 0.98), eps=1e-6,
    ),
    "combiner": Recipe(
        "CLIP4Cir's README and code (arXiv 2308.11485), its second stage: Adam, 300 epochs, scale 100, "
        "dropout 0.5, P = 4 D and H = 8 D; the best weights on held-out triplets are kept.",
        epochs=300, batch=4096, lr=2e-5, weight_decay=0.0,
    ),
    "cirplant": Recipe(
        "ours, for a small transformer that begins at random. CIRPLANT's published command, for OSCAR's "
        "pre-trained BERT-base: 300 epochs of 32 triplets, AdamW, 1e-5 with linear decay, weight decay 0.05, "
        "dropout 0.3 (arXiv 2108.04024).", epochs=100, batch=256, lr=3e-4, warmup=500, schedule="linear",
        weight_decay=0.05,
    ),
    "tuned": Recipe(
        "ours; chosen on held-out triplets of StyleShift's training half (docs/methods/tuned.md).",
        steps=1000, batch=256, lr=1e-3, warmup=100, schedule="cosine", weight_decay=0.05,
    ),
    "artemis": Recipe(
        "ours, for frozen features: the paper (arXiv 2203.08101) trains the towers as well; batch softmax "
        "with a learnt temperature as there.", epochs=12, batch=256, lr=3e-4, warmup=200, schedule="cosine",
        weight_decay=0.05,
    ),
    "maaf": Recipe(
        "ours, for frozen features: the paper (arXiv 2007.00145) trains the towers as well; batch softmax as "
        "there.", epochs=4, batch=128, lr=1e-3, warmup=200, schedule="cosine", weight_decay=0.05,
    ),
}  # fmt: skip
