"""Walk a folder and say which picture files are there.

Not entered: hidden folders (so no `.sightword`, ours or a stranger's), the waste bins and thumbnail stores of
operating systems, and links to folders: what such a link shows lies either inside the folder, where the walk
comes by anyway, or outside, where a folder from a stranger has no business to send us. A link to a file
counts as a file when its target lies inside the folder.
"""

# ruff: noqa: PTH100, PTH118 - pathlib has no paths of bytes.

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import NamedTuple

from sightword.errors import UsageError
from sightword.pictures.formats import has_picture_name
from sightword.pictures.names import display

__all__ = ["FoundFile", "ScanProblem", "scan"]

_NOT_ENTERED = frozenset(
    {b"$RECYCLE.BIN", b"System Volume Information", b"@eaDir", b"__MACOSX", b"lost+found"}
)


class FoundFile(NamedTuple):
    """A file with the name of a picture."""

    path: bytes
    """Relative to the folder, ``/`` between parts."""
    size: int
    mtime_ns: int


class ScanProblem(NamedTuple):
    """Something that the walk could not look at."""

    path: bytes
    reason: str
    hides: bool
    """True when files at or below this path may be there unseen: they must not count as gone."""


def scan(
    folder: str | bytes | os.PathLike[str], problems: list[ScanProblem] | None = None
) -> Iterator[FoundFile]:
    """Yield the picture files of a folder and its subfolders, in the order of their names.

    Parameters
    ----------
    folder : str, bytes or os.PathLike
    problems : list of ScanProblem, optional
        Unreadable folders and skipped links are appended here; they never stop the walk.

    Raises
    ------
    UsageError
        The folder itself is not there or may not be read.
    """
    root = os.path.abspath(os.fsencode(folder))
    problems = [] if problems is None else problems
    real_root = os.path.realpath(root)
    seen: set[tuple[int, int]] = set()  # a folder mounted inside itself has no links and no end
    pending = [b""]
    while pending:
        inside = pending.pop()
        try:
            with os.scandir(os.path.join(root, inside) if inside else root) as listing:
                entries = sorted(listing, key=_name)
        except OSError as error:
            if not inside:
                raise UsageError(f"{display(root)}: {error.strerror or error}.") from None
            if not isinstance(error, FileNotFoundError):  # removed since its parent was listed
                problems.append(ScanProblem(inside, f"The folder cannot be read: {error.strerror}.", True))
            continue
        prefix = inside + b"/" if inside else b""
        folders: list[bytes] = []
        for entry in entries:
            path = prefix + entry.name
            try:
                if entry.name.startswith(b"."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if (
                        entry.name not in _NOT_ENTERED
                        and not _is_junction(entry)
                        and _first_time(entry, seen)
                    ):
                        folders.append(path)
                elif has_picture_name(entry.name):
                    if entry.is_symlink() and not _stays_inside(entry, real_root, path, problems):
                        continue
                    state = entry.stat()
                    if stat.S_ISREG(state.st_mode):
                        yield FoundFile(path, state.st_size, state.st_mtime_ns)
            except FileNotFoundError:
                continue  # gone between listing and looking
            except OSError as error:
                problems.append(ScanProblem(path, f"The file cannot be looked at: {error.strerror}.", True))
        pending.extend(reversed(folders))


def _name(entry: os.DirEntry[bytes]) -> bytes:
    return entry.name


def _is_junction(entry: os.DirEntry[bytes]) -> bool:
    check = getattr(entry, "is_junction", None)  # Windows' other kind of link, from Python 3.12
    return bool(check and check())


def _first_time(entry: os.DirEntry[bytes], seen: set[tuple[int, int]]) -> bool:
    state = entry.stat(follow_symlinks=False)
    identity = (state.st_dev, state.st_ino)
    if state.st_ino and identity in seen:
        return False
    seen.add(identity)
    return True


def _stays_inside(
    entry: os.DirEntry[bytes], real_root: bytes, path: bytes, problems: list[ScanProblem]
) -> bool:
    target = os.path.realpath(entry.path)
    if os.path.commonpath([target, real_root]) == real_root:
        return True
    problems.append(ScanProblem(path, "The link leads out of the folder and was not followed.", False))
    return False
