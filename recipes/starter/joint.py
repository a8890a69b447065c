"""Step 5: sentence tower, head and gate trained together, so that words of style, colour and count move the text
the way the picture moves. The trunk is frozen: a picture costs no more than its cached feature.

Each batch holds several views of each concept, which differ only in what a few words say.

- *caption -> picture*: among the batch and thousands of cached views; *picture -> caption* within the batch.
  A view of which the caption is true as well ("fox" of every fox) is no counter-example.
- *moves*: a view, moved along the words of another view of the same thing, finds that view (the equation of
  the method ``direction``): another style, colour, number; a thing more or less; skin, gender, role.
- *names*: every cached view against the names of all others, as the original sentence model hears them.
- *language*: on glosses and dictionary words the tower has to agree with the original sentence model.

    python joint.py NAME [text=whole] [contrast=softmax] [looks=1] ... [steps=3000]

Writes ``runs/NAME.pt``.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import sayings
import torch
from captions import with_article
from common import CACHE, THREADS, note
from joint_data import Array, StandIns, Views
from joint_model import Joint
from torch import Tensor
from torch.nn import functional as F
from wordnet import glosses, lemmas

from sightword.methods.direction import LENGTH, NEUTRAL

RUNS = CACHE / "runs"
MASKED = -10.0
"""A cosine nobody has: takes a pair out of a softmax."""
RATE_HEAD, RATE_GATE, WARMUP, NAME_SCALE = 1e-3, 2e-3, 60, 20.0


@dataclass(frozen=True)
class Recipe:
    """What is tried. `names`, `moves` and `language` are weights of the losses; `tags` is the share of steps
    in which pictures are named with their tags; `memory` is what a step leaves of the running mean of the weights,
    which is kept beside the last weights (0: none); `warm` counts the steps in which the head learns alone, so that a
    head that knows nothing does not spoil the sentence tower."""

    steps: int = 3000
    warm: int = 0
    text: str = "whole"
    contrast: str = "softmax"
    looks: bool = True
    scenes: bool = True
    families: bool = True
    names: float = 1.0
    tags: float = 0.5
    moves: float = 0.5
    language: float = 3.0
    noise: float = 0.1
    rate: float = 8e-5
    groups: int = 36
    siblings: int = 6
    each: int = 4
    pool: int = 2048
    photos: int = 24
    plain: int = 36
    seed: int = 0
    memory: float = 0.0


@dataclass
class Batch:
    """One step's lots: rows of views, captions, the pairs to move between, cached others."""

    rows: Array
    said: list[sayings.Said]
    classes: Array
    moves: list[tuple[int, int, sayings.Said]]
    pool: Array
    sentences: list[str]


