"""Photographs asked for as paintings, cartoons and sketches: stand-ins made with filters, only measured with.

The photographs are the stamps of `photos.py` (never learnt from); `watercolour` is a filter that training never
saw. A query is a photograph and "as a sketch"; right are the drawn copies of every photograph of its concept.

    python domains.py        # writes features/domains.npy [P * kinds, SEEN]
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import openvino
from common import FEATURES, PICTURES, THREADS, note
from extract import TOWERS
from photos import photographs
from PIL import Image
from views import SIZE, view

KINDS = ("plain", "oil", "watercolour", "cartooned", "ink", "edges", "sketch")
TASKS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "painting": (("oil", "watercolour"), ("a painting", "as a painting", "painted with a brush")),
    "cartoon": (("cartooned",), ("a cartoon", "as a cartoon", "as a comic")),
    "sketch": (("ink", "edges", "sketch"), ("a sketch", "as a sketch", "as a line drawing")),
}
FEATURES_OF = FEATURES / "domains.npy"


def rows() -> list[dict[str, Any]]:
    """The photographs."""
    return photographs()


def main() -> None:
    """Draw every photograph in every way and keep the trunk's features."""
    settings = {"INFERENCE_NUM_THREADS": THREADS, "INFERENCE_PRECISION_HINT": "f32"}
    tower = openvino.Core().compile_model(str(TOWERS / "trunk.onnx"), "CPU", settings)
    found = []
    for number, row in enumerate(rows()):
        with Image.open(PICTURES / row["file"]) as file:
            image = file.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BICUBIC)
        drawn = [np.asarray(view(kind, image, random.Random(number))[2]) for kind in KINDS]
        pixels = np.stack(drawn).transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1.0
        found.append(tower(pixels)[0].astype(np.float16))
    np.save(FEATURES_OF, np.concatenate(found))
    note(f"{len(found)} photographs in {len(KINDS)} ways")


if __name__ == "__main__":
    main()
