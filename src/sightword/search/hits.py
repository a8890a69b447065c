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
    groups: list[list[T]] = []
    leaders: list[int] = []
    for i, item in enumerate(items):
        close = vectors[leaders] @ vectors[i] >= SAME_PICTURE if leaders else np.zeros(0, bool)
        for g, leader in enumerate(leaders):
            if close[g] or hashes[leader] == hashes[i]:
                groups[g].append(item)
                break
        else:
            groups.append([item])
            leaders.append(i)
    return groups
