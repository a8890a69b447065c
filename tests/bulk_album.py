"""Pictures and helpers for tests of bulk work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from made_pictures import encoded, noise
from sightword.index.store import open_store
from sightword.scale import EngineChoice, bulk_index
from sightword.scale.features import Features

LOCAL = EngineChoice(workers=1)


def fill(folder: Path, count: int, start: int = 0) -> Path:
    """Small pictures in two folders, a broken one and an empty one."""
    for number in range(start, start + count):
        path = folder / ("sub" if number % 3 else ".") / f"{number:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(noise(24 + number % 5, 18, number), "PNG"))
    if not start:
        (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
        (folder / "empty.png").write_bytes(b"")
    return folder


def run(source: Path | str, to: Path | str | None, backbone: Path, **options: Any) -> Any:
    """`bulk_index` in this process, with small shards."""
    options.setdefault("choice", LOCAL)
    options.setdefault("average", 8)
    return bulk_index(str(source), None if to is None else str(to), backbone=str(backbone), **options)


def in_features(directory: Path) -> dict[bytes, tuple[Any, ...]]:
    """Everything that a directory of features says of each picture, the vector as bytes."""
    return {
        item.row.path: (
            item.row.size, item.row.mtime_ns, item.row.content_hash, item.row.width, item.row.height,
            item.row.format, item.row.taken, item.norm, np.asarray(item.unit, "<f4").tobytes(),
        )
        for some in Features.open(directory).stored()
        for item in some
    }  # fmt: skip


def in_index(folder: Path, index: Path | None = None) -> dict[bytes, tuple[Any, ...]]:
    """The same of an index on this disk."""
    with closing(open_store(folder, index=index, readonly=True)) as store:
        ids = [state.id for state in store.known().values() if state.id is not None]
        return {
            item.row.path: (
                item.row.size, item.row.mtime_ns, item.row.content_hash, item.row.width, item.row.height,
                item.row.format, item.row.taken, item.norm, np.asarray(item.unit, "<f4").tobytes(),
            )
            for item in store.stored(ids)
        }  # fmt: skip


def failures(folder: Path) -> dict[bytes, str]:
    """Unreadable files and why, from an index or a directory of features."""
    if Features.is_there(folder):
        found: Iterator[Any] = (item for some in Features.open(folder).failures() for item in some)
        return {item.path: item.reason for item in found}
    with closing(open_store(folder, readonly=True)) as store:
        return {item.path: item.reason for item in store.failures()}
