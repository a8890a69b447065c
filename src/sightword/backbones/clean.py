"""Cleaning text as each family of towers does before its tokenizer."""

from __future__ import annotations

import html
import string
from collections.abc import Callable

__all__ = ["cleaner"]

_PUNCTUATION = str.maketrans("", "", string.punctuation)


def cleaner(kind: str) -> Callable[[str], str]:
    """The cleaning function of a kind of tower.

    Parameters
    ----------
    kind : {"clip", "canonicalize", "whitespace", "none"}
        ``clip``: repair mojibake (ftfy), undo HTML escapes twice, single spaces, lower case.
        ``canonicalize``: the same repair, then punctuation dropped and ``_`` read as a space.
        ``whitespace``: the same repair and single spaces; letters keep their case.
        ``none``: the tokenizer's own normaliser does everything.
    """
    kinds: dict[str, Callable[[str], str]] = {
        "clip": _clip,
        "canonicalize": _canonicalize,
        "whitespace": _whitespace,
        "none": str,
    }
    return kinds[kind]


def _clip(text: str) -> str:
    return _whitespace(text).lower()


def _whitespace(text: str) -> str:
    return " ".join(_repair(text).split())


def _canonicalize(text: str) -> str:
    words = _repair(text).replace("_", " ").translate(_PUNCTUATION).lower()
    return " ".join(words.split())


def _repair(text: str) -> str:
    import ftfy  # 30 ms that the starter never needs

    # Twice, because crawled captions are often escaped twice ("&amp;quot;"), and the towers learnt it so.
    return html.unescape(html.unescape(ftfy.fix_text(text))).strip()
