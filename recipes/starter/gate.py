"""Step 7: the branch of class knowledge, its gate and weight chosen on validation; test is measured here.

The branch must help photographs and may not pull drawings towards ImageNet's 1,000 classes: of all settings
that keep at least 98 % of the head's own validation score on drawings, the best on photographs is taken.
Photographs (Tux Paint stamps of any licence) are only measured with; those of the test concepts are kept
apart.
"""

from __future__ import annotations

import itertools

import measure
import numpy as np
import results
import torch
from common import CACHE, THREADS, note, records
from extract import TOWERS
from features import FEATURES
from photolike import class_names, estimate
from photoset import held_photos, photo_marks
from safetensors.torch import load_file
from textspace import TextSpace
from torch import Tensor
from train import HEAD, score

from sightword.backbones.torch_starter import TorchStarter

KEEP = 0.98
CHOSEN = CACHE / "image_tensors.pt"
MIDDLES, BY_PHOTO, BY_CONFIDENCE, WEIGHTS = (
    (0.2, 0.35, 0.5, 0.65),
    (10.0, 20.0),
    (0.0, 2.0),
    (0.7, 1.0, 1.5, 2.0),
)


def class_vectors(text: TextSpace) -> Tensor:
    """One vector per ImageNet class: the mean over its names, bare and as a photo. float32 [1000, D]."""
    found = []
    for names in class_names():
        captions = [*names[:3], *(f"a photo of a {name}" for name in names[:2])]
        found.append(measure.unit(text.encode(captions).mean(0, keepdims=True))[0])
    return torch.from_numpy(np.stack(found))


class Part:
    """Pictures of one split with their questions; `marks` answers for one tower."""

    def __init__(self, split: str, text: TextSpace) -> None:
        rows = records()
        part = [i for i, r in enumerate(rows) if r["split"] == split]
        self.exam = measure.Exam([rows[i] for i in part], text)
        self.drawings = torch.from_numpy(np.load(FEATURES / "pass0.npy")[part]).float()
        self.photo_rows, self.photos = held_photos(split)
        self.text = text

    def marks(self, tower: TorchStarter) -> dict[str, float]:
        """Figures of drawings and photographs."""
        drawings = (tower.head(self.drawings) + tower.knowledge(self.drawings)).numpy()
        photos = (tower.head(self.photos) + tower.knowledge(self.photos)).numpy()
        return {**self.exam.marks(drawings), **photo_marks(photos, self.photo_rows, self.text)}


@torch.no_grad()
def main() -> None:
    """Choose the gate, keep the image tensors, report."""
    torch.set_num_threads(THREADS)
    text = TextSpace()
    image = {k: v.float() for k, v in load_file(TOWERS / "image.safetensors").items()}
    image.update(torch.load(HEAD, weights_only=True)["head"])
    image["class_names.weight"] = class_vectors(text)
    like = estimate()
    image["gate.direction"], image["gate.offset"] = like.direction, like.offset[None]
    tower = TorchStarter(image, {}, torch.empty(0))
    part = Part("validation", text)

    def judge(middle: float, by_photo: float, by_confidence: float, weight: float) -> dict[str, float]:
        bias = -by_photo * middle - 0.5 * by_confidence
        image["gate.weight"] = torch.tensor([by_photo, by_confidence, bias, weight])
        return part.marks(tower)

    alone = judge(0.0, 0.0, 0.0, 0.0)
    note(measure.table(f"head alone {score(alone):.4f}", alone))
    best, best_key = (0.0, 0.0, 0.0, 0.0), -1.0
    for key in itertools.product(MIDDLES, BY_PHOTO, BY_CONFIDENCE, WEIGHTS):
        marks = judge(*key)
        gain = marks["photo R@1"] + marks["photo R@10"] + score(marks)
        if score(marks) >= KEEP * score(alone) and gain > best_key:
            best, best_key = key, gain
            note(measure.table(f"gate {best} {score(marks):.4f}", marks))
    chosen = judge(*best)
    torch.save(image, CHOSEN)
    results.keep("gate", dict(zip(("middle", "by_photo", "by_confidence", "weight"), best, strict=True)))
    counts = {**part.exam.counts, "photographs": len(part.photo_rows)}
    results.keep("validation, head alone", {**counts, **alone})
    results.keep("validation", {**counts, **chosen})
    part = Part("test", text)
    marks = part.marks(tower)
    counts = {**part.exam.counts, "photographs": len(part.photo_rows)}
    note(measure.table(f"test {counts}", marks))
    results.keep("test", {**counts, **marks})


if __name__ == "__main__":
    main()
