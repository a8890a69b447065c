"""What the field's benchmarks share: queries with more to say, and the checks that every one of them gets.

A reader says what its files list (`FieldBenchmark.read`); this file finds out whether that holds together and
whether the pictures are there. Nothing is ever left out silently: see `complete`.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sightword.backbones.base import Array
from sightword.errors import SightwordError, UsageError
from sightword.evaluation.asking import Asked, by_preset
from sightword.evaluation.benchmark import Loaded, Size
from sightword.evaluation.composed import ComposedQuery, Picture
from sightword.evaluation.ranking import Ranked
from sightword.evaluation.reading import few

__all__ = ["FieldBenchmark", "FieldQuery", "Shot", "View", "complete", "readable", "shot"]

_CHUNK = 4096

View = tuple[str, tuple[float, ...]]
"""What is cut out of a picture before it is resized: a name of `views.py` and its box."""


@dataclass(frozen=True)
class Shot(Picture):
    """A picture of a gallery, or a part of one.

    Attributes
    ----------
    view : View, optional
        None is the whole picture.
    """

    view: View | None = None


def shot(name: str, file: str, split: str, view: View | None = None) -> Shot:
    """A picture of which nothing is known but its file; `file` is relative to the benchmark's folder."""
    return Shot(name, file, "", split, "picture", "", "", (), view=view)


@dataclass(frozen=True)
class FieldQuery(ComposedQuery):
    """A query of the field's benchmarks.

    Attributes
    ----------
    candidates : tuple of str
        What is ranked for this query alone, in the published order; empty: the gallery of its task.
    subset : tuple of str
        CIRR's group without the reference.
    aspects : tuple of str
        For tables by aspect; a query may have several.
    """

    candidates: tuple[str, ...] = ()
    subset: tuple[str, ...] = ()
    aspects: tuple[str, ...] = ()


class FieldBenchmark(ABC):
    """A published benchmark, read from the files that its authors give out.

    Parameters
    ----------
    allow_missing : bool
        Leave out what is missing, with the counts in every output, instead of stopping.
    """

    name: str
    splits: tuple[str, ...]
    main: str
    shown: tuple[str, ...]
    prompts: tuple[str, ...] = ("searle", "pic2word", "clip4cir", "rules")
    prompt: str = "searle"
    preprocess: str = "clip"
    reference_stays: bool = False
    prunes_targets: bool = False
    """Whether a query outlives the loss of some of its right answers."""
    deepest: int | None = 50
    """The last place that a metric tells from those behind it; None where the whole ranking counts."""

    def __init__(self, allow_missing: bool = False) -> None:
        self.allow_missing = allow_missing

    @abstractmethod
    def read(self, folder: Path, split: str) -> Loaded:
        """What the annotation files list; no picture is touched."""

    @abstractmethod
    def score(self, query: ComposedQuery, ranking: Ranked) -> dict[str, float]:
        """Metrics of one query."""

    @abstractmethod
    def chance(self, query: ComposedQuery, size: int) -> dict[str, float]:
        """What a random ranking scores."""

    @abstractmethod
    def protocol(self) -> dict[str, str]:
        """How it is measured, in sentences."""

    def load(self, folder: Path, split: str) -> Loaded:
        """Read, check and count.

        Raises
        ------
        UsageError
            There is no such split.
        SightwordError
            Files or pictures are missing, ids are unknown or listed twice, or counts differ from the
            published ones. What is merely missing is a warning with `allow_missing`.
        """
        if split not in self.splits:
            raise UsageError(
                f"{self.name} has no split {split!r}.", f"Choose among {', '.join(self.splits)}."
            )
        loaded = self.read(folder, split)
        consistent(self.name, loaded)
        return complete(self.name, loaded, allow=self.allow_missing, prune=self.prunes_targets)

    def asks(self, query: ComposedQuery, prompt: str) -> list[Asked]:
        """How a query is put to the methods; several are averaged. See `asking.py`."""
        return [by_preset(prompt, query.text)]


def consistent(name: str, loaded: Loaded) -> None:
    """Ids are unique, and queries name only what the galleries have.

    Raises
    ------
    SightwordError
    """
    for what, ids in (
        ("picture", [p.id for p in loaded.pictures]),
        ("query", [q.id for q in loaded.queries]),
    ):
        if twice := [item for item, count in Counter(ids).items() if count > 1]:
            raise SightwordError(f"{name} lists the {what} {few(twice)} more than once.")
    known = {picture.id for picture in loaded.pictures}
    for gallery, listed in loaded.galleries.items():
        if twice := [item for item, count in Counter(listed).items() if count > 1]:
            raise SightwordError(f"The gallery {gallery} of {name} lists {few(twice)} more than once.")
        if foreign := [item for item in listed if item not in known]:
            raise SightwordError(f"The gallery {gallery} of {name} lists unknown pictures: {few(foreign)}.")
    inside = {gallery: set(ids) for gallery, ids in loaded.galleries.items()}
    unknown: list[str] = []
    outside: list[str] = []
    for query in loaded.queries:
        unknown += [item for item in _named(query) if item not in known]
        ranked: set[str] = set(getattr(query, "candidates", ())) or inside.get(query.task, known)
        judged = (*query.targets, *getattr(query, "subset", ()))
        outside += [item for item in judged if item in known and item not in ranked]
    if unknown:
        raise SightwordError(f"Queries of {name} name pictures that are listed nowhere: {few(unknown)}.")
    if outside:
        raise SightwordError(f"Right answers of {name} are not in their gallery: {few(outside)}.")


