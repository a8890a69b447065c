"""Open an indexed picture: by its row, inside its folder, through no link that leads out of it."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sightword.pictures.formats import sniff
from sightword.pictures.reading import MAX_BYTES
from sightword.serve.problems import Refused

if TYPE_CHECKING:
    from sightword.index.base import PictureRow

__all__ = ["OpenPicture", "open_picture", "read_picture"]

_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_NO_LINKS = getattr(os, "O_NOFOLLOW", 0)
_HEAD = 512

TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "GIF": "image/gif",
    "BMP": "image/bmp",
    "TIFF": "image/tiff",
    "WEBP": "image/webp",
    "AVIF": "image/avif",
    "HEIF": "image/heic",
}


@dataclass(frozen=True)
class OpenPicture:
    """An open file; whoever has it closes `descriptor`.

    Attributes
    ----------
    descriptor : int
        At the beginning of the file.
    size : int
        Bytes.
    media_type : str
        By the file's signature, whatever its name says.
    """

    descriptor: int
    size: int
    media_type: str


def open_picture(folder: Path, row: PictureRow, kept: str | None = None) -> OpenPicture:
    """Open the file of a row.

    Links are resolved first and the result must lie inside the folder; then every part of the way is opened
    without following links, so that one which is put there meanwhile changes nothing. `kept` is the address
    where the picture can be seen, if that is elsewhere; it is only told.

    Raises
    ------
    Refused
        404: the file is gone, lies elsewhere, or is not a picture any more.
    """
    root = os.path.realpath(folder)
    target = os.path.realpath(Path(root) / os.fsdecode(row.path))
    if os.path.commonpath([root, target]) != root or target == root:
        raise _gone(kept)
    try:
        descriptor = _descend(root, Path(os.path.relpath(target, root)).parts)
    except OSError:
        raise _gone(kept) from None
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode) or state.st_size > MAX_BYTES:
            raise _gone(kept)
        kind = sniff(os.read(descriptor, _HEAD))
        if kind is None:
            raise _gone(kept)
        os.lseek(descriptor, 0, os.SEEK_SET)
    except BaseException:
        os.close(descriptor)
        raise
    return OpenPicture(descriptor, state.st_size, TYPES[kind.name])


def read_picture(folder: Path, row: PictureRow, kept: str | None = None) -> bytes:
    """All bytes of the file of a row; as `open_picture`."""
    opened = open_picture(folder, row, kept)
    with os.fdopen(opened.descriptor, "rb") as file:
        return file.read(opened.size)


def _descend(root: str, parts: tuple[str, ...]) -> int:
    """Open a file below a folder, part by part; named pipes are not waited for."""
    flags = _READ | _NO_LINKS | getattr(os, "O_NONBLOCK", 0)
    if os.open not in os.supports_dir_fd:  # Windows
        return os.open(os.path.join(root, *parts), flags)  # noqa: PTH118
    at = os.open(root, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    try:
        for part in parts[:-1]:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | _NO_LINKS, dir_fd=at)
            os.close(at)
            at = inner
        return os.open(parts[-1], flags, dir_fd=at)
    finally:
        os.close(at)


def _gone(kept: str | None) -> Refused:
    if kept is None:
        return Refused(404, "This picture is not there any more.")
    return Refused(404, "This picture is not on the server.", f"It can be seen at {kept}")
