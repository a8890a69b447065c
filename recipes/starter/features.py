"""Step 4: trunk features of every picture, several passes, cached as float16."""

from __future__ import annotations

import json
import multiprocessing
import sys
from typing import Any

import augment
import numpy as np
import openvino
from common import CACHE, PICTURES, THREADS, note, records
from extract import TOWERS
from photos import photographs

FEATURES = CACHE / "features"
BATCH = 16
BLOCK = 512


def encode(tasks: list[tuple[str, str, int]], pool: Any, tower: Any) -> np.ndarray[Any, Any]:
    """float16 [N, 1280]."""
    found = []
    blocks = [tasks[start : start + BLOCK] for start in range(0, len(tasks), BLOCK)]
    # One block is read ahead while another is encoded; an unbounded imap would fill the memory with pixels.
    ahead = pool.map_async(augment.load, blocks[0], chunksize=BATCH)
    for number in range(len(blocks)):
        pixels = ahead.get()
        if number + 1 < len(blocks):
            ahead = pool.map_async(augment.load, blocks[number + 1], chunksize=BATCH)
        for start in range(0, len(pixels), BATCH):
            found.append(tower(np.stack(pixels[start : start + BATCH]))[0].astype(np.float16))
    return np.concatenate(found)


def main() -> None:
    """Pass 0 (plain) of everything, then changed and grey (-1) ones of the training split."""
    passes = [int(word) for word in sys.argv[1:]] or [0, 1, -1, 2]
    FEATURES.mkdir(parents=True, exist_ok=True)
    config = {"INFERENCE_NUM_THREADS": THREADS, "INFERENCE_PRECISION_HINT": "f32"}
    tower = openvino.Core().compile_model(str(TOWERS / "trunk.onnx"), "CPU", config)
    rows = records()
    photos = photographs()
    (FEATURES / "photos.json").write_text(json.dumps(photos))
    train = [r for r in rows if r["split"] == "train"]
    jobs = [(f"pass{p}", rows if p == 0 else train, p) for p in passes]
    jobs.insert(1, ("photos", photos, 0))
    with multiprocessing.Pool(2) as pool:
        for name, wanted, passing in jobs:
            target = FEATURES / f"{name}.npy"
            if target.is_file() and len(np.load(target, mmap_mode="r")) == len(wanted):
                continue
            tasks = [(str(PICTURES / r["file"]), r["name"], passing) for r in wanted]
            np.save(target, encode(tasks, pool, tower))
            note(f"{name}: {len(wanted)} pictures")


if __name__ == "__main__":
    main()
