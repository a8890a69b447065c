"""Both sides of the starter under training: sentence tower, head and gate; trunk and classifier stay frozen."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
import weights
from common import MINILM
from graphs import SEEN
from imagenet import class_names
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional as F

from sightword.backbones.torch_starter import POOLED, TOP_CLASSES, TorchStarter, rooted

HIDDEN, DROPOUT = 976, 0.2
LONGEST, CHUNK = 40, 96
SHUT = 0.3
"""Share of pictures whose class knowledge is withheld in a step: the head has to stand alone."""


class Joint:
    """Parameters, and both sides' answers.

    Parameters
    ----------
    features : float array [N, SEEN]
        Of the training pictures: mean and spread for standardising.
    text : {"whole", "last2", "frozen"}
        How much of the sentence tower learns.
    looks : bool
        Whether the head sees strokes and textures (mean and spread of early maps).
    """

    def __init__(self, features: np.ndarray[Any, Any], text: str = "whole", looks: bool = True) -> None:
        tensors, self.table = weights.text_tensors()
        self.teacher = TorchStarter({}, {k: v.clone() for k, v in tensors.items()}, self.table)
        self.text = tensors
        self.tower = TorchStarter({}, tensors, self.table)
        layers = {"whole": "012345", "last2": "45", "frozen": ""}[text]
        learning = tuple(f"layers.{n}." for n in layers)
        self.trained = [v.requires_grad_() for k, v in tensors.items() if learning and k.startswith(learning)]
        sample = rooted(torch.from_numpy(features[::3].astype(np.float32)))
        self.mean, self.spread = sample.mean(0), sample.std(0).clamp_min(0.02)
        # The pooled layer keeps its own proportions; the looks, of many scales, are brought to one.
        self.spread[:POOLED] = float(sample[:, :POOLED].std())
        self.seen = torch.ones(SEEN)
        if not looks:
            self.seen[POOLED:] = 0.0
        self.head = {
            "hidden.weight": torch.randn(SEEN, HIDDEN) / SEEN**0.5,
            "hidden.bias": torch.zeros(HIDDEN),
            "out.weight": torch.randn(HIDDEN, 384) / HIDDEN**0.5,
            "out.bias": torch.zeros(384),
        }
        self.gate = {
            "direction": torch.zeros(SEEN),
            "by_confidence": torch.tensor(2.0),
            "bias": torch.tensor(-2.0),
        }
        for value in (*self.head.values(), *self.gate.values()):
            value.requires_grad_()
        self.scale = torch.tensor(math.log(25.0), requires_grad=True)
        last = weights.timm_lite0().classifier
        self.classifier, self.class_bias = last.weight.detach().T.contiguous(), last.bias.detach()
        self.tokenizer = Tokenizer.from_file(str(MINILM / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(LONGEST)
        self.classes = self.class_vectors(self.teacher)

    def learnt(self) -> list[Tensor]:
        """Everything that training moves."""
        return [*self.head.values(), *self.gate.values(), self.scale, *self.trained]

    def standard(self, features: Tensor) -> Tensor:
        """Features as the head likes them."""
        return (rooted(features) - self.mean) / self.spread * self.seen

    def pictures(self, features: Tensor, noise: float = 0.0) -> Tensor:
        """Trunk features -> unit vectors, as in training (dropout, class knowledge now and then withheld)."""
        x = self.standard(features)
        if noise:
            x = x + noise * torch.randn_like(x)
        hidden = F.gelu(x @ self.head["hidden.weight"] + self.head["hidden.bias"])
        hidden = F.dropout(hidden, DROPOUT)
        own = F.normalize(hidden @ self.head["out.weight"] + self.head["out.bias"], dim=-1)
        with torch.no_grad():
            logits = features[:, :POOLED] @ self.classifier + self.class_bias
            top, classes = logits.float().topk(TOP_CLASSES, dim=-1)
            shares = top.softmax(dim=-1)
            known = torch.zeros(len(features), len(self.classes)).scatter_(1, classes, shares) @ self.classes
        # Small numbers, learnt slowly, on standardised features: the gate cannot learn single pictures.
        opening = x.detach() @ self.gate["direction"] + self.gate["by_confidence"] * shares[:, 0]
        gate = torch.sigmoid(opening + self.gate["bias"])
        gate = gate * (torch.rand(len(features)) >= SHUT)
        return F.normalize(own.float() + gate.float()[:, None] * F.normalize(known, dim=-1), dim=-1)

    def words(self, texts: list[str], tower: TorchStarter) -> Tensor:
        """Texts -> unit vectors; texts of like length together, so that little is padded."""
        ids = [e.ids for e in self.tokenizer.encode_batch(texts)]
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        parts = []
        for start in range(0, len(order), CHUNK):
            part = order[start : start + CHUNK]
            lengths = torch.tensor([len(ids[i]) for i in part])
            padded = torch.zeros(len(part), int(lengths.max()), dtype=torch.long)
            for row, i in enumerate(part):
                padded[row, : len(ids[i])] = torch.tensor(ids[i])
            parts.append(tower.encode_embeddings(self.table[padded], lengths).float())
        back = torch.empty(len(order), dtype=torch.long)
        back[torch.tensor(order)] = torch.arange(len(order))
        return F.normalize(torch.cat(parts)[back], dim=-1)

    @torch.no_grad()
    def class_vectors(self, tower: TorchStarter) -> Tensor:
        """One unit vector per ImageNet class: the mean over its names, bare and as a photo. [1000, D]."""
        texts, owner = [], []
        for index, names in enumerate(class_names()):
            said = [*names[:3], *(f"a photo of a {name}" for name in names[:2])]
            texts += said
            owner += [index] * len(said)
        vectors = torch.zeros(1000, 384).index_add_(0, torch.tensor(owner), self.words(texts, tower))
        return F.normalize(vectors, dim=-1)

    @torch.no_grad()
    def shipped(self) -> dict[str, Tensor]:
        """Image tensors as they ship: standardising folded into head and gate; class names by the new tower."""
        scale = self.seen / self.spread
        weight = self.head["hidden.weight"] * scale[:, None]
        direction = self.gate["direction"] * scale
        return {
            "head.hidden.weight": weight,
            "head.hidden.bias": self.head["hidden.bias"] - self.mean @ weight,
            "head.out.weight": self.head["out.weight"].clone(),
            "head.out.bias": self.head["out.bias"].clone(),
            "class_names.weight": self.class_vectors(self.tower),
            "gate.direction": direction,
            "gate.offset": -(self.mean @ direction)[None],
            # by photo-likeness, by confidence, bias, weight
            "gate.weight": torch.stack(
                [torch.tensor(1.0), self.gate["by_confidence"], self.gate["bias"], torch.tensor(1.0)]
            ).clone(),
        }
