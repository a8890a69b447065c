"""File names as text that is safe to show: names are bytes, and a stranger chose them."""

from __future__ import annotations

import base64
import html
import os
import re
import unicodedata

__all__ = ["display", "html_name", "json_name", "path_b64"]

# A whole terminal sequence goes (CSI, OSC with its text, two-character escapes), not only its first byte.
_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]|\x9b[0-?]*[ -/]*[@-~]"
)

# Cc: control characters; Cf: invisible ones, among them the bidi overrides that make "gpj.exe" read
# "exe.jpg"; Zl and Zp break lines. Zero-width joiners (Cf) hold emoji and Indic letters together and stay.
_HIDDEN = frozenset({"Cc", "Cf", "Zl", "Zp"})
_JOINERS = frozenset("\u200c\u200d")


def display(path: str | bytes | os.PathLike[str]) -> str:
    """A name for the screen, on one line.

    Parameters
    ----------
    path : str, bytes or os.PathLike
        Any path; bytes need not be UTF-8.

    Returns
    -------
    str
        Without terminal escape sequences, control characters and text-direction overrides;
        bytes that are no text become U+FFFD. Never empty for a path that was not.

    Examples
    --------
    >>> display(b"ca\\x1b[31mt\\n.png")
    'cat.png'
    >>> display(b"caf\\xe9.jpg")
    'caf\ufffd.jpg'
    """
    text = _ESCAPES.sub("", os.fsencode(path).decode("utf-8", "replace"))
    shown = "".join(c for c in text if c in _JOINERS or unicodedata.category(c) not in _HIDDEN)
    return shown or ("\ufffd" if os.fsencode(path) else "")


def html_name(path: str | bytes | os.PathLike[str]) -> str:
    """`display`, escaped for HTML text and for quoted attributes.

    Examples
    --------
    >>> html_name("<img onerror=alert(1)>.png")
    '&lt;img onerror=alert(1)&gt;.png'
    """
    return html.escape(display(path), quote=True)


def path_b64(path: bytes) -> str | None:
    """The path in base64 when JSON text cannot carry it exactly, else None.

    Examples
    --------
    >>> path_b64(b"cat.jpg") is None
    True
    >>> path_b64(b"caf\\xe9.jpg")
    'Y2Fm6S5qcGc='
    """
    try:
        path.decode("utf-8")
    except UnicodeDecodeError:
        return base64.b64encode(path).decode("ascii")
    return None


def json_name(path: bytes) -> dict[str, str]:
    """``{"path": text}``, and ``path_b64`` beside it when the text is not exact."""
    encoded = path_b64(path)
    named = {"path": path.decode("utf-8", "replace")}
    return named if encoded is None else {**named, "path_b64": encoded}
