"""Step 9: Pic2Word's phi for the shipped tower, from pictures alone (cached trunk features of the training split).

python phi.py [key=value ...]     # steps, batch, lr, hidden, seed, prompt (may be repeated)
"""

from __future__ import annotations

import json
import sys

import numpy as np
import torch
from common import CACHE, PLAIN, SHIPPED, THREADS, note, records
from views import VIEWS

from sightword.backbones.openvino_runtime import OpenVINOBackbone
from sightword.backbones.torch_starter import TorchStarter, load_torch_starter
from sightword.training.pic2word import PROMPTS, train_pic2word

TARGET = SHIPPED.parent.parent / "methods" / "shipped" / "starter" / "pic2word"
DESCRIPTION = (
    "Emoji in seven styles, public-domain clip art and a few photographic stamps of the training split "
    "(NOTICE names sources and licences), plain and in views of recipes/starter/views.py; no captions."
)


@torch.no_grad()
def features(tower: TorchStarter, trunk: np.ndarray) -> np.ndarray:
    """Trunk features [N, SEEN] -> raw features of the shipped tower [N, D]."""
    parts = [
        torch.from_numpy(part.astype(np.float32))
        for part in np.array_split(trunk, max(1, len(trunk) // 4096))
    ]
    return torch.cat([tower.head(part) + tower.knowledge(part) for part in parts]).numpy()


def pictures(tower: TorchStarter) -> tuple[np.ndarray, np.ndarray]:
    """Features to train on (plain pictures and views) and held-out ones (plain, validation)."""
    rows = records()
    split = np.array([row["split"] for row in rows])
    plain = np.load(PLAIN)
    about = json.loads((VIEWS / "views.json").read_text())
    kept = [
        v for v, (i, kind, _) in enumerate(about) if i < len(rows) and split[i] == "train" and kind != "plain"
    ]
    viewed = np.load(VIEWS / "features.npy")[kept]
    base = np.array([not row.get("tone") for row in rows])
    train = np.concatenate([plain[split == "train"], viewed])
    return features(tower, train), features(tower, plain[(split == "validation") & base])


def main() -> None:
    """Train and write the shipped directory."""
    given = dict(word.split("=", 1) for word in sys.argv[1:] if not word.startswith("prompt="))
    prompts = [word.split("=", 1)[1] for word in sys.argv[1:] if word.startswith("prompt=")]
    torch.set_num_threads(THREADS)
    tower = load_torch_starter(SHIPPED)
    train, held_out = pictures(tower)
    np.save(CACHE / "phi_train.npy", train)
    training = train_pic2word(
        train,
        tower,
        CACHE / given["out"] if "out" in given else TARGET,
        backbone=OpenVINOBackbone(SHIPPED, threads=THREADS),
        steps=int(given.get("steps", 1200)),
        batch=int(given.get("batch", 256)),
        lr=float(given.get("lr", 1e-3)),
        hidden=int(given.get("hidden", 512)),
        seed=int(given.get("seed", 0)),
        prompts=tuple(prompts or PROMPTS),
        held_out=held_out,
        half=False,
        description=DESCRIPTION,
    )
    note(f"loss {training['final_loss']}, held out {training['held_out']}, {training['seconds']} s")


if __name__ == "__main__":
    main()
