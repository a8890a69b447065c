"""phi learnt from changes: "this, but ..." between views of one thing must find the changed view. **Ours.**

Pic2Word asks of a pseudo-word only that "a photo of s" means its picture. Here it must also carry a change:
views of one drawing that differ in what a few words say (other styles, colours, numbers, filters: the same
pairs the starter was trained with, training split, open phrasings) give (picture, words, changed picture),
without labels made by people. With T0 = T("a photo of s") and T1 = T(prompt of the words with s):

    q = PDV(v, T0, T1), as +pdv asks               L_q = CE(scale q C^T) over changed views C, plus others
    L = L_q + word CE(scale T1 C^T) + pic2word(v, T0)

Negatives are the other things of the batch and other views of the same thing of which the words are not true,
the reference itself among them. It starts at the shipped Pic2Word.

    STARTER_CACHE=... python recipes/phi/composed.py --out DIR [--steps 600]
"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from make import ALIGN, TARGET, Recipe
from torch.nn import functional as F

from data import SHIPPED, STARTER, VIEWS, raw_features
from sightword.methods.pdv import PDV
from sightword.methods.phi import Phi
from sightword.methods.token_rows import prompt_ids
from sightword.prompts import build_prompt
from sightword.training.job import Learning
from sightword.training.objectives import apart, info_nce

sys.path.insert(0, str(STARTER))

from joint import MASKED
from joint_data import Views

GROUPS, MORE = 96, 3
TRIES = 8


class Changes:
    """Draws (reference, words, changed view) and what else is looked at."""

    def __init__(self, seed: int) -> None:
        self.views = Views()
        self.dice = random.Random(seed)
        self.lots = np.random.default_rng(seed)

    def draw(
        self,
    ) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], list[Any], np.ndarray[Any, Any], torch.Tensor]:
        """References [B], changed views [B], what is said, candidates [C] (changed views first), true [B, C]."""
        views, references, targets, said, others = self.views, [], [], [], []
        drawn = self.lots.choice(len(views.groups), GROUPS, p=views.share, replace=False)
        pools = (
            [views.groups[g] for g in drawn]
            + self.dice.sample(views.siblings, 12)
            + self.dice.sample(views.roles, 6)
        )
        for group in pools:
            for _ in range(TRIES):
                if len(group) < 2:
                    break
                a, b, *more = self.dice.sample(group, min(2 + MORE, len(group)))
                words = views.words_between(a, b, self.dice)
                if words is not None:
                    references.append(a)
                    targets.append(b)
                    said.append(words)
                    others += [a, *more]
                    break
        candidates = np.array(targets + others)
        like = np.array(targets)
        true = torch.from_numpy(views.true(said, like, candidates))
        true[torch.arange(len(like)), torch.arange(len(like))] = False
        return np.array(references), like, said, candidates, true


def learn(args: argparse.Namespace) -> dict[str, Any]:
    """Train and write the directory."""
    recipe = Recipe(args.out.parent, 1.0, args.threads, "bf16", args.steps)
    changes = Changes(args.seed)
    job = recipe.job(args.out.name, args.steps, lr=args.lr, weight_decay=0.1)
    learning = Learning(job, "pic2word", activation="relu", hidden=512, dropout=0.1)
    start = Phi.load(TARGET / "pic2word")
    linear = [layer for layer in learning.network if isinstance(layer, torch.nn.Linear)]
    with torch.no_grad():
        for layer, (weight, bias) in zip(linear, start.layers, strict=True):
            layer.weight.copy_(torch.from_numpy(weight))
            layer.bias.copy_(torch.from_numpy(bias))
    raw = torch.from_numpy(raw_features(recipe.exact, np.load(VIEWS / "features.npy", mmap_mode="r")))
    photo, spec, scale = (
        learning.prompt("a photo of {*}"),
        recipe.backbone.spec,
        recipe.backbone.spec.logit_scale,
    )
    pdv = PDV(SimpleNamespace(name="", needs=frozenset()))  # its defaults alone
    told: list[float] = []

    def loss_of(_: torch.Tensor, step: int) -> torch.Tensor:
        references, _, said, candidates, true = changes.draw()
        v, seen = raw[references], F.normalize(raw[candidates], dim=-1)
        s = learning.words(v)
        rows = [prompt_ids(build_prompt(words.text), recipe.backbone.tokenizer, spec)[0] for words in said]
        t0 = F.normalize(photo(s), dim=-1)
        t1 = F.normalize(learning.rows([np.array(row, np.int64) for row in rows], s), dim=-1)
        d = t1 - t0
        picture = F.normalize(v, dim=-1) + pdv.alpha_image * d
        q = F.normalize((1 - pdv.beta) * picture + pdv.beta * (t0 + pdv.alpha_text * d), dim=-1)
        right = torch.arange(len(said))
        mixed = F.cross_entropy(scale * (q @ seen.T).masked_fill(true, MASKED), right)
        alone = F.cross_entropy(scale * (t1 @ seen.T).masked_fill(true, MASKED), right)
        itself = info_nce(v, t0, scale) + ALIGN * apart(v, t0)
        told.append(float(mixed.detach()))
        if step % 50 == 49:
            print(f"step {step + 1}: changed {np.mean(told[-50:]):.3f}", flush=True)
        return mixed + args.word * alone + args.itself * itself

    facts = {
        "objective": "composed", "started_at": "pic2word", "word": args.word, "itself": args.itself, "align": ALIGN,
        "groups": GROUPS, "views": len(raw),
    }  # fmt: skip
    return learning.finish(loss_of, GROUPS * 100, facts)


def main() -> None:
    """Train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--lr", type=float, default=5e-4)
    parser.add_argument("--word", type=float, default=0.5)
    parser.add_argument("--itself", type=float, default=0.5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    report = learn(parser.parse_args())
    print(report["held_out"], report["seconds"])


if __name__ == "__main__":
    assert SHIPPED
    main()
