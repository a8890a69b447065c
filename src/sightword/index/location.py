"""Where the index of a folder lives.

Beside the pictures in ``.sightword/``, so that it moves with them. In the user's cache directory when the
folder cannot be written or lies on a network file system, where SQLite's shared memory and locks cannot be
trusted.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sightword.config import cache_home
from sightword.errors import IndexCorrupt
from sightword.index.connection import BESIDE, DATABASE
from sightword.index.schema import APPLICATION_ID

__all__ = [
    "BESIDE",
    "Location",
    "cache_directory",
    "is_index",
    "is_network",
    "is_writable",
    "locate",
]

_NETWORK = {
    "9p", "afpfs", "afs", "beegfs", "ceph", "cifs", "davfs", "fuse.davfs2", "fuse.glusterfs",
    "fuse.gvfsd-fuse", "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "glusterfs", "lustre", "ncpfs", "nfs",
    "nfs4", "smb3", "smbfs", "vboxsf", "webdav",
}  # fmt: skip


@dataclass(frozen=True)
class Location:
    """A place for an index.

    Attributes
    ----------
    directory : Path
        Holds ``index.db`` and the matrix files; may not exist yet.
    folder : Path
        The pictures.
    kind : {"beside", "chosen", "cache"}
    writable : bool
        Whether files can be made in `directory` (or, while it is missing, where it would be made).
    notice : str or None
        A sentence for the user when the place is not the usual one.
    """

    directory: Path
    folder: Path
    kind: Literal["beside", "chosen", "cache"]
    writable: bool
    notice: str | None = None

    @property
    def exists(self) -> bool:
        """Whether there is a database."""
        return (self.directory / DATABASE).is_file()


def locate(folder: Path | str, *, index: Path | str | None = None) -> Location:
    """Decide where the index of `folder` is, or would be made.

    Parameters
    ----------
    folder : path
        The folder of pictures.
    index : path, optional
        The place that the user chose (``--index``); taken as it is.

    Raises
    ------
    IndexCorrupt
        When ``.sightword`` in the folder is a link or a file: what came with a folder may not lead outside.
    """
    folder = Path(folder)
    if index is not None:
        chosen = Path(index)
        return Location(chosen, folder, "chosen", is_writable(chosen))
    beside = folder / BESIDE
    if beside.is_symlink() or (beside.exists() and not beside.is_dir()):
        raise IndexCorrupt(
            f"{beside} is not a folder of its own.", f"To use an index elsewhere, say --index {beside}."
        )
    if is_network(folder):
        cache = cache_directory(folder)
        notice = f"{folder} is on a network file system, so its index is kept in {cache}."
        return Location(cache, folder, "cache", is_writable(cache), notice)
    if is_writable(beside):
        return Location(beside, folder, "beside", True)
    if (beside / DATABASE).is_file():
        notice = (
            f"{beside} cannot be written, so it is used as it is; choose a place with --index PATH to update."
        )
        return Location(beside, folder, "beside", False, notice)
    cache = cache_directory(folder)
    notice = f"{folder} cannot be written, so its index is kept in {cache}."
    return Location(cache, folder, "cache", is_writable(cache), notice)


def is_index(directory: Path) -> bool:
    """Whether a directory is an index itself, as ``index push FOLDER DIRECTORY`` makes it.

    A folder of pictures is none, even if its index lies among them (``--index FOLDER``).
    """
    path = directory / DATABASE
    try:
        if not path.is_file() or (directory / BESIDE).exists():
            return False
        with path.open("rb") as file:
            head = file.read(72)
        entries = list(os.scandir(directory))
    except OSError:
        return False
    if not head.startswith(b"SQLite format 3\0") or int.from_bytes(head[68:72], "big") != APPLICATION_ID:
        return False
    from sightword.pictures.formats import has_picture_name  # not before it is needed: it brings Pillow

    for entry in entries:
        if entry.is_dir(follow_symlinks=False) and entry.name != "bulk":  # Parquet's work in progress
            return False
        if has_picture_name(os.fsencode(entry.name)):
            return False
    return True


def cache_directory(folder: Path) -> Path:
    """The place in the user's cache for a folder, named by its path (``SIGHTWORD_CACHE`` moves them all)."""
    resolved = folder.resolve()
    digest = hashlib.sha256(os.fsencode(resolved)).hexdigest()[:24]
    return cache_home() / "indexes" / digest


def is_writable(directory: Path) -> bool:
    """Whether files can be made in a directory, or in the nearest parent that exists."""
    while not directory.exists():
        parent = directory.parent
        if parent == directory:
            return False
        directory = parent
    return directory.is_dir() and os.access(directory, os.W_OK | os.X_OK)


def is_network(folder: Path) -> bool:
    """Whether a folder lies on a network file system, as far as the system tells."""
    resolved = folder.resolve()
    if sys.platform == "win32":
        if str(resolved).startswith("\\\\"):
            return True
        remote = 4
        kind: int = ctypes.windll.kernel32.GetDriveTypeW(resolved.anchor)
        return kind == remote
    if sys.platform == "darwin":
        return _file_system(resolved, _mounts_macos()) in _NETWORK
    return _file_system(resolved, _mounts_linux()) in _NETWORK


def _file_system(path: Path, mounts: list[tuple[str, str]]) -> str:
    """Type of the mount that holds a path: the last of the longest that contain it."""
    kind, length = "", -1
    text = str(path)
    for point, name in mounts:
        inside = point == "/" or text == point or text.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= length:
            kind, length = name, len(point)
    return kind


def _mounts_linux() -> list[tuple[str, str]]:
    try:
        text = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return []
    mounts = []
    for line in text.splitlines():
        left, _, right = line.partition(" - ")
        if len(left.split()) > 4 and right:
            point = left.split()[4].replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
            mounts.append((point, right.split()[0]))
    return mounts


def _mounts_macos() -> list[tuple[str, str]]:
    try:
        text = subprocess.run(["/sbin/mount"], capture_output=True, text=True, timeout=5, check=False).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    mounts = []
    for line in text.splitlines():
        point, _, kind = line.partition(" on ")[2].rpartition(" (")
        mounts.append((point, kind.split(",")[0].strip(" )")))
    return mounts