def complete(name: str, loaded: Loaded, *, allow: bool, prune: bool = False) -> Loaded:
    """Look for every picture, and compare the sizes with the published ones.

    Parameters
    ----------
    name : str
    loaded : Loaded
    allow : bool
        Leave missing pictures out, and the queries that name one; else that is an error.
    prune : bool
        Queries lose missing right answers instead of being left out.

    Returns
    -------
    Loaded
        With ``lost`` saying what was left out.
    """
    folder = loaded.folder
    exists = {file: (folder / file).is_file() for file in {picture.file for picture in loaded.pictures}}
    gone = {picture.id for picture in loaded.pictures if not exists[picture.file]}
    if gone and not allow:
        files = sorted(file for file, found in exists.items() if not found)
        raise SightwordError(
            f"{len(files):,} of {len(exists):,} pictures of {name} are not in {folder}: {few(files)}.",
            "Complete the folder, or leave them out with --allow-missing.",
        )
    return _without(name, loaded, gone, "missing", allow=allow, prune=prune)


def readable(
    name: str, loaded: Loaded, features: Array, reasons: Mapping[int, str], *, prune: bool = False
) -> tuple[Loaded, Array]:
    """Leave out pictures that are there but cannot be read, as `complete` does missing ones.

    Parameters
    ----------
    name : str
    loaded : Loaded
    features : float32 [N, D]
        Of its pictures; compacted in place, as it may be a mapped file.
    reasons : mapping of int to str
        Numbers of the pictures, and why.
    prune : bool
        As for `complete`.

    Returns
    -------
    Loaded, float32 [M, D]
    """
    if not reasons:
        return loaded, features
    gone = {loaded.pictures[number].id for number in reasons}
    named = few(f"{loaded.pictures[number].file} ({why.rstrip('.')})" for number, why in reasons.items())
    shrunk = _without(name, loaded, gone, f"unreadable: {named}", allow=True, prune=prune)
    kept = np.array([number for number in range(len(loaded.pictures)) if number not in reasons])
    for first in range(0, len(kept), _CHUNK):
        part = kept[first : first + _CHUNK]
        features[first : first + len(part)] = features[part]
    return shrunk, features[: len(kept)]


def _without(
    name: str, loaded: Loaded, gone: Collection[str], what: str, *, allow: bool, prune: bool
) -> Loaded:
    """A benchmark without some of its pictures and the queries that name them; `lost` says so."""
    gone = set(gone)
    kept = [query for query in loaded.queries if not gone.intersection(_named(query, targets=not prune))]
    if prune and gone:
        kept = [replace(q, targets=tuple(item for item in q.targets if item not in gone)) for q in kept]
    told = {str(size) for size in loaded.sizes}  # counted again below
    lost = [item for item in loaded.lost if item not in told]
    if gone:
        lost.append(f"{len(gone):,} of {len(loaded.pictures):,} pictures are {what}")
    if len(kept) < len(loaded.queries):
        lost.append(
            f"{len(loaded.queries) - len(kept):,} of {len(loaded.queries):,} queries name one of them"
        )
    shrunk = replace(
        loaded,
        pictures=[picture for picture in loaded.pictures if picture.id not in gone],
        queries=kept,
        galleries={key: [i for i in ids if i not in gone] for key, ids in loaded.galleries.items()},
    )
    shrunk = replace(shrunk, sizes=[_again(size, shrunk) for size in loaded.sizes])
    if wrong := [str(size) for size in shrunk.sizes if size.published not in (None, size.found)]:
        if not allow:
            raise SightwordError(
                f"{name} is not the published one: {'; '.join(wrong)}.",
                "Get the published files, or go on with --allow-missing.",
            )
        lost += wrong
    if not kept:
        raise SightwordError(
            f"No query of {name} is left in {loaded.folder}.", "See that the pictures are there."
        )
    return replace(shrunk, lost=lost)


def _again(size: Size, loaded: Loaded) -> Size:
    return replace(size, found=size.count(loaded)) if size.count is not None else size


def _named(query: ComposedQuery, targets: bool = True) -> Sequence[str]:
    right = query.targets if targets else ()
    more = (*query.candidates, *query.subset) if isinstance(query, FieldQuery) else ()
    return (*query.references, *right, *more)


def size_of(what: str, published: int | None, *, task: str = "", gallery: str | None = None) -> Size:
    """A count to be compared: of the queries of a task, or of a gallery (``gallery=""`` is all pictures)."""
    if gallery is None:
        return Size(what, 0, published, lambda it: sum(not task or q.task == task for q in it.queries))
    return Size(what, 0, published, lambda it: len(it.galleries[gallery]) if gallery else len(it.pictures))


def relative(path: Path, folder: Path) -> str:
    """A path for `Picture.file`."""
    return os.path.relpath(path, folder)
