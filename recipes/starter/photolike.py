"""What photographs look like to the trunk, read off its own weights: no photograph is needed.

The last batch norm remembers mean and spread of every channel over the photographs it was trained on, so the
average pooled feature of a photograph is the mean of a clamped normal. The classifier's rows say in which
direction each class lies from there: for classes of one spread S, ``row = S^-1 (mean of class - mean)``.
From this come

* a direction that tells photographs from drawings (0 for the average drawing, 1 for the average photograph),
* stand-in features of photographs of each class, with which the head learns what it never saw drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import weights
from common import records
from features import FEATURES
from textspace import TextSpace
from timm.data import ImageNetInfo
from torch import Tensor

from sightword.evaluation.concepts import base_concept, split_of

SHRINK_GATE, SHRINK_CLASS = 10.0, 1.0


@dataclass
class PhotoLike:
    """mean [1280]; pull [1000, 1280]; direction [1280] and offset: ``x @ direction + offset``."""

    mean: Tensor
    pull: Tensor
    direction: Tensor
    offset: Tensor


def class_names() -> list[list[str]]:
    """The names of each ImageNet class."""
    info = ImageNetInfo()
    return [[n.strip() for n in info.index_to_description(i).split(",")] for i in range(info.num_classes())]


@torch.no_grad()
def estimate() -> PhotoLike:
    """From the trunk's weights and the training drawings (for the spread)."""
    model = weights.timm_lite0()
    norm, last = model.bn2, model.classifier
    dice = torch.Generator().manual_seed(0)
    z = torch.randn(4000, 1, generator=dice, dtype=torch.float64)
    mean = (norm.bias.double() + z * norm.weight.double().abs()).clamp(0.0, 6.0).mean(0)
    rows = records()
    train = [i for i, r in enumerate(rows) if r["split"] == "train"]
    drawings = torch.from_numpy(np.load(FEATURES / "pass0.npy")[train]).double()
    spread = torch.cov(drawings.T)
    ridge = spread.diag().mean() * torch.eye(len(spread), dtype=torch.float64)
    gap = mean - drawings.mean(0)
    direction = torch.linalg.solve(spread + SHRINK_GATE * ridge, gap)
    direction = direction / (gap @ direction)
    pull = last.weight.double() @ (spread + SHRINK_CLASS * ridge)
    parts = (mean, pull, direction, -(drawings.mean(0) @ direction))
    return PhotoLike(*(part.float() for part in parts))


@dataclass
class StandIns:
    """Stand-in photographs of the classes whose names all belong to the training split."""

    like: PhotoLike
    classes: Tensor
    captions: Tensor
    residuals: Tensor

    def draw(self, count: int) -> tuple[Tensor, Tensor, Tensor]:
        """Features [count, 1280], caption vectors [count, D] and class numbers [count]."""
        place = torch.randint(len(self.classes), (count,))
        strength = torch.empty(count, 1).uniform_(3.0, 10.0)
        noise = self.residuals[torch.randint(len(self.residuals), (count,))].float()
        x = self.like.mean + strength * self.like.pull[self.classes[place]] + noise
        caption = self.captions[place, torch.randint(self.captions.shape[1], (count,))]
        return x.clamp_min(0.0), caption, place


def stand_ins(text: TextSpace, features: Tensor, name: Tensor) -> StandIns:
    """Classes with no name in a held-out concept; noise is how drawings of one name differ."""
    kept, captions = [], []
    for index, names in enumerate(class_names()):
        if any(split_of(base_concept(n)) != "train" for n in names):
            continue
        kept.append(index)
        first, other = names[0], names[min(1, len(names) - 1)]
        captions += [first, other, f"a photo of a {first}", f"a photograph of a {other}"]
    vectors = torch.from_numpy(text.encode(captions)).view(len(kept), 4, -1)
    means = torch.zeros(int(name.max()) + 1, features.shape[1])
    means.index_add_(0, name, features.float())
    means /= name.bincount(minlength=len(means)).clamp_min(1)[:, None]
    return StandIns(estimate(), torch.tensor(kept), vectors, (features.float() - means[name]).half())
