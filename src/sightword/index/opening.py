"""Open an index wherever it is: on this disk or on a cluster."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from sightword.errors import IndexMissing
from sightword.index.milvus.address import Address, is_address, parse_address, refuse_half

if TYPE_CHECKING:
    from sightword.index.base import Manifest, VectorStore

__all__ = ["Place", "as_place", "most_at_once", "open_index"]

Place = Path | Address
"""Where the person said that an index is."""


def as_place(index: str | os.PathLike[str] | Address) -> Place:
    """A path, or an address where the text is one.

    Raises
    ------
    UsageError
        It begins like an address and is none, or is one that does not begin like it.
    """
    if isinstance(index, Address):
        return index
    if is_address(index):
        return parse_address(str(index))
    if isinstance(index, str):
        refuse_half(index)
    return Path(index)


def most_at_once(place: Place) -> int | None:
    """The most pictures that one question to the vector index there may ask for; None for any number.

    `scan` answers for more, too, by reading every row: right, but slow, and not the index's own answer.
    """
    if not isinstance(place, Address):
        return None
    from sightword.index.milvus.ranking import DEEPEST

    return DEEPEST


def open_index(
    folder: Path | str,
    *,
    index: Path | str | Address | None = None,
    create: Manifest | None = None,
    readonly: bool = False,
    expected: int = 0,
) -> VectorStore:
    """Open the index of a folder of pictures; the parameters are those of `sightword.index.store.open_store`.

    Parameters
    ----------
    folder : path
        The pictures; of no account for an index on a cluster.
    index : path, str or Address, optional
    create : Manifest, optional
        Make an empty index with this manifest when there is none.
    readonly : bool
        Never create.
    expected : int
        About how many pictures will come, for the vector index of one that is made.

    Raises
    ------
    IndexMissing
        When there is none and none may be created.
    IndexProblem
        When what is there cannot be used.
    """
    place = None if index is None else as_place(index)
    if not isinstance(place, Address):
        from sightword.index.store import open_store

        return open_store(folder, index=place, create=create, readonly=readonly)
    from sightword.index.milvus.store import MilvusStore

    if create is not None and not readonly:
        return MilvusStore.create(place, create, expected=expected)
    try:
        return MilvusStore.open(place)
    except IndexMissing as error:
        named = shlex.quote(str(folder)) if str(folder) != "." and Path(folder).is_dir() else "FOLDER"
        hint = f"Make one with `sightword index {named} --index {place}`."
        raise IndexMissing(error.message, hint) from None
