"""What is wrong with an option, as a sentence; click speaks of "valid integer ranges" and ``1<=x<=10000``."""

from __future__ import annotations

import re

import click

__all__ = ["sentence_of"]

_PATH = re.compile(r"(File|Directory|Path) (.+) (does not exist|is a directory|is a file)\.")


def sentence_of(error: click.ClickException) -> str:
    """One sentence for a mistake in the words of a command."""
    if isinstance(error, click.BadParameter) and error.param is not None:
        wanted = _wanted(error.param.type)
        if isinstance(error.param.type, click.Path) and (told := _about_path(error)):
            return told
        value, split, _ = error.message.partition(" is not ")
        if wanted and split:
            name = max(error.param.opts, key=len) if isinstance(error.param, click.Option) else "This"
            return f"{name} takes {wanted}, not {_short(value)}."
    text = error.format_message().strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _about_path(error: click.BadParameter) -> str | None:
    """The sentence for a file or folder that is not there, or is the other of the two."""
    found = re.fullmatch(
        r"(File|Directory|Path) (.+) (does not exist|is a directory|is a file)\.", error.message
    )
    if found is None:
        return None
    kind, name, what = found.groups()
    if what == "does not exist":
        noun = {"File": "file", "Directory": "folder"}.get(kind, "file or folder")
        told = f"There is no {noun} {name}"
    else:
        told = f"{name} is a {'folder, not a file' if what == 'is a directory' else 'file, not a folder'}"
    option = f" ({max(error.param.opts, key=len)})" if isinstance(error.param, click.Option) else ""
    return f"{told}{option}."


def _wanted(kind: object) -> str | None:
    """What a type of click takes, for people; None when click's own sentence will do."""
    if isinstance(kind, click.Choice):
        *names, last = map(str, kind.choices)
        return f"{', '.join(names)} or {last}" if names else last
    if kind is click.INT or isinstance(kind, click.IntRange):
        what = "a whole number"
    elif kind is click.FLOAT or isinstance(kind, click.FloatRange):
        what = "a number"
    else:
        return None
    return " ".join([what, *_bounds(kind)])


def _bounds(kind: object) -> list[str]:
    low, high = getattr(kind, "min", None), getattr(kind, "max", None)
    above, below = getattr(kind, "min_open", False), getattr(kind, "max_open", False)
    if low is not None and high is not None and not above and not below:
        return [f"from {low:,} to {high:,}"]
    parts = []
    if low is not None:
        parts.append(f"above {low:,}" if above else f"of at least {low:,}")
    if high is not None:
        parts.append(f"below {high:,}" if below else f"of at most {high:,}")
    return [" and ".join(parts)] if parts else []


def _short(value: str) -> str:
    return value.removesuffix(".0")
