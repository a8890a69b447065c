"""Texts are UTF-8, with or without a byte order mark; what is not is told with the place, never guessed.

Letters that were replaced without a word would be learnt as if they had been written.
"""

from __future__ import annotations

import codecs
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from sightword.errors import UsageError

__all__ = ["decoded_text", "utf8"]

_MARKS = {codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}


@contextmanager
def utf8(path: Path, *, newline: str | None = None) -> Iterator[TextIO]:
    """Open a file of text for reading.

    Parameters
    ----------
    path : Path
    newline : str, optional
        As for `open`; the empty string for `csv`.

    Raises
    ------
    UsageError
        When what is read turns out not to be UTF-8: names the line and the byte, and how to convert.
    """
    try:
        with path.open(encoding="utf-8-sig", newline=newline) as stream:
            yield stream
    except UnicodeDecodeError:
        raise _not_utf8(path) from None


def decoded_text(data: bytes, where: str) -> str:
    """The text of some bytes that are no file of their own; `where` names them.

    Raises
    ------
    UsageError
        They are not UTF-8.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = f"byte {error.start + 1} is 0x{data[error.start]:02X}"
        raise UsageError(f"{where} is not UTF-8: {place}.", "Write it again as UTF-8.") from None


def _not_utf8(path: Path) -> UsageError:
    """Where the first byte stands that cannot be; the file is read again for it."""
    with path.open("rb") as stream:
        kind = _MARKS.get(stream.read(2), "WINDOWS-1252")
        stream.seek(0)
        for number, line in enumerate(stream, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                place = f"byte {error.start + 1} of the line is 0x{line[error.start]:02X}"
                told = f"{path}:{number} is not UTF-8: {place}."
                break
        else:  # it was mended meanwhile
            told = f"{path} was not UTF-8 when it was read."
    copy = path.with_name(f"{path.stem}-utf8{path.suffix}")
    likely = "" if kind == "UTF-16" else ", or whatever it was written in"
    command = f"iconv -f {kind} -t UTF-8 {shlex.quote(str(path))} > {shlex.quote(str(copy))}"
    return UsageError(told, f"Convert it ({kind}{likely}): {command}")
