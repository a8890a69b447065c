"""Numbers between bounds, which help states in words: click itself writes ``[1<=x<=10000]``."""

from __future__ import annotations

import click

__all__ = ["FloatRange", "IntRange"]


class IntRange(click.IntRange):
    """A whole number between bounds; ``N`` in help."""

    name = "n"

    def _describe_range(self) -> str:
        return _in_words(self)


class FloatRange(click.FloatRange):
    """A number between bounds; ``NUMBER`` in help."""

    name = "number"

    def _describe_range(self) -> str:
        return _in_words(self)


def _in_words(kind: click.IntRange | click.FloatRange) -> str:
    """``1 to 10,000``, ``1 or more``, ``above 0``, ``0 to below 1``."""
    low, high = kind.min, kind.max
    last = "" if high is None else f"{'below ' if kind.max_open else ''}{high:,}"
    if low is None:
        return last if kind.max_open else f"at most {last}"
    if kind.min_open:
        return f"above {low:,}" + (f", {last if kind.max_open else f'at most {last}'}" if last else "")
    return f"{low:,} to {last}" if last else f"{low:,} or more"
