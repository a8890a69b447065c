"""What the words of a search are: a folder, a text, a picture; and what mistaken ones were meant to be."""

from __future__ import annotations

import difflib
import os
import shlex
from itertools import islice
from pathlib import Path

import click

from sightword.errors import UsageError

__all__ = ["check_text", "negative", "split_words"]

_MOST_LOOKED_AT = 5000
"""Entries of a directory among which a mistyped name is looked for."""

_SEPARATORS = tuple(filter(None, (os.sep, os.altsep)))


def split_words(words: tuple[str, ...]) -> tuple[Path, str]:
    """FOLDER and TEXT. One word alone is FOLDER if such a directory exists, else TEXT.

    Raises
    ------
    UsageError
        There is no such folder; or one word alone was probably meant as one: were it taken as words, the
        whole current folder would be read.
    """
    if len(words) > 2:
        raise click.UsageError(
            f"A folder and one text are enough, but {words[2]!r} follows; put the text in quotes."
        )
    if len(words) == 2:
        folder, text = words
        _check_folder(folder, text)
    elif words and (Path(words[0]).is_dir() or _is_path(words[0])):
        folder, text = words[0], ""
        _check_folder(folder, text)
    else:
        folder, text = ".", "".join(words)
        _check_alone(text)
    return Path(folder), text


def check_text(folder: Path, text: str) -> None:
    """Refuse a text that is the name of a picture, and doubt one that looks like a path.

    Raises
    ------
    UsageError
        With the command that was meant.
    """
    if not _names_a_picture(text) and not (_is_path(text) and " " not in text):
        _doubt(text)
        return
    for path in (Path(text), folder / text):
        if path.is_file():
            raise UsageError(f"{text!r} is a file, not words.", f"Write --image {str(path)!r}.")
    raise UsageError(
        f"{text!r} looks like a picture, but there is no such file.",
        "A picture is given with --image FILE; words do not end like a file or begin like a path.",
    )


def negative(item: str) -> str | Path:
    """One value of ``--without``: a picture if such a file exists, else words.

    Raises
    ------
    UsageError
        It can only be meant as a file, and there is none.
    """
    if Path(item).is_file():
        return Path(item)
    if _names_a_picture(item) or _is_path(item):
        raise UsageError(
            f"There is no picture {item!r} for --without.",
            "Check the name; words do not end like a file or begin like a path.",
        )
    _doubt(item)
    return item


def _check_alone(word: str) -> None:
    """Refuse one word without a folder that is more likely the name of a folder."""
    if not word or " " in word or _names_a_picture(word):  # a picture has a sentence of its own
        return
    if Path(word).is_file():
        raise UsageError(f"{word!r} is a file, neither a folder nor words.", _as_words(word))
    similar = _similar_folder(word)
    if similar:
        raise UsageError(f"There is no folder {word!r}.", f"Was {similar!r} meant? {_as_words(word)}")
    if word.startswith((".", "~")) or any(separator in word for separator in _SEPARATORS):
        _check_address(word, "sightword search {} TEXT")
        raise UsageError(f"There is no folder {word!r}.", _as_words(word))


def _as_words(word: str) -> str:
    return f"To look for these words here: sightword search . {shlex.quote(word)}"


def _check_folder(folder: str, text: str) -> None:
    if Path(folder).is_dir():
        return
    _check_address(folder, f"sightword search {{}} {shlex.quote(text)}")
    if Path(folder).is_file():
        hint = f"A picture is given with --image {folder!r}." if _names_a_picture(folder) else None
        raise UsageError(f"{folder!r} is a file, not a folder.", hint)
    hint = None
    if text and Path(text).is_dir():
        hint = f"The folder comes first: sightword search {text!r} {folder!r}."
    elif similar := _similar_folder(folder):
        hint = f"Was {similar!r} meant?"
    raise UsageError(f"There is no folder {folder!r}.", hint or "Try: sightword search --help")


def _check_address(word: str, command: str) -> None:
    """Refuse what is meant as the address of an index but does not begin like one."""
    if ":" in word:
        from sightword.index.milvus.address import refuse_half

        refuse_half(word, command)


def _is_path(word: str) -> bool:
    return word.endswith(_SEPARATORS) or word.startswith(
        (*_SEPARATORS, *(f".{s}" for s in _SEPARATORS), *(f"~{s}" for s in _SEPARATORS), "..")
    )


def _names_a_picture(text: str) -> bool:
    from sightword.pictures.formats import has_picture_name

    name = Path(text).name
    # "without the .png" is a text.
    return has_picture_name(os.fsencode(name)) and not name[: name.rindex(".")].endswith(" ")


def _doubt(text: str) -> None:
    """Say that something with a separator in it, such as ``trips/red``, is taken as words."""
    if " " not in text and any(separator in text for separator in _SEPARATORS):
        _note(f"{text!r} is taken as words; there is no such file.")


def _similar_folder(name: str) -> str | None:
    path = Path(name)
    try:
        with os.scandir(path.parent) as entries:
            names = [entry.name for entry in islice(entries, _MOST_LOOKED_AT) if entry.is_dir()]
    except OSError:
        return None
    found = difflib.get_close_matches(path.name, names, n=1, cutoff=0.8)
    return str(path.parent / found[0]) if found else None


def _note(text: str) -> None:
    from sightword.cli.output import plain

    click.echo(f"sightword: {plain(text)}", err=True)
