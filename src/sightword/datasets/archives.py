"""Read members of packages without unpacking them to disk: npm's .tgz, and Debian's .deb without dpkg."""

from __future__ import annotations

import gzip
import io
import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from sightword.errors import SightwordError

__all__ = ["members"]

LARGEST = 64 << 20
"""Bytes; no single picture or list is larger."""


def members(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the wanted regular files of a package, in the archive's order.

    Parameters
    ----------
    path : Path
        A ``.tgz``, or a ``.deb`` whose data are packed with gzip or xz.
    wanted : callable
        Told a name without leading ``./``.

    Raises
    ------
    SightwordError
        The file is damaged, or packed in a way that Python does not read (zstd).
    """
    try:
        with path.open("rb") as file:
            # gzip notices a file that ends too soon; tarfile's own decompression does not.
            data = _data_of_deb(path, file) if path.suffix == ".deb" else gzip.GzipFile(fileobj=file)
            # A stream: the large archives are read once, from front to back, and never held whole.
            with tarfile.open(fileobj=data, mode="r|") as tar:
                for member in tar:
                    name = member.name.removeprefix("./")
                    if member.isreg() and member.size <= LARGEST and wanted(name):
                        content = tar.extractfile(member)
                        assert content is not None
                        yield name, content.read()
    except (tarfile.TarError, EOFError, lzma.LZMAError, zlib.error, OSError) as error:
        raise SightwordError(
            f"{path} cannot be unpacked ({error}).", "Delete it and fetch it again."
        ) from None


def _data_of_deb(path: Path, file: IO[bytes]) -> IO[bytes]:
    """The packed files of a Debian package: member ``data.tar.*`` of an ``ar`` archive."""
    if file.read(8) != b"!<arch>\n":
        raise SightwordError(f"{path} is not a Debian package.", "Delete it and fetch it again.")
    while len(header := file.read(60)) == 60:
        name, size = header[:16].decode("ascii", "replace").strip().rstrip("/"), int(header[48:58])
        if name == "data.tar.xz":
            return lzma.LZMAFile(_window(file, size))
        if name == "data.tar.gz":
            return gzip.open(_window(file, size))  # type: ignore[return-value]
        if name.startswith("data.tar"):
            raise SightwordError(
                f"{path} is packed as {name}, which is not read here.", "Only gzip and xz are."
            )
        file.seek(size + size % 2, io.SEEK_CUR)
    raise SightwordError(f"{path} has no data in it.", "Delete it and fetch it again.")


def _window(file: IO[bytes], size: int) -> IO[bytes]:
    return io.BufferedReader(_Window(file, size), 1 << 18)


class _Window(io.RawIOBase):
    """The next `size` bytes of a file, as a file."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file, self._left = file, size

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """As `io.RawIOBase.readinto`."""
        piece = self._file.read(min(len(buffer), self._left))
        self._left -= len(piece)
        buffer[: len(piece)] = piece
        return len(piece)
