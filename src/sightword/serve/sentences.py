"""Mistakes in a request as sentences; pydantic's own words show regular expressions to people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sightword.serve.schemas import NOUNS

__all__ = ["sentence_of"]

_LONGEST = 60
_PARTS = frozenset({"body", "query", "path", "header"})
_BRANCHES = frozenset({"str", "constrained-str", "float", "int"})
"""How pydantic marks which half of ``str | float`` did not fit."""

_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "finite": "a finite number",
    "decimal": "a number",
    "bool": "true or false",
    "string": "a text",
    "list": "a list",
    "dict": "an object",
    "model": "an object with fields",
}

_EXACT = {
    "missing": "{place} is missing",
    "extra_forbidden": "There is no field {name} in this request; /docs lists the fields",
    "json_invalid": "The body is not JSON ({error})",
    "greater_than": "{place} is {value}, but it is more than {gt:,}",
    "greater_than_equal": "{place} is {value}, but it is at least {ge:,}",
    "less_than": "{place} is {value}, but it is less than {lt:,}",
    "less_than_equal": "{place} is {value}, but it is at most {le:,}",
    "string_too_long": "{place} is longer than {max_length:,} characters",
    "string_too_short": "{place} is empty",
    "too_long": "{place} takes at most {max_length:,}",
    "too_short": "{place} takes at least {min_length:,}",
}


def sentence_of(errors: Sequence[Mapping[str, Any]]) -> str:
    """The first mistake of a list of pydantic's, as a sentence.

    Examples
    --------
    >>> sentence_of([{"type": "less_than_equal", "loc": ("body", "k"), "input": 5000, "ctx": {"le": 1000}}])
    'k is 5000, but it is at most 1,000.'
    """
    if not errors:
        return "The request is wrong."
    first = errors[0]
    kind, context = str(first["type"]), dict(first.get("ctx") or {})
    place = _place(first["loc"])
    told = {
        "place": place or "The body",
        "name": repr(place),
        "value": _shown(first.get("input")),
        **context,
    }
    if kind == "string_pattern_mismatch":
        noun = NOUNS.get(str(context.get("pattern")), "written as it is described in /docs")
        return "{place} is {value}, but it is {noun}.".format(**told, noun=noun)
    if kind in _EXACT:
        return f"{_EXACT[kind].format(**told)}."
    if what := _KINDS.get(kind.partition("_")[0]):
        return "{place} is {value}, but it is {what}.".format(**told, what=what)
    message = str(first.get("msg", "it is wrong")).removeprefix("Value error, ").rstrip(".")
    return f"{told['place']}: {message}."


def _place(loc: Sequence[Any]) -> str:
    """``("body", "images", 0)`` as ``images[0]``."""
    parts = [part for index, part in enumerate(loc) if index or part not in _PARTS]
    while len(parts) > 1 and parts[-1] in _BRANCHES:
        parts.pop()
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).removeprefix(".")


def _shown(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, Mapping):
        return "an object"
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 4]} ..."