class Trainer:
    """Draws batches and computes the loss."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        torch.manual_seed(recipe.seed)
        self.dice = random.Random(recipe.seed + 5)
        self.views = Views(recipe.scenes)
        self.photos = StandIns(self.views.photographs(), seed=recipe.seed)
        self.plain = (glosses(), lemmas())
        self.model = Joint(self.views.features[self.views.train], recipe.text, recipe.looks)
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            self.bank = self.model.words(self.views.names, self.model.teacher).float()
            self.tagged = self.model.words(self.views.descriptions, self.model.teacher).float()

    def draw(self) -> Batch:
        """Groups of views, stand-in photographs, others."""
        views, recipe, dice = self.views, self.recipe, self.dice
        lots = self.photos.dice
        drawn = views.draw(lots, dice, recipe.groups, recipe.siblings, recipe.each)
        rows = np.array(list(itertools.chain.from_iterable(drawn)))
        said = [
            sayings.said(views.rows[i], k, w, dice, views.rows) for i, k, w in (views.about[v] for v in rows)
        ]
        classes = lots.choice(self.photos.classes, recipe.photos, replace=False)
        for c in classes:
            name = with_article(dice.choice(self.photos.names[c][:2]))
            said.append(
                sayings.Said(dice.choice(sayings.PHOTO).format(name), sayings.FAMILIES.index("photo"))
            )
        moves = views.moves(drawn, dice)
        pool = self.others()
        third = recipe.plain // 3
        sentences = dice.sample(self.plain[0], third) + dice.sample(self.plain[1], recipe.plain - third)
        return Batch(rows, said, classes, moves, pool, sentences)

    def others(self) -> Array:
        """Cached views, half of them pictures as they are."""
        views, lots, half = self.views, self.photos.dice, self.recipe.pool // 2
        drawn = lots.choice(views.plain, half, replace=False)
        return np.concatenate([drawn, lots.choice(views.train, self.recipe.pool - half, replace=False)])

    def true(self, said: list[sayings.Said], like: Array, rows: Array) -> Tensor:
        """See `Views.true`."""
        return torch.from_numpy(self.views.true(said, like, rows, families=self.recipe.families))

    def loss(self) -> Tensor:
        """One step's loss."""
        recipe, model, views, batch = self.recipe, self.model, self.views, self.draw()
        seen = np.concatenate(
            [views.features[batch.rows].astype(np.float32), self.photos.draw(batch.classes)]
        )
        others = torch.from_numpy(views.features[batch.pool].astype(np.float32))
        texts = [*(s.text for s in batch.said), *(m[2].text for m in batch.moves), *NEUTRAL]
        with torch.autocast("cpu", torch.bfloat16):
            heard = model.words([*texts, *batch.sentences], model.tower)
            pictures = model.pictures(torch.from_numpy(seen), recipe.noise)
            more = model.pictures(others, recipe.noise)
        heard, pictures, more = heard.float(), pictures.float(), more.float()
        said, moved, neutral, kept = heard.split(
            [len(batch.said), len(batch.moves), len(NEUTRAL), len(batch.sentences)]
        )
        count = len(batch.rows)
        like = np.concatenate([batch.rows, np.full(recipe.photos, -1)])
        within = torch.zeros(len(seen), len(seen), dtype=torch.bool)
        within[:, :count] = self.true(batch.said, like, batch.rows)
        beyond = self.true(batch.said, like, batch.pool)
        scale = model.scale.exp().clamp(max=60)
        total = self.contrast(said, pictures, more, within, beyond, scale)
        if recipe.moves and batch.moves:
            sources, targets = (torch.tensor([m[k] for m in batch.moves]) for k in (0, 1))
            asked = pictures[sources] + LENGTH * (moved - neutral.mean(0))
            changes = [m[2] for m in batch.moves]
            near = self.true(changes, batch.rows[targets.numpy()], batch.rows)
            far = self.true(changes, batch.rows[targets.numpy()], batch.pool)
            near[torch.arange(len(targets)), targets] = False
            scores = torch.cat(
                [
                    (F.normalize(asked, dim=-1) @ pictures[:count].T).masked_fill(near, MASKED),
                    (F.normalize(asked, dim=-1) @ more.T).masked_fill(far, MASKED),
                ], 1,
            )  # fmt: skip
            total = total + recipe.moves * F.cross_entropy(scores * scale, targets)
        if recipe.names:
            total = total + recipe.names * self.name_loss(more, batch.pool)
        if recipe.text != "frozen":
            with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
                taught = model.words(batch.sentences, model.teacher).float()
            total = total + recipe.language * (1 - (kept * taught).sum(1)).mean()
        return total

    def contrast(
        self, said: Tensor, pictures: Tensor, more: Tensor, within: Tensor, beyond: Tensor, scale: Tensor
    ) -> Tensor:
        """Captions against pictures: InfoNCE both ways, or pairwise sigmoid (SigLIP)."""
        own = torch.eye(len(said), dtype=torch.bool)
        ask = torch.cat(
            [
                (said @ pictures.T).masked_fill(within & ~own, MASKED),
                (said @ more.T).masked_fill(beyond, MASKED),
            ],
            1,
        )
        if self.recipe.contrast == "sigmoid":
            wanted = torch.cat([own, torch.zeros_like(beyond)], 1)
            signed = torch.where(wanted, 1.0, -1.0) * (ask * scale - 10.0)
            known = ask > MASKED
            return -(F.logsigmoid(signed) * known).sum() / len(said) * 0.5
        right = torch.arange(len(said))
        back = (pictures @ said.T).masked_fill(within.T & ~own, MASKED)
        return 0.5 * (F.cross_entropy(ask * scale, right) + F.cross_entropy(back * scale, right))

    def named(self) -> Tensor:
        """The loss of a head that learns alone."""
        pool = self.others()
        with torch.autocast("cpu", torch.bfloat16):
            more = self.model.pictures(
                torch.from_numpy(self.views.features[pool].astype(np.float32)), self.recipe.noise
            )
        return self.name_loss(more.float(), pool)

    def name_loss(self, more: Tensor, pool: Array) -> Tensor:
        """Cached views against their names, or their names with their tags, both ways; another name of the same
        concept is left out."""
        tags = self.dice.random() < self.recipe.tags
        number, bank = (self.views.described, self.tagged) if tags else (self.views.name, self.bank)
        names, first, which = np.unique(number[pool], return_index=True, return_inverse=True)
        concept = self.views.concept[pool]
        mine = torch.from_numpy(which[:, None] == np.arange(len(names)))
        out = torch.from_numpy(concept[:, None] == concept[first]) & ~mine
        scores = (more @ bank[torch.from_numpy(names)].T * NAME_SCALE).masked_fill(out, MASKED * NAME_SCALE)
        picture = F.cross_entropy(scores, torch.from_numpy(which))
        share = scores.log_softmax(0).masked_fill(~mine, 0.0).sum(0) / mine.sum(0)
        return 0.5 * (picture - share.mean())


