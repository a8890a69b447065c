"""Questions about photographs that are only measured with (see `photos.py`)."""

from __future__ import annotations

from typing import Any

import measure
import numpy as np
from textspace import TextSpace


def photo_marks(features: Any, rows: list[dict[str, Any]], text: TextSpace) -> dict[str, float]:
    """Name -> photograph within a gallery of photographs."""
    names = sorted({r["name"] for r in rows})
    hits = np.array(names)[:, None] == np.array([r["name"] for r in rows])[None]
    first, ten = measure.recall(text.encode(names), features, hits)
    return {"photo R@1": first, "photo R@10": ten}
