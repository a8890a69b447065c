"""Contact sheets: the query on top, what was found below; as a PNG or as one self-contained HTML page."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sightword.errors import SightwordError, UsageError

__all__ = ["THUMBNAIL", "Card", "Sheet", "check_target", "write_sheet"]

THUMBNAIL = 208
"""Pixels: thumbnails are at most this wide and high."""


@dataclass(frozen=True)
class Card:
    """One picture on a sheet.

    Attributes
    ----------
    picture : uint8 [H, W, 3] or None
        A thumbnail; None when the picture could not be shown.
    name : str
        Display text of the path.
    rank, score, z
        None for a reference.
    url : str or None
        Where the picture can be seen; the sheet may refer to it, nothing here opens it.
    """

    picture: NDArray[np.uint8] | None
    name: str
    rank: int | None = None
    score: float | None = None
    z: float | None = None
    url: str | None = None


@dataclass(frozen=True)
class Sheet:
    """What is on a sheet: ``notes`` are short lines under the words."""

    words: str
    references: Sequence[Card]
    hits: Sequence[Card]
    notes: Sequence[str] = ()


def check_target(path: Path) -> Path:
    """Refuse a sheet that could not be written, before any work is done.

    Raises
    ------
    UsageError
        The ending is neither .png nor .html, or the directory does not exist.
    """
    if path.suffix.lower() not in (".png", ".html", ".htm"):
        raise UsageError(f"The sheet {str(path)!r} ends neither in .png nor in .html.")
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise UsageError(f"The sheet cannot be written to {str(path)!r}: there is no such directory.")
    return path


def write_sheet(path: Path, sheet: Sheet) -> None:
    """Write a sheet; equal sheets give equal bytes, and a reader never sees half of one."""
    if path.suffix.lower() == ".png":
        from sightword.cli.sheet_png import render_png as render
    else:
        from sightword.cli.sheet_html import render_html as render
    data = render(sheet)
    try:
        _replace(path, data)
    except OSError as error:
        raise SightwordError(f"The sheet cannot be written to {str(path)!r} ({error.strerror}).") from None


def _replace(path: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.absolute().parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes private files; a sheet has the rights of any new file.
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
