"""Filters as Milvus expressions: typed, escaped, and never narrower than the tree.

What the server's language cannot say exactly (a shell pattern with a star in front, say) becomes a condition
that lets more through; the rows that come back are then asked one by one (`sightword.index.where_rows`).
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass

from sightword.index.milvus.names import MARK
from sightword.index.where import And, Compare, Expr, Glob, Not
from sightword.index.where_sql import compile_where, nanoseconds

__all__ = ["Condition", "both", "compile_expression", "quoted"]

_FIELDS = {"width": "width", "height": "height", "size": "size", "modified": "mtime_ns"}
_PLAIN = re.compile(r"[A-Za-z0-9 ._/-]")
_WILD = re.compile(r"[*?\[]")
_UNSAFE = re.compile(f"[{MARK}\ud800-\udfff]")
_INT64 = 2**63


@dataclass(frozen=True)
class Condition:
    """A condition in the server's language.

    Attributes
    ----------
    text : str or bool
        True lets everything through, False nothing.
    exact : bool
        Whether it lets through just what the filter says; otherwise more.
    """

    text: str | bool
    exact: bool = True


def compile_expression(expr: Expr) -> Condition:
    """Translate a filter.

    Raises
    ------
    UsageError
        As `sightword.index.where_sql.compile_where`.
    """
    compile_where(expr)  # the same trees are refused everywhere
    return _compile(expr)


def both(*texts: str | bool) -> str | bool:
    """The conjunction."""
    if False in texts:
        return False
    said = [text for text in texts if isinstance(text, str)]
    return " and ".join(f"({text})" for text in said) if len(said) > 1 else (said[0] if said else True)


def quoted(text: str) -> str:
    """A string constant: everything but letters, digits and a few signs is escaped."""
    return '"' + "".join(sign if _PLAIN.fullmatch(sign) else _escape(sign) for sign in text) + '"'


def _escape(sign: str) -> str:
    code = ord(sign)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _compile(expr: Expr) -> Condition:
    if isinstance(expr, Compare):
        return Condition(_compare(expr))
    if isinstance(expr, Glob):
        return _glob(expr)
    if isinstance(expr, Not):
        item = _compile(expr.item)
        if not item.exact:
            return Condition(True, exact=False)
        return Condition(f"not ({item.text})" if isinstance(item.text, str) else not item.text)
    items = [_compile(item) for item in expr.items]
    exact = all(item.exact for item in items)
    if isinstance(expr, And):
        return Condition(both(*(item.text for item in items)), exact)
    return Condition(_either(*(item.text for item in items)), exact)


def _either(*texts: str | bool) -> str | bool:
    if True in texts:
        return True
    said = [text for text in texts if isinstance(text, str)]
    return " or ".join(f"({text})" for text in said) if len(said) > 1 else (said[0] if said else False)


def _compare(expr: Compare) -> str | bool:
    if expr.field == "taken":
        sign = "==" if expr.op == "=" else expr.op
        return f"has_taken == true and taken {sign} {_number(expr.value)}"
    value: float = nanoseconds(expr.value) if expr.field == "modified" else expr.value
    return _whole(_FIELDS[expr.field], expr.op, value)


def _number(value: float) -> str:
    """A float64 that is read as the same one; with a point, or the server takes it for a whole number."""
    text = repr(float(value))
    return text if "." in text or "e" not in text else text.replace("e", ".0e")


def _whole(field: str, op: str, value: float) -> str | bool:
    """A whole number of the server against any number: compared with the nearest whole one beyond it."""
    if op in ("=", "!="):
        inside = value == math.floor(value) and -_INT64 < value < _INT64
        if not inside:
            return op == "!="
        return f"{field} {'==' if op == '=' else '!='} {int(value)}"
    bound = math.floor(value) if op in (">", "<=") else math.ceil(value)
    if not -_INT64 < bound < _INT64:
        return (bound < 0) == (op in (">", ">="))
    return f"{field} {op} {bound}"


def _glob(expr: Glob) -> Condition:
    if expr.field == "format":
        start, rest = _split(expr.pattern.lower())
        return _matches("format", start, rest)
    raw = expr.pattern
    if not raw.strip("*"):
        return Condition(bool(raw))
    if "/" not in raw:
        return Condition(True, exact=False)  # may also be the file's own name
    composed = unicodedata.normalize("NFC", raw)
    as_is = _matches("path", *_split(raw))
    plain = _matches("composed", *_split(composed))
    said = [as_is.text, plain.text]
    if composed != raw:
        # Where a path has no second text, its first one is composed.
        same = _matches("path", *_split(composed))
        said.append(both('composed == ""', same.text))
    return Condition(_either(*said), as_is.exact and plain.exact)


def _split(pattern: str) -> tuple[str, str]:
    """What stands before the first wildcard, and the rest."""
    match = _WILD.search(pattern)
    return (pattern, "") if match is None else (pattern[: match.start()], pattern[match.start() :])


def _matches(field: str, start: str, rest: str) -> Condition:
    """The field begins with `start`, or is it."""
    unsafe = _UNSAFE.search(start)
    if unsafe is not None:
        start, rest = start[: unsafe.start()], "?"
    if not rest:
        return Condition(f"{field} == {quoted(start)}")
    exact = not rest.strip("*")
    if not start:
        return Condition(True, exact=exact)
    text = f"{field} >= {quoted(start)}"
    behind = _behind(start)
    return Condition(f"{text} and {field} < {quoted(behind)}" if behind else text, exact)


def _behind(start: str) -> str:
    """The first text behind all that begin with `start`, in the order of UTF-8; empty if there is none."""
    while start:
        code = ord(start[-1]) + 1
        if 0xD800 <= code <= 0xDFFF:
            code = 0xE000
        if code <= 0x10FFFF:
            return start[:-1] + chr(code)
        start = start[:-1]
    return ""
