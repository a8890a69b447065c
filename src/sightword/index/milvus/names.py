"""Paths as text that a server can keep, and back.

A path is any bytes, a server's text is Unicode. A byte that is no UTF-8 becomes a mark and two hexadecimal
digits, and the mark itself (a code point that Unicode keeps free) is doubled: so every path has one text,
every text one path, and a text begins with another exactly when the paths do.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

from sightword.errors import IndexCorrupt

__all__ = ["MARK", "composed_text", "key_of", "path_of", "text_of"]

MARK = "\ufdd0"
_ESCAPED = re.compile(f"{MARK}(?:{MARK}|[0-9a-f]{{2}})?")
_SPECIAL = re.compile(f"[{MARK}\udc80-\udcff]")


def text_of(path: bytes) -> str:
    """The path as text, without lone surrogates."""
    return _escaped(path.decode("utf-8", "surrogateescape"))


def path_of(text: str) -> bytes:
    """The path that `text_of` made this of; IndexCorrupt for a text of another kind."""

    def back(match: re.Match[str]) -> str:
        inner = match[0][1:]
        if not inner:
            raise IndexCorrupt("The index holds a path that cannot be read.", "Run `sightword check`.")
        return MARK if inner == MARK else chr(0xDC00 + int(inner, 16))

    try:
        return _ESCAPED.sub(back, text).encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise IndexCorrupt("The index holds a path that cannot be read.", "Run `sightword check`.") from None


def composed_text(path: bytes) -> str:
    """The path with composed letters where that is another text than `text_of`'s, else nothing."""
    raw = path.decode("utf-8", "surrogateescape")
    composed = unicodedata.normalize("NFC", raw)
    return "" if composed == raw else _escaped(composed)


def key_of(path: bytes) -> str:
    """What names a path in a collection: 32 hexadecimal digits, spread evenly."""
    return hashlib.sha256(path).hexdigest()[:32]


def _escaped(text: str) -> str:
    def escape(match: re.Match[str]) -> str:
        sign = match[0]
        return MARK + (MARK if sign == MARK else f"{ord(sign) - 0xDC00:02x}")

    return _SPECIAL.sub(escape, text)
