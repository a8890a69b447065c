"""One piece of artwork before it is rendered, and the packages' members it comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sightword.evaluation.concepts import Split

__all__ = ["Art", "Keep", "Packages"]

Packages = Mapping[str, Path]
"""Files by package name."""

Keep = Callable[[Split], bool]
"""Whether a split is being built; the others' artwork is not read."""


@dataclass(frozen=True)
class Art:
    """A drawing or photograph as it was made.

    Attributes
    ----------
    id : str
        Also its file, without folder and ending.
    kind : {"emoji", "clipart", "stamp"}
    style : str
        A name of `STYLES`, or ``clipart`` or ``stamp``, of which nothing is known.
    name : str
        English, in lower case but for proper names.
    tags : tuple of str
    concept : str
        The base concept.
    split : {"test", "validation", "train"}
    group : str
        The emoji's group or the picture's folder.
    code : str
        Code points; equal for the same emoji in all styles. Empty for others.
    data : bytes
        SVG, PNG or WebP.
    licence, author, package : str
    """

    id: str
    kind: str
    style: str
    name: str
    tags: tuple[str, ...]
    concept: str
    split: Split
    group: str
    code: str
    data: bytes
    licence: str
    author: str
    package: str
