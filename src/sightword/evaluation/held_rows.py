"""Rows of a benchmark's gallery in an index: what belongs there, what is there, and what is still missing."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from sightword.backbones.base import Array
from sightword.errors import IndexProblem
from sightword.evaluation.benchmark import Loaded
from sightword.evaluation.composed import Picture as Listed
from sightword.evaluation.reading import few
from sightword.index.base import Picture, VectorStore
from sightword.index.origin import origin_of
from sightword.methods.vectors import unit
from sightword.pictures.header import read_header
from sightword.update.progress import Progress

__all__ = ["Rows", "fill", "missing_rows", "path_of", "ranked_numbers", "refuse_strangers"]

Rows = Mapping[bytes, tuple[int, Listed]]
"""By path in the index: the picture, with its hash, and its number among the benchmark's."""

BATCH = 256
"""Pictures that become durable together."""

SAMPLE = 64
ALIKE = 0.9999
"""Cosine of a picture's vector there and its feature here; another precision of the tower has less."""


def ranked_numbers(loaded: Loaded) -> list[int]:
    """Numbers of the pictures that are ranked for any query; some are only asked with."""
    tasks = {query.task for query in loaded.queries}
    if not tasks <= set(loaded.galleries):
        return list(range(len(loaded.pictures)))
    ranked = {name for task in tasks for name in loaded.galleries[task]}
    return [number for number, picture in enumerate(loaded.pictures) if picture.id in ranked]


def path_of(picture: Listed) -> bytes:
    """Its path in an index: relative to the benchmark's folder."""
    return os.fsencode(picture.file.replace(os.sep, "/"))


def refuse_strangers(known: Iterable[bytes], paths: Container[bytes], name: str, hint: str) -> None:
    """Refuse an index with files of anything else, shown or not.

    Parameters
    ----------
    known : iterable of bytes
        Its paths.
    paths : container of bytes
        The gallery's.
    name : str
        Of the index, for sentences.
    hint : str
        What mends it.

    Raises
    ------
    IndexProblem
        It names some of them.
    """
    if strange := [os.fsdecode(path) for path in known if path not in paths]:
        raise IndexProblem(
            f"The index {name} holds files that are not in this gallery: {few(sorted(strange))}.", hint
        )


def missing_rows(
    store: VectorStore, name: str, rows: Rows, features: Array, hint: str
) -> list[tuple[int, Listed]]:
    """What the index lacks of a gallery.

    Parameters
    ----------
    store : VectorStore
    name : str
        Of the index, for sentences.
    rows : Rows
    features : float32 [N, D], raw
        Of all the benchmark's pictures.
    hint : str
        What mends it when the index holds anything else.

    Raises
    ------
    IndexProblem
        It holds other files, other contents, or other vectors of these contents.
    """
    known = store.known()
    refuse_strangers(known, rows, name, hint)
    live = {path: state for path, state in known.items() if state.status == "live"}
    changed = [path for path, state in live.items() if state.content_hash.hex() != rows[path][1].sha256]
    if changed:
        raise IndexProblem(
            f"The index {name} holds other contents than this gallery's files have: "
            f"{few(sorted(map(os.fsdecode, changed)))}.",
            hint,
        )
    if some := sorted(live)[:: max(1, len(live) // SAMPLE)]:
        there = store.vectors([live[path].id or 0 for path in some])
        here = unit(np.stack([np.asarray(features[rows[path][0]]) for path in some]))
        least = float((there * here).sum(axis=1).min())
        if least < ALIKE:
            raise IndexProblem(
                f"The index {name} holds other vectors of these pictures (cosine {least:.4f}): another "
                "runtime or precision made them.",
                hint,
            )
    return [row for path, row in rows.items() if path not in live]


def fill(
    store: VectorStore,
    folder: Path,
    missing: Sequence[tuple[int, Listed]],
    features: Array,
    progress: Progress,
) -> None:
    """Write what is missing; every batch is durable, and the next run goes on behind the last one.

    Raises
    ------
    IndexBusy
        Another process is writing to it.
    PictureError
        A file is not there any more.
    """
    if not missing:
        return
    progress.description("filling the index")
    progress.total(len(missing))
    with store.writer() as writer:
        writer.filled_from(origin_of(folder))
        for start in range(0, len(missing), BATCH):
            some = missing[start : start + BATCH]
            writer.add([_row(folder, picture, np.asarray(features[number])) for number, picture in some])
            progress.advance(len(some))


def _row(folder: Path, picture: Listed, feature: Array) -> Picture:
    header = read_header(folder / picture.file)
    return Picture(
        path=path_of(picture),
        size=header.size,
        mtime_ns=header.mtime_ns,
        content_hash=bytes.fromhex(picture.sha256),
        width=header.width,
        height=header.height,
        format=header.format,
        taken=header.taken,
        feature=feature,
    )
