"""A folder with an index, and a backbone that counts what it is asked."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from made_pictures import encoded, noise
from sightword.backbones.base import Array, PreprocessSpec
from sightword.index.base import Manifest, VectorStore
from sightword.index.store import open_store
from sightword.update import UpdateReport, update

SPEC = PreprocessSpec(size=16)
DIM = 12


class CountingBackbone:
    """The mean colour of each quarter; remembers how many pictures it saw."""

    def __init__(self) -> None:
        self.spec: Any = SimpleNamespace(preprocess=SPEC)
        self.encoded = 0
        self.loads = 0

    def load(self) -> Any:
        self.loads += 1
        return self

    def encode_images(self, pixels: Array) -> Array:
        self.encoded += len(pixels)
        half = pixels.shape[2] // 2
        parts = [
            pixels[:, :, top : top + half, left : left + half].mean((2, 3)) + 2
            for top in (0, half)
            for left in (0, half)
        ]
        return np.concatenate(parts, axis=1).astype(np.float32)


class Album:
    """A folder, its index, and shorthand for what tests do with them."""

    def __init__(self, folder: Path, store: VectorStore) -> None:
        self.folder = folder
        self.store = store
        self.backbone = CountingBackbone()

    def put(self, name: str, seed: int = 0, age: float = 100.0) -> Path:
        """Write a picture; the same seed gives the same bytes. `age` in seconds."""
        return self.write(name, encoded(noise(24, 18, seed), "PNG"), age)

    def write(self, name: str, data: bytes, age: float = 100.0) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        moment = time.time() - age
        os.utime(path, (moment, moment))
        return path

    def update(self, **options: Any) -> UpdateReport:
        options.setdefault("workers", 1)
        return update(self.store, self.folder, self.backbone.load, **options)

    def paths(self, status: str = "live") -> list[bytes]:
        return sorted(path for path, state in self.store.known().items() if state.status == status)

    def feature(self, name: str) -> Array:
        row = self.store.find(os.fsencode(name))
        assert row is not None
        return self.store.get(row.id)


@contextmanager
def album(folder: Path, preset: Any = "product") -> Iterator[Album]:
    """A new, empty one."""
    folder.mkdir(parents=True, exist_ok=True)
    store = open_store(folder, create=Manifest("counting", "0" * 64, preset, DIM))
    try:
        yield Album(folder, store)
    finally:
        store.close()


def counts(report: UpdateReport) -> dict[str, int]:
    """The counts that are not zero."""
    names = ("added", "changed", "moved", "gone", "failed", "revived", "waiting")
    return {name: getattr(report, name) for name in names if getattr(report, name)}
