"""Figures and tables as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["amount", "bytes_of", "count", "interval", "share", "table"]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [list(head), ["---"] * len(head), *map(list, rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def amount(value: float) -> str:
    """Two or three significant digits, without exponents."""
    if value == 0:
        return "0"
    size = abs(value)
    digits = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 0.1 else 3 if size >= 0.01 else 4
    return f"{value:,.{digits}f}"


def count(value: float) -> str:
    """A whole number; millions and billions in words where they are round."""
    for size, word in ((10**9, "billion"), (10**6, "million")):
        if value >= size and value % (size // 10) == 0:
            return f"{value / size:g} {word}"
    return f"{value:,.0f}"


def bytes_of(value: float) -> str:
    """Bytes with a decimal prefix."""
    for size, unit in ((1e15, "PB"), (1e12, "TB"), (1e9, "GB"), (1e6, "MB")):
        if value >= size:
            return f"{amount(value / size)} {unit}"
    return f"{value:,.0f} B"


def share(value: float) -> str:
    """A share such as .987, or a difference of two."""
    shown = f"{value:.3f}".replace("0.", ".", 1)
    return {"1.000": "1" if value > 0.99995 else "1.000", "-.000": ".000"}.get(shown, shown)


def interval(value: float, low: float, high: float) -> str:
    """A share with its interval."""
    return share(value) if low == high == value else f"{share(value)} ({share(low)} to {share(high)})"
