"""Photographs asked for as drawings: real photographs among every emoji, clip art, cartoon, painting and photograph.

    python photographs.py METHOD ...

A photograph whose concept exists as emoji and "as a cartoon", "as a line drawing" ... ask; right are pictures of its
concept in a fitting style. Prints, over all such photographs and over those of the held-out splits: precision at 10 (of
those that can be right), share of the first ten in a fitting style, number of questions.
"""

from __future__ import annotations

import json
import sys

import numpy as np
import torch
from common import SHIPPED, THREADS, note, records
from views import VIEWS, photo_rows

from sightword import ComposeInput, load_backbone, load_method
from sightword.backbones.torch_starter import load_torch_starter

DRAWN = {"noto", "twemoji", "fluent-flat", "openmoji", "cartoon", "clipart"}
LINES = {"openmoji-black", "clipart-black"}
ASKED = {
    "as a cartoon": DRAWN, "as a line drawing": LINES, "as a sketch": LINES, "as a drawing": DRAWN | LINES,
    "in 3D": {"fluent-3d"},
}  # fmt: skip


@torch.no_grad()
def main() -> None:
    """Print one line a method."""
    torch.set_num_threads(THREADS)
    every = [*records(), *photo_rows()]
    about = json.loads((VIEWS / "views.json").read_text())
    kept = [v for v, (i, kind, _) in enumerate(about) if kind == "plain" and not every[i].get("tone")]
    rows = [every[about[v][0]] for v in kept]
    trunk = np.load(VIEWS / "features.npy", mmap_mode="r")[kept]
    tower = load_torch_starter(SHIPPED)
    parts = [torch.from_numpy(part.astype(np.float32)) for part in np.array_split(trunk, 16)]
    raw = torch.cat([tower.head(part) + tower.knowledge(part) for part in parts]).numpy()
    gallery = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    concept, style = np.array([r["concept"] for r in rows]), np.array([r["style"] for r in rows])
    photos = [i for i, r in enumerate(rows) if r["style"] == "photo" and (concept == r["concept"]).sum() > 6]
    held = [i for i in photos if rows[i]["split"] != "train"]
    backbone = load_backbone("starter", threads=THREADS)
    for name in sys.argv[1:]:
        method = load_method(name, backbone=backbone)
        for label, asking in (("all", photos), ("held out", held)):
            found = []
            for text, styles in ASKED.items():
                fits = np.isin(style, sorted(styles))
                asked = [ComposeInput(images=[raw[i]], text=text) for i in asking]
                scores = method.compose(backbone, asked) @ gallery.T
                for i, line in zip(asking, scores, strict=True):
                    right = fits & (concept == rows[i]["concept"])
                    line[i] = -np.inf
                    top = np.argsort(-line)[:10]
                    if right.any():
                        found.append((right[top].sum() / min(10, right.sum()), fits[top].mean()))
            precision, domain = np.mean(found, axis=0)
            note(f"{name}, {label}: {precision:.3f} {domain:.3f} {len(found)}")


if __name__ == "__main__":
    main()
