"""Step 6: what a run is worth, on the validation split (`python judge.py NAME ...`), kept in results.json.

Names and styled captions (`measure.py`), composed queries of emoji (`compose.py`), photographs asked for as
paintings, cartoons and sketches (`domains.py`), names of photographs. `score` is what recipes are compared by.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import compose
import domains
import measure
import numpy as np
import results
import torch
import weights
from common import PLAIN, RECORDS, THREADS, note
from extract import TOWERS
from joint import RUNS
from joint_model import Joint
from photoset import photo_marks
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch.nn import functional as F

from sightword.backbones.torch_starter import TorchStarter
from sightword.evaluation.metrics import average_precision_at_k
from sightword.methods.direction import LENGTH, NEUTRAL
from sightword.phrasing import read_phrase

Array = np.ndarray[Any, Any]


class RunText:
    """Texts -> unit vectors by a run's sentence tower (the interface of `textspace.TextSpace`)."""

    def __init__(self, text: dict[str, torch.Tensor]) -> None:
        _, self.table = weights.text_tensors()
        self.tower = TorchStarter({}, text, self.table)
        self.tokenizer = Tokenizer.from_file(str(weights.common.MINILM / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(60)

    words = Joint.words

    @torch.no_grad()
    def encode(self, texts: list[str]) -> Array:
        """float32 [N, D]."""
        unique = sorted(set(texts))
        where = {text: i for i, text in enumerate(unique)}
        with torch.autocast("cpu", torch.bfloat16):
            vectors = self.words(unique, self.tower).float()
        vectors = F.normalize(vectors, dim=-1).numpy()
        return vectors[[where[text] for text in texts]]


class Part:
    """Questions of one split; features come from the views' cache, so that a run costs seconds."""

    def __init__(self, split: str) -> None:
        self.split = split
        with RECORDS.open() as lines:
            every = [json.loads(line) for line in lines]
        plain = np.load(PLAIN, mmap_mode="r")
        own = [i for i, r in enumerate(every) if r["split"] == split]
        self.rows, self.plain = [every[i] for i in own], np.asarray(plain[own], np.float32)
        base = [i for i in own if not every[i].get("tone")]
        self.gallery, self.gallery_features = [every[i] for i in base], np.asarray(plain[base], np.float32)
        self.queries = compose.make_queries(self.gallery)
        photos = domains.rows()
        drawn = np.load(domains.FEATURES_OF).astype(np.float32).reshape(len(photos), len(domains.KINDS), -1)
        keep = [i for i, r in enumerate(photos) if (r["split"] == "test") == (split == "test")]
        self.photos, self.drawn = [photos[i] for i in keep], drawn[keep]

    def counts(self) -> dict[str, int]:
        """How many questions and pictures."""
        return {
            "pictures": len(self.rows), "names": len({r["name"] for r in self.rows}),
            "concepts": len({r["concept"] for r in self.rows}), "photographs": len(self.photos),
            "composed queries": len(self.queries),
        }  # fmt: skip

    def marks(self, image: dict[str, torch.Tensor], text: RunText) -> dict[str, float]:
        """All figures."""
        tower = TorchStarter(image, {}, torch.empty(0))

        @torch.no_grad()
        def see(features: Array) -> Array:
            x = torch.from_numpy(features)
            return F.normalize(tower.head(x) + tower.knowledge(x), dim=-1).numpy()

        found = measure.Exam(self.rows, text).marks(see(self.plain))
        found.update(self.composed(see(self.gallery_features), text))
        found.update(photo_marks(see(self.drawn[:, 0]), self.photos, text))
        found.update(self.domains(see(self.drawn.reshape(-1, self.drawn.shape[2])), text))
        return found

    def composed(self, pictures: Array, text: RunText) -> dict[str, float]:
        """mAP@10 of emoji queries: average, direction, perfect caption (and its R@1)."""
        words = text.encode([read_phrase(q.text).plain or q.text for q in self.queries])
        neutral = text.encode(list(NEUTRAL)).mean(0)
        mine = pictures[[q.reference for q in self.queries]]
        runs = {
            "average": measure.unit(mine + words),
            "direction": measure.unit(mine + LENGTH * (words - neutral)),
            "caption": text.encode([q.caption for q in self.queries]),
        }
        found = {}
        for name, vectors in runs.items():
            score = compose.score(self.queries, vectors, pictures)["all"]
            found[f"composed {name} mAP@10"] = score["mAP@10"]["mean"]
            found[f"composed {name} R@1"] = score["R@1"]["mean"]
        return found

    def domains(self, pictures: Array, text: RunText) -> dict[str, float]:
        """Photographs as something else: mAP@10 of direction and average."""
        kinds = len(domains.KINDS)
        concept = np.repeat([r["concept"] for r in self.photos], kinds)
        kind = np.tile(domains.KINDS, len(self.photos))
        neutral = text.encode(list(NEUTRAL)).mean(0)
        found: dict[str, list[float]] = {"average": [], "direction": []}
        right_domain = []
        for task, (wanted, phrases) in domains.TASKS.items():
            words = text.encode([read_phrase(p).plain or p for p in phrases])
            for i in range(len(self.photos)):
                mine, asked = pictures[i * kinds], words[i % len(phrases)]
                truths = frozenset(
                    np.flatnonzero((concept == self.photos[i]["concept"]) & np.isin(kind, wanted))
                )
                for name, vector in (
                    ("average", mine + asked),
                    ("direction", mine + LENGTH * (asked - neutral)),
                ):
                    scores = pictures @ vector
                    scores[i * kinds] = -np.inf
                    ranked = np.argsort(-scores, kind="stable")[:10].tolist()
                    found[name].append(average_precision_at_k(ranked, truths, 10))
                    if name == "direction":
                        right_domain.append(float(np.isin(kind[ranked], wanted).mean()))
            found.setdefault(f"direction, {task}", []).extend(found["direction"][-len(self.photos) :])
        marks = {f"photo as {k} mAP@10": float(np.mean(v)) for k, v in found.items()}
        return {**marks, "photo as direction, right domain in 10": float(np.mean(right_domain))}


def score(marks: dict[str, float]) -> float:
    """One number to compare recipes by: names, styles and composed queries count alike."""
    keys = (
        "name R@1", "name R@10", "caption R@10", "line R@1", "3d R@1", "flat R@1", "colour R@1", "photo R@1",
        "composed direction mAP@10", "composed caption mAP@10", "photo as direction mAP@10",
    )  # fmt: skip
    return float(np.mean([marks[k] for k in keys]))


def load(name: str) -> tuple[dict[str, torch.Tensor], RunText, dict[str, Any]]:
    """Image tensors (trunk's included), text tower and account of a run."""
    kept = torch.load(RUNS / f"{name}.pt", weights_only=True)
    image = {k: v.float() for k, v in load_file(TOWERS / "image.safetensors").items()}
    image.update({k: v.float() for k, v in kept["image"].items()})
    return image, RunText(kept["text"]), json.loads(kept["about"])


def main() -> None:
    """Judge the runs named; with ``--test`` the one that ships, on both splits."""
    torch.set_num_threads(THREADS)
    names = [word for word in sys.argv[1:] if word != "--test"]
    part = Part("validation")
    for name in names:
        image, text, about = load(name)
        marks = part.marks(image, text)
        marks["score"] = score(marks)
        note(name + " " + "  ".join(f"{k} {v:.3f}" for k, v in marks.items()))
        results.keep(f"run {name}", {**about, "marks": marks})
        if "--test" in sys.argv:
            results.keep("validation", {**part.counts(), **marks})
            other = Part("test")
            results.keep("test", {**other.counts(), **other.marks(image, text)})


if __name__ == "__main__":
    main()
