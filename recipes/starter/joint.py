"""Step 5b: sentence tower and head trained together, so that words of style, colour and count move the text.

Contrast of captions with pictures: each batch holds several views of each concept (they differ only in what a
few words say), every caption is also asked among thousands of cached views of other concepts, and stand-ins for
photographs of ImageNet's classes carry "a photo of ...". WordNet glosses keep the language: on them the tower
has to agree with the original sentence model (its own teacher). The trunk is frozen, so a picture costs no more
than its cached feature.

    python joint.py [steps]

Writes ``joint.pt``; then text.safetensors and the head in the places where the following steps look.
"""

from __future__ import annotations

import itertools
import json
import math
import random
import sys
import time
from collections import defaultdict
from typing import Any

import numpy as np
import sayings
import torch
import weights
from captions import with_article
from common import CACHE, MINILM, SOURCES, THREADS, note, records
from photolike import class_names
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional as F
from views import VIEWS, photo_rows

from sightword.backbones.torch_starter import TorchStarter
from sightword.evaluation.concepts import base_concept, split_of

JOINT = CACHE / "joint.pt"
STEPS, GROUPS, PER_GROUP, POOL, PHOTOS, GLOSSES = 670, 40, 4, 3072, 24, 24
HIDDEN, DROPOUT, DISTIL = 1536, 0.25, 2.0
RATE_TEXT, RATE_HEAD, WARMUP = 8e-5, 1e-3, 60
LONGEST = 40
MASKED = -10.0
"""A cosine nobody has: takes a pair out of a softmax."""


