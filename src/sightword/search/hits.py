"""What is found, and how near-duplicates fold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import numpy as np

from sightword.backbones.base import Array

__all__ = ["SAME_PICTURE", "Hit", "fold"]

SAME_PICTURE = 0.985
"""Cosine of two image features from which they count as the same picture."""

_BLOCK = 256
_FEW = 512


@dataclass(frozen=True)
class Hit:
    """One picture that was found.

    Attributes
    ----------
    path : Path
        The folder as it was given, and the picture's path inside it.
    score : float
        Cosine between the query and the picture, rounded to 1e-6.
    z : float
        Standard deviations above the mean cosine of the folder's pictures for this query; 0 when all equal.
    rank : int
        From 1.
    width, height : int
        Pixels, after EXIF orientation.
    taken : datetime or None
        Local time of the camera, without a zone.
    id : int
        Of the picture in the index; may be a reference of the next query.
    relative : Path
        The path inside the folder.
    size : int
        Bytes.
    modified : float
        Seconds since 1970.
    format : str
        Such as ``jpeg``.
    duplicates : tuple of Path
        Worse-ranked near-duplicates that were folded into this one.
    url : str or None
        Where the picture can be seen, when that is known (``pictures`` of :func:`sightword.open`).
    """

    path: Path
    score: float
    z: float
    rank: int
    width: int
    height: int
    taken: datetime | None
    id: int
    relative: Path
    size: int
    modified: float
    format: str
    duplicates: tuple[Path, ...] = field(default=())
    url: str | None = None


T = TypeVar("T")


def fold(items: Sequence[T], hashes: Sequence[bytes], vectors: Array) -> list[list[T]]:
    """Group near-duplicates, best first.

    Going down the ranking, a picture joins the first group whose *leading* picture has the same content, or
    an image feature with a cosine of at least ``SAME_PICTURE``; otherwise it opens a group. Comparing with
    leaders only keeps a chain of small changes from swallowing a whole series.

    Parameters
    ----------
    items : sequence, best first
    hashes : sequence of bytes
        Content hashes.
    vectors : float32 [n, D], unit length

    Returns
    -------
    list of lists
        Each with its leader first.
    """
    groups: dict[int, list[T]] = {}  # by the position of the leader
    by_hash: dict[bytes, int] = {}
    leads = np.zeros(len(items), bool)
    for start in range(0, len(items), _BLOCK):
        block = vectors[start : start + _BLOCK]
        close = _cosines(block, vectors[: start + len(block)]) >= SAME_PICTURE
        for i, near in enumerate(close, start):
            alike = np.flatnonzero(near[:i] & leads[:i])
            found = [int(alike[0])] if len(alike) else []
            if hashes[i] in by_hash:
                found.append(by_hash[hashes[i]])
            if found:
                groups[min(found)].append(items[i])
            else:
                groups[i] = [items[i]]
                by_hash[hashes[i]] = i
                leads[i] = True
    return list(groups.values())


def _cosines(some: Array, others: Array) -> Array:
    # BLAS threads that wait for each other cost a hundred times the product of the usual few hits.
    few = len(others) <= _FEW
    product: Array = np.einsum("id,jd->ij", some, others) if few else some @ others.T
    return product
