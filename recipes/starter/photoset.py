"""Questions about photographs that are only measured with (see `photos.py`)."""

from __future__ import annotations

import json
from typing import Any

import measure
import numpy as np
import torch
from features import FEATURES
from textspace import TextSpace
from torch import Tensor


def held_photos(split: str) -> tuple[list[dict[str, Any]], Tensor]:
    """Rows and trunk features; the test concepts for ``test``, all others for ``validation``."""
    photos = json.loads((FEATURES / "photos.json").read_text())
    own = [i for i, r in enumerate(photos) if (r["split"] == "test") == (split == "test")]
    return [photos[i] for i in own], torch.from_numpy(np.load(FEATURES / "photos.npy")[own]).float()


def photo_marks(features: Any, rows: list[dict[str, Any]], text: TextSpace) -> dict[str, float]:
    """Name -> photograph within a gallery of photographs."""
    names = sorted({r["name"] for r in rows})
    hits = np.array(names)[:, None] == np.array([r["name"] for r in rows])[None]
    first, ten = measure.recall(text.encode(names), features, hits)
    return {"photo R@1": first, "photo R@10": ten}