def run(name: str, recipe: Recipe) -> None:
    """Train and write ``runs/NAME.pt``."""
    trainer = Trainer(recipe)
    model = trainer.model
    parts = [
        {"params": list(model.head.values()), "weight_decay": 0.05, "top": RATE_HEAD},
        {"params": list(model.gate.values()), "weight_decay": 0.05, "top": RATE_GATE},
        {"params": [model.scale], "weight_decay": 0.0, "top": 1e-3},
    ]
    if model.trained:
        parts.append({"params": model.trained, "weight_decay": 0.01, "top": recipe.rate})
    start, recent = time.time(), []
    if recipe.warm:
        warm_up(trainer, parts[:2])
        note(f"{name}: the head has learnt alone for {time.time() - start:.0f} s")
    optimiser = torch.optim.AdamW(parts, lr=RATE_HEAD, betas=(0.9, 0.98))
    mean = [value.detach().clone() for value in model.learnt()] if recipe.memory else []
    for step in range(recipe.steps):
        now = min(1.0, (step + 1) / WARMUP) * (0.02 + 0.49 * (1 + math.cos(math.pi * step / recipe.steps)))
        for group in optimiser.param_groups:
            group["lr"] = group["top"] * now
        loss = trainer.loss()
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([p for g in optimiser.param_groups for p in g["params"]], 2.0)
        optimiser.step()
        if mean:
            with torch.no_grad():
                torch._foreach_lerp_(mean, model.learnt(), 1 - min(recipe.memory, (step + 1) / (step + 10)))
        recent.append(loss.item())
        if not math.isfinite(recent[-1]):
            raise SystemExit(f"the loss is {recent[-1]} at step {step + 1}")
        if step % 50 == 49:
            note(f"{name} step {step + 1} loss {np.mean(recent[-50:]):.3f} after {time.time() - start:.0f} s")
        if step % 250 == 249 or step + 1 == recipe.steps:
            minutes = (time.time() - start) / 60
            keep(f"{name}-last" if mean else name, recipe, model, minutes, recent)
            if mean:
                with weighing(model, mean):
                    keep(name, recipe, model, minutes, recent)


def warm_up(trainer: Trainer, parts: list[dict[str, Any]]) -> None:
    """Let head and gate learn the names alone."""
    steps = trainer.recipe.warm
    optimiser = torch.optim.AdamW(parts, lr=RATE_HEAD, betas=(0.9, 0.98))
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = group["top"] * min(1.0, (step + 1) / WARMUP, 2 * (1 - step / steps))
        loss = trainer.named()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


@contextlib.contextmanager
def weighing(model: Joint, weights: list[Tensor]) -> Iterator[None]:
    """The model with other weights for a while."""
    own = [value.detach().clone() for value in model.learnt()]
    with torch.no_grad():
        torch._foreach_copy_(model.learnt(), weights)
        yield
        torch._foreach_copy_(model.learnt(), own)


def keep(name: str, recipe: Recipe, model: Joint, minutes: float, losses: list[float]) -> None:
    """Write the run as it stands."""
    RUNS.mkdir(exist_ok=True)
    about: dict[str, Any] = {
        "recipe": asdict(recipe), "minutes": round(minutes, 1), "steps": len(losses),
        "loss": round(float(np.mean(losses[-50:])), 3), "threads": torch.get_num_threads(),
    }  # fmt: skip
    text = {k: v.detach().clone() for k, v in model.text.items()}
    torch.save({"image": model.shipped(), "text": text, "about": json.dumps(about)}, RUNS / f"{name}.part")
    (RUNS / f"{name}.part").replace(RUNS / f"{name}.pt")


def recipe_of(words: list[str]) -> Recipe:
    """``text=frozen steps=300`` as a recipe."""
    kinds = {k: type(v) for k, v in asdict(Recipe()).items()}
    found = {}
    for word in words:
        key, value = word.split("=", 1)
        found[key] = bool(int(value)) if kinds[key] is bool else kinds[key](value)
    return replace(Recipe(), **found)


if __name__ == "__main__":
    torch.set_num_threads(THREADS)
    run(sys.argv[1], recipe_of(sys.argv[2:]))