class StandIns:
    """Stand-in photographs: channel values drawn from real ones, moved along a class's direction until the
    classifier is as sure as it is of photographs."""

    def __init__(self, photographs: np.ndarray[Any, Any], seed: int) -> None:
        last = weights.timm_lite0().classifier
        self.rows, self.bias = last.weight.detach().numpy(), last.bias.detach().numpy()
        centred = self.rows - self.rows.mean(0)
        self.towards = centred / np.linalg.norm(centred, axis=1, keepdims=True)
        self.photographs = photographs.astype(np.float32)
        self.names = [names[0] for names in class_names()]
        self.classes = np.array([i for i, n in enumerate(self.names) if split_of(base_concept(n)) == "train"])
        self.dice = np.random.default_rng(seed)

    def draw(self, classes: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """float32 [n, 1280]."""
        count, width = len(classes), self.photographs.shape[1]
        base = self.photographs[
            self.dice.integers(0, len(self.photographs), (count, width)), np.arange(width)
        ]
        wanted, moved = self.dice.uniform(0.25, 0.97, count), np.zeros((count, 1), np.float32)
        for _ in range(24):
            features = np.clip(base + moved * self.towards[classes], 0, None)
            logits = features @ self.rows.T + self.bias
            shares = np.exp(logits - logits.max(1, keepdims=True))
            low = shares[np.arange(count), classes] / shares.sum(1) < wanted
            if not low.any():
                break
            moved[low] += 1.0
        return np.clip(base + moved * self.towards[classes], 0, None).astype(np.float32)


class Views:
    """Cached features of all views, and what is known of them."""

    def __init__(self) -> None:
        self.rows = [*records(), *photo_rows()]
        self.about = json.loads((VIEWS / "views.json").read_text())
        self.features = np.load(VIEWS / "features.npy")
        number, looks = {}, {}
        self.concept = np.array(
            [number.setdefault(self.rows[i]["concept"], len(number)) for i, _, _ in self.about]
        )
        self.look = np.array(
            [
                looks.setdefault(
                    (self.rows[i]["style"], "" if kind in ("plain", "jitter") else kind), len(looks)
                )
                for i, kind, _ in self.about
            ]
        )
        self.train = np.array(
            [v for v, (i, _, _) in enumerate(self.about) if self.rows[i]["split"] == "train"]
        )
        groups: dict[str, list[int]] = defaultdict(list)
        for view in self.train.tolist():
            row = self.rows[self.about[view][0]]
            groups[row.get("code") or row["file"]].append(view)
        self.groups = list(groups.values())
        share = np.array([self._share(group) for group in self.groups])
        self.share = share / share.sum()

    def _share(self, group: list[int]) -> float:
        row = self.rows[self.about[group[0]][0]]
        return min(len(group), 8) * (0.3 if row.get("tone") else 4.0 if "path" in row else 1.0)

    def photographs(self) -> np.ndarray[Any, Any]:
        """Features of the untouched training photographs."""
        kept = [
            v
            for v in self.train.tolist()
            if "path" in self.rows[self.about[v][0]] and self.about[v][1] in ("plain", "jitter")
        ]
        return np.asarray(self.features[kept])


class Joint:
    """Both sides under training, and the frozen teacher."""

    def __init__(self, features: np.ndarray[Any, Any]) -> None:
        tensors, self.table = weights.text_tensors()
        self.teacher = TorchStarter({}, {k: v.clone() for k, v in tensors.items()}, self.table)
        self.text = tensors
        self.tower = TorchStarter({}, tensors, self.table)
        self.trained = [v.requires_grad_() for k, v in tensors.items() if k.startswith("layers.")]
        wide = features.shape[1]
        self.mean = torch.from_numpy(features.astype(np.float32).mean(0))
        self.spread = float(features.astype(np.float32).std())
        self.head = {
            "hidden.weight": torch.randn(wide, HIDDEN) / wide**0.5,
            "hidden.bias": torch.zeros(HIDDEN),
            "out.weight": torch.randn(HIDDEN, 384) / HIDDEN**0.5,
            "out.bias": torch.zeros(384),
        }
        for value in self.head.values():
            value.requires_grad_()
        self.scale = torch.tensor(math.log(25.0), requires_grad=True)
        self.tokenizer = Tokenizer.from_file(str(MINILM / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(LONGEST)

    def pictures(self, features: Tensor) -> Tensor:
        """Trunk features -> unit vectors, with dropout."""
        x = (features - self.mean) / self.spread
        hidden = F.gelu(x @ self.head["hidden.weight"] + self.head["hidden.bias"])
        hidden = F.dropout(hidden, DROPOUT)
        return F.normalize(hidden @ self.head["out.weight"] + self.head["out.bias"], dim=-1)

    def words(self, texts: list[str], tower: TorchStarter) -> Tensor:
        """Texts -> unit vectors."""
        ids = [e.ids for e in self.tokenizer.encode_batch(texts)]
        lengths = torch.tensor([len(row) for row in ids])
        padded = torch.zeros(len(ids), int(lengths.max()), dtype=torch.long)
        for row, one in enumerate(ids):
            padded[row, : len(one)] = torch.tensor(one)
        return F.normalize(tower.encode_embeddings(self.table[padded], lengths).float(), dim=-1)

    @torch.no_grad()
    def folded(self) -> dict[str, Tensor]:
        """The head as it ships: standardising folded in."""
        weight = self.head["hidden.weight"] / self.spread
        return {
            "head.hidden.weight": weight.clone(),
            "head.hidden.bias": (self.head["hidden.bias"] - self.mean @ weight).clone(),
            "head.out.weight": self.head["out.weight"].detach().clone(),
            "head.out.bias": self.head["out.bias"].detach().clone(),
        }


def glosses() -> list[str]:
    """Definitions from WordNet: plain sentences of every kind."""
    found = []
    for part in ("noun", "verb", "adj"):
        path = next((SOURCES / "wordnet-base").rglob(f"data.{part}"))
        with path.open(errors="replace") as lines:
            found += [
                li.split("|", 1)[1].split(";")[0].strip()[:120] for li in lines if li[0] != " " and "|" in li
            ]
    return found


def batch_loss(model: Joint, views: Views, photos: StandIns, plain: list[str], dice: random.Random) -> Tensor:
    """One step's loss: caption -> picture among batch and pool, picture -> caption, and the teacher's part."""
    groups = photos.dice.choice(len(views.groups), GROUPS, p=views.share, replace=False)
    drawn = [dice.sample(views.groups[g], min(PER_GROUP, len(views.groups[g]))) for g in groups]
    rows = np.array(list(itertools.chain.from_iterable(drawn)))
    texts = [
        sayings.said(views.rows[i], kind, word, dice, views.rows)
        for i, kind, word in (views.about[v] for v in rows)
    ]
    classes = photos.dice.choice(photos.classes, PHOTOS, replace=False)
    texts += [dice.choice(sayings.PHOTO).format(with_article(photos.names[c])) for c in classes]
    sentences = dice.sample(plain, GLOSSES)
    pool = photos.dice.choice(views.train, POOL, replace=False)
    seen = torch.from_numpy(np.concatenate([views.features[rows].astype(np.float32), photos.draw(classes)]))
    others = torch.from_numpy(views.features[pool].astype(np.float32))
    with torch.autocast("cpu", torch.bfloat16):
        said, pictures, more = (
            model.words(texts + sentences, model.tower), model.pictures(seen), model.pictures(others),
        )  # fmt: skip
    said, pictures, more = said.float(), pictures.float(), more.float()
    said, kept = said[: len(seen)], said[len(seen) :]

    concept = torch.from_numpy(np.concatenate([views.concept[rows], -1 - classes]))
    look = torch.from_numpy(np.concatenate([views.look[rows], np.full(PHOTOS, -1)]))
    # The same concept with the same look is no negative.
    within = (concept[:, None] == concept) & (look[:, None] == look) & ~torch.eye(len(seen), dtype=torch.bool)
    beyond = (concept[:, None] == torch.from_numpy(views.concept[pool])) & (
        look[:, None] == torch.from_numpy(views.look[pool])
    )
    scale = model.scale.exp().clamp(max=60)
    ask = torch.cat(
        [(said @ pictures.T).masked_fill(within, MASKED), (said @ more.T).masked_fill(beyond, MASKED)], 1
    )
    right = torch.arange(len(seen))
    forward = F.cross_entropy(ask * scale, right)
    backward = F.cross_entropy((pictures @ said.T).masked_fill(within, MASKED) * scale, right)
    with torch.no_grad():
        taught = model.words(sentences, model.teacher)
    return 0.5 * (forward + backward) + DISTIL * (1 - (kept * taught).sum(1)).mean()


def main() -> None:
    """Train; the number of steps may be given."""
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else STEPS
    torch.set_num_threads(THREADS)
    torch.manual_seed(0)
    dice = random.Random(5)
    views = Views()
    photos, plain = StandIns(views.photographs(), seed=0), glosses()
    model = Joint(views.features[views.train])
    rates = (RATE_HEAD, RATE_TEXT, 1e-3)
    optimiser = torch.optim.AdamW(
        [
            {"params": list(model.head.values()), "weight_decay": 0.05},
            {"params": model.trained, "weight_decay": 0.01},
            {"params": [model.scale], "weight_decay": 0.0},
        ],
        betas=(0.9, 0.98),
    )
    start, recent = time.time(), []
    for step in range(steps):
        now = min(1.0, (step + 1) / WARMUP) * (0.02 + 0.49 * (1 + math.cos(math.pi * step / steps)))
        for group, rate in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = rate * now
        loss = batch_loss(model, views, photos, plain, dice)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.trained, 1.0)
        optimiser.step()
        recent.append(loss.item())
        if not math.isfinite(recent[-1]):
            raise SystemExit(f"the loss is {recent[-1]} at step {step + 1}")
        if step % 100 == 99:
            note(f"step {step + 1} loss {np.mean(recent[-100:]):.3f} after {time.time() - start:.0f} s")
    text = {k: v.detach().clone() for k, v in model.text.items()}
    torch.save({"head": model.folded(), "text": text}, JOINT)


if __name__ == "__main__":
    main()
