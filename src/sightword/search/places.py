"""Where an engine's pictures and its index are."""

from __future__ import annotations

import os
from pathlib import Path

from sightword.errors import UsageError
from sightword.index.location import is_index
from sightword.index.milvus.address import Address
from sightword.index.opening import Place, as_place

__all__ = ["NOWHERE", "places"]

NOWHERE = Path(os.devnull)
"""Nothing can lie below a file: pictures of an index without a folder are looked for here, in vain."""


def places(
    folder: str | os.PathLike[str] | Address, index: str | os.PathLike[str] | Address | None
) -> tuple[Path, Place | None]:
    """The folder of the pictures, and the place of the index when that is not its usual one.

    An index may be named instead of a folder, on a cluster or the directory of one; its pictures are then
    nowhere on this machine, and above all not in the current folder.

    Raises
    ------
    UsageError
        There is no such folder; or two indexes are named.
    """
    named = as_place(folder)
    place = None if index is None else as_place(index)
    if isinstance(named, Address):
        if place is not None and place != named:
            raise UsageError(f"Two indexes are named: {named} and {place}.", "Name a folder, or one index.")
        return NOWHERE / named.collection, named
    if not named.is_dir():
        raise UsageError(f"There is no folder {os.fspath(named)!r}.")
    if place in (None, named) and is_index(named):
        return NOWHERE / (named.resolve().name or "index"), named
    return named, place
