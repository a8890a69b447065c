"""Where pictures and tables are: paths, and addresses that Arrow reads (s3, gs, hdfs, file, fsspec+...)."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path
from typing import Any

from sightword.errors import UsageError
from sightword.pictures.names import display
from sightword.pictures.reading import MAX_BYTES
from sightword.scale.need import need_arrow

__all__ = ["Unreachable", "fetch", "is_address", "listed", "opened"]


class Unreachable(Exception):
    """Why something at an address cannot be read, in one sentence."""


def is_address(place: bytes | str) -> bool:
    """Whether this is an address and not a path."""
    return (b"://" if isinstance(place, bytes) else "://") in place  # type: ignore[operator]


def fetch(place: bytes) -> bytes:
    """The content at an address.

    Raises
    ------
    Unreachable
    """
    arrow = need_arrow("pyarrow.fs")
    try:
        system, path = arrow.FileSystem.from_uri(place.decode("utf-8"))
        with system.open_input_file(path) as file:
            if file.size() > MAX_BYTES:
                raise Unreachable(f"The file has {file.size():,} bytes; the limit is {MAX_BYTES:,}.")
            return bytes(file.read())
    except Unreachable:
        raise
    except Exception as error:  # fsspec's file systems raise what they like, and this picture alone fails
        raise Unreachable(f"{display(place)} cannot be read ({_first_line(error)}).") from None


def opened(place: str) -> tuple[Any, str]:
    """Arrow's file system for a path or an address, and the path in it."""
    arrow = need_arrow("pyarrow.fs")
    if not is_address(place):
        return arrow.LocalFileSystem(), str(Path(place).absolute())
    try:
        system, path = arrow.FileSystem.from_uri(place)
    except (OSError, ValueError, NotImplementedError, ImportError) as error:
        raise UsageError(f"{display(place)} cannot be reached ({_first_line(error)}).") from None
    return system, str(path)


def listed(place: str, suffix: str) -> list[tuple[str, str, str]]:
    """Files with this suffix: the one at a place, or those in the folder there.

    Returns
    -------
    list of (place, name, state)
        Sorted by name, which is relative to the place; the state changes when the file does.

    Raises
    ------
    UsageError
        There is nothing at the place.
    """
    arrow = need_arrow("pyarrow.fs")
    system, path = opened(place)
    try:
        info = system.get_file_info(path)
        if info.type == arrow.FileType.File:
            return [(place, info.base_name, _state(info))]
        if info.type != arrow.FileType.Directory:
            raise UsageError(f"There is no {display(place)}.")
        inside = system.get_file_info(arrow.FileSelector(path, recursive=True))
    except OSError as error:
        raise UsageError(f"{display(place)} cannot be read ({_first_line(error)}).") from None
    files = []
    for entry in inside:
        name = entry.path[len(path.rstrip("/")) + 1 :]
        hidden = any(part.startswith((".", "_")) for part in name.split("/"))
        if entry.type == arrow.FileType.File and name.endswith(suffix) and not hidden:
            files.append((f"{place.rstrip('/')}/{name}", name, _state(entry)))
    return sorted(files, key=lambda file: os.fsencode(file[1]))


def _state(info: Any) -> str:
    return hashlib.sha256(f"{info.size}|{info.mtime_ns}".encode()).hexdigest()[:16]


def _first_line(error: BaseException) -> str:
    if isinstance(error, FileNotFoundError):  # some say no more than the name
        return os.strerror(errno.ENOENT)
    lines = str(error).strip().splitlines()
    return display(lines[0]).rstrip(".") if lines else type(error).__name__
