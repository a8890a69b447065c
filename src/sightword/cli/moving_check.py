"""What ``index push`` and ``pull`` refuse: the wrong folder, or the wrong collection."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from sightword.errors import IndexOfAnotherFolder
from sightword.index.origin import origin_of, same_origin, shown_origin
from sightword.index.rows import is_inside
from sightword.pictures.changes import MOST_VANISHED

if TYPE_CHECKING:
    from sightword.index.base import VectorStore
    from sightword.index.transfer_plan import Plan

__all__ = ["check_pull", "check_push", "command", "folder_of"]

_LOOKED_AT = 1000
"""Files looked for, evenly spread: more would tell no more."""


def command(direction: str, source: str, target: str) -> str:
    """A command to type; ``{}`` stands for an address that is filled in."""
    return shlex.join(["sightword", "index", direction, source, target]).replace("'{}'", "{}")


def folder_of(name: str) -> Path | None:
    """The folder of pictures that a source or a target stands for; None for an index alone."""
    from sightword.index.connection import DATABASE
    from sightword.index.milvus.address import is_address

    path = Path(name)
    return path if not is_address(name) and path.is_dir() and not (path / DATABASE).is_file() else None


def check_push(plan: Plan, source: str, target: str, store: VectorStore | None) -> None:
    """Refuse what looks like the wrong folder or the wrong collection.

    Pictures that would be replaced by others of the same name count unless both are known to be of one
    folder, where they were edited.

    Parameters
    ----------
    plan : Plan
    source, target : str
        As they were typed.
    store : VectorStore or None
        The target.

    Raises
    ------
    IndexOfAnotherFolder
    """
    origin, filled = _origin(source, None), _origin(target, store)
    lost = plan.unknown + (0 if same_origin(filled, origin) else plan.replaced)
    if lost > MOST_VANISHED * plan.live:
        whose = _whose(store).rstrip(",") if not same_origin(filled, origin) else ""
        what = "they would be hidden or replaced" if lost > plan.unknown else "they would be hidden"
        raise IndexOfAnotherFolder(
            f"{source} lacks {lost:,} of the {plan.live:,} pictures of {target}{whose}; {what}.",
            f"If that is meant: {command('push', source, target)} --prune",
        )


def check_pull(plan: Plan, source: str, target: str, store: VectorStore) -> None:
    """Refuse to mix an index with one of other pictures, which would be found where they are not.

    An index that has mostly other pictures takes what was filled from its own folder, or lies in it as files.

    Parameters
    ----------
    plan : Plan
        One that keeps what only the target has.
    source, target : str
        As they were typed.
    store : VectorStore
        The source.

    Raises
    ------
    IndexOfAnotherFolder
    """
    lost = plan.unknown + plan.replaced
    if lost <= MOST_VANISHED * plan.live:
        return
    folder = folder_of(target)
    if folder is not None and (
        same_origin(_origin(source, store), origin_of(folder)) or _here(store, folder)
    ):
        return
    absent = f", and its pictures are not in {target}" if folder is not None else ""
    copied = f"If they belong there, bring them to {target} first. " if folder is not None else ""
    raise IndexOfAnotherFolder(
        f"{source}{_whose(store)} lacks {lost:,} of the {plan.live:,} pictures of {target}{absent}; nothing "
        "was changed.",
        f"{copied}To make {target} equal to it, hiding those: {command('pull', source, target)} --prune",
    )


def _origin(name: str, store: VectorStore | None) -> str:
    """The folder whose pictures these are; empty where nobody knows."""
    folder = folder_of(name)
    if folder is not None:
        return origin_of(folder)
    return (store.origin if store is not None else None) or ""


def _whose(store: VectorStore | None) -> str:
    filled = store.origin if store is not None else None
    return f", which was filled from {shown_origin(filled)}," if filled else ""


def _here(store: VectorStore, folder: Path) -> bool:
    """Whether most of an index's pictures lie in a folder, by names and sizes."""
    live = sorted((path, state.size) for path, state in store.known().items() if state.status == "live")
    some = live[:: max(1, len(live) // _LOOKED_AT)]
    root = os.fsencode(folder)
    found = sum(is_inside(path) and _size(os.path.join(root, path)) == size for path, size in some)  # noqa: PTH118
    return found >= (1 - MOST_VANISHED) * len(some)


def _size(path: bytes) -> int | None:
    try:
        return os.stat(path).st_size  # noqa: PTH116 - bytes
    except (OSError, ValueError):
        return None
