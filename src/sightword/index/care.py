"""Describing and compacting an index."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sightword.index.base import Manifest
from sightword.index.connection import DATABASE, told
from sightword.index.location import Location
from sightword.index.session import Moment

if TYPE_CHECKING:
    from sightword.index.store import LocalStore

__all__ = ["compact", "describe", "size_on_disk"]


def size_on_disk(directory: Path) -> int:
    """Bytes of all files of an index."""
    total = 0
    for path in directory.iterdir():
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:  # a writer tidied up
            continue
    return total


def describe(moment: Moment, location: Location, manifest: Manifest) -> dict[str, Any]:
    """What ``sightword info`` shows; every value fits into JSON."""

    def count(table: str) -> int:
        return int(moment.connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])

    gone = count("pictures WHERE gone <> 0")
    return {
        "pictures": count("pictures") - gone,
        "failed": count("failures"),
        "gone": gone,
        "bytes": size_on_disk(location.directory),
        "backbone": manifest.backbone,
        "weights_hash": manifest.weights_hash,
        "preprocess": manifest.preprocess,
        "dim": manifest.dim,
        "dtype": manifest.dtype,
        "schema": manifest.schema,
        "location": str(location.directory),
        "place": location.kind,
        "writable": location.writable,
        "notice": location.notice,
        "matrix": "none" if moment.view.matrix is None else f"generation {moment.view.generation}",
        "tail": moment.view.tail,
    }


def compact(store: LocalStore) -> int:
    """Drop gone pictures, rewrite the database without holes and the matrix without hidden rows."""
    directory = store.location.directory
    before = size_on_disk(directory)
    with store.writer() as writer, told(directory / DATABASE):
        writer.forget_gone()
    return max(0, before - size_on_disk(directory))
