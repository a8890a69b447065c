"""Reading filters that people write: ``path ~ 'trip/*' and taken >= 2024-01-01 and not format = png``."""

from __future__ import annotations

import re
from typing import NoReturn

from sightword.errors import UsageError
from sightword.index.where import And, Compare, Expr, Field, Glob, Not, Op, Or
from sightword.index.where_values import parse_number, parse_size, parse_span

__all__ = ["parse_where"]

_TOKEN = re.compile(
    r"""\s*(?:(?P<quoted>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    |(?P<op><=|>=|==|!=|!~|<|>|=|~)|(?P<paren>[()])|(?P<word>[^\s()<>=!~'"]+))""",
    re.VERBOSE,
)
_NAMES = ("path", "format")
_NUMBERS = ("width", "height", "size", "taken", "modified")
_DEEPEST = 50
_LONGEST = 10_000

_EXAMPLE = "For example: --where \"path ~ 'trip/*' and taken >= 2024-01-01 and width > 1000\"."


def parse_where(text: str) -> Expr:
    """Parse a filter.

    ``FIELD OP VALUE`` joined by ``and``, ``or``, ``not`` and parentheses. Fields: ``path`` and ``format``
    (``~`` shell pattern, ``=``, ``!=``), ``width`` and ``height`` in pixels, ``size`` in bytes or with a unit
    (``2MB``, ``500KiB``), ``taken`` and ``modified`` as dates (``2024``, ``2024-05-17``,
    ``2024-05-17T10:30``). A date means all of its span: ``taken = 2024-05`` is the whole month and
    ``taken > 2024`` begins with 2025.

    Raises
    ------
    UsageError
        With the place where reading stopped.

    Examples
    --------
    >>> parse_where("width > 1000")
    Compare(field='width', op='>', value=1000.0)
    >>> parse_where("not format = png")
    Not(item=Glob(field='format', pattern='png'))
    """
    return _Parser(text).parse()


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0
        self.kind, self.value, self.start = "", "", 0
        if len(text) > _LONGEST:
            raise UsageError(f"The filter has {len(text)} characters; {_LONGEST} are allowed.")
        self._next()

    def parse(self) -> Expr:
        if self.kind == "end":
            self._fail("it is empty")
        expr = self._any()
        if self.kind != "end":
            self._fail(f"expected 'and', 'or' or the end, not {self._seen()}")
        return expr

    def _any(self) -> Expr:
        items = [self._all()]
        while self._word("or"):
            items.append(self._all())
        return items[0] if len(items) == 1 else Or(tuple(items))

    def _all(self) -> Expr:
        items = [self._one()]
        while self._word("and"):
            items.append(self._one())
        return items[0] if len(items) == 1 else And(tuple(items))

    def _one(self) -> Expr:
        self.depth += 1
        if self.depth > _DEEPEST:
            self._fail("it is nested too deeply")
        try:
            if self._word("not"):
                return Not(self._one())
            if self.kind == "paren" and self.value == "(":
                self._next()
                expr = self._any()
                if (self.kind, self.value) != ("paren", ")"):
                    self._fail(f"expected ')', not {self._seen()}")
                self._next()
                return expr
            return self._comparison()
        finally:
            self.depth -= 1

    def _comparison(self) -> Expr:
        field = self.value.lower()
        if self.kind != "word" or field not in _NAMES + _NUMBERS:
            self._fail(f"expected one of {', '.join(_NAMES + _NUMBERS)}, not {self._seen()}")
        self._next()
        if self.kind != "op":
            self._fail(f"expected a comparison such as = or >= after {field}, not {self._seen()}")
        op = "=" if self.value == "==" else self.value
        if field in _NAMES and op not in ("~", "!~", "=", "!="):
            self._fail(f"{field} is compared with ~, = or !=, not with {op}")
        if field in _NUMBERS and op in ("~", "!~"):
            self._fail(f"{field} is compared with <, <=, =, !=, >= or >, not with {op}")
        self._next()
        if self.kind not in ("word", "quoted"):
            self._fail(f"expected a value after {field} {op}, not {self._seen()}")
        expr = self._name(field, op) if field in _NAMES else self._number(field, op)
        self._next()
        return expr

    def _name(self, field: str, op: str) -> Expr:
        pattern = self.value.lower() if field == "format" else self.value
        if not pattern or "\0" in pattern:
            self._fail("the pattern is empty" if not pattern else "a name cannot hold a NUL")
        if field == "format" and pattern in ("jpg", ".jpg"):
            pattern = "jpeg"
        if op in ("=", "!="):
            pattern = re.sub(r"([*?[])", r"[\1]", pattern)
        glob = Glob("path" if field == "path" else "format", pattern)
        return Not(glob) if op.startswith("!") else glob

    def _number(self, field: str, op: str) -> Expr:
        if field in ("taken", "modified"):
            return self._date(field, op)
        number = parse_size(self.value) if field == "size" else parse_number(self.value)
        if number is None:
            kind = "a size such as 300, 200KB or 1.5MiB" if field == "size" else "a number"
            self._fail(f"expected {kind}, not {self._seen()}")
        return _compare(field, op, number)

    def _date(self, field: str, op: str) -> Expr:
        span = parse_span(self.value, local=field == "modified")
        if span is None:
            self._fail(f"expected a date such as 2024, 2024-05-17 or 2024-05-17T10:30, not {self._seen()}")
        start, end = span
        if op == "=":
            return And((_compare(field, ">=", start), _compare(field, "<", end)))
        if op == "!=":
            return Or((_compare(field, "<", start), _compare(field, ">=", end)))
        # "after 2024" begins when 2024 is over; "until 2024" includes it.
        later = {"<": ("<", start), ">=": (">=", start), ">": (">=", end), "<=": ("<", end)}
        return _compare(field, *later[op])

    def _word(self, word: str) -> bool:
        if self.kind == "word" and self.value.lower() == word:
            self._next()
            return True
        return False

    def _next(self) -> None:
        rest = self.text[self.at :]
        self.start = self.at + len(rest) - len(rest.lstrip())
        if not rest.strip():
            self.kind, self.value = "end", ""
            return
        match = _TOKEN.match(self.text, self.at)
        if match is None:
            self.kind, self.value = "strange", self.text[self.start]
            self._fail(
                "a quote is not closed" if self.value in "'\"" else f"{self.value!r} has no meaning here"
            )
        self.kind = str(match.lastgroup)
        self.value = match[self.kind]
        if self.kind == "quoted":
            self.value = re.sub(r"\\(['\"\\])", r"\1", self.value[1:-1])
        self.at = match.end()

    def _seen(self) -> str:
        return "the end" if self.kind == "end" else repr(self.value)

    def _fail(self, reason: str) -> NoReturn:
        marked = f"{self.text[: self.start]}>>{self.text[self.start :]}"
        raise UsageError(
            f"The filter is wrong at character {self.start + 1}: {reason} ({_shortened(marked)}).", _EXAMPLE
        )


def _compare(field: str, op: str, value: float) -> Compare:
    fields: dict[str, Field] = {
        "width": "width", "height": "height", "size": "size", "taken": "taken", "modified": "modified"
    }  # fmt: skip
    ops: dict[str, Op] = {"<": "<", "<=": "<=", "=": "=", "!=": "!=", ">=": ">=", ">": ">"}
    return Compare(fields[field], ops[op], value)


def _shortened(text: str) -> str:
    mark = text.index(">>")
    first, last = max(0, mark - 40), mark + 42
    return f"{'...' if first else ''}{text[first:last]}{'...' if last < len(text) else ''}"
