"""Where a setting comes from: flags > environment > the folder's file > the user's file > defaults.

Every option of the command line is a setting: ``--min-score`` is ``SIGHTWORD_MIN_SCORE`` in the environment
and ``min-score`` in ``sightword.toml``. Two files are read:

- the user's, in the user's configuration directory (or where ``SIGHTWORD_CONFIG`` points): any setting;
- the folder's, ``sightword.toml`` beside the pictures: only ``k``, ``method`` and ``prompt``. A folder may
  come from a stranger, so its file can neither name files nor switch anything on; other keys are refused.

The command line (click) applies the order; this module reads the files and names the origin of a value.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sightword.errors import UsageError

__all__ = [
    "FILE_NAME",
    "PREFIX",
    "VARIABLES",
    "Setting",
    "Source",
    "cache_home",
    "environment_name",
    "read_settings",
    "user_file",
]

FILE_NAME = "sightword.toml"
PREFIX = "SIGHTWORD"
PROJECT_KEYS = ("k", "method", "prompt")
LARGEST_FILE = 64 * 1024
"""Bytes; a settings file is a few lines, and a stranger's must not fill the memory."""

VARIABLES = {
    f"{PREFIX}_CACHE": "Where all that can be made again is kept. [default: the user's cache directory]",
    f"{PREFIX}_CONFIG": "The settings file. [default: sightword.toml in the user's configuration]",
    f"{PREFIX}_MODELS": "Where added backbones and methods are kept. [default: the user's data directory]",
    f"{PREFIX}_DEBUG": "1 shows where an error comes from that should not happen.",
    f"{PREFIX}_MILVUS_USER": "The user of a Milvus cluster, unless its address names one.",
    f"{PREFIX}_MILVUS_PASSWORD": "That user's password.",
    f"{PREFIX}_MILVUS_TOKEN": "Instead of both: an API key, or user:password.",
    f"{PREFIX}_MILVUS_CA": "Certificates (PEM) that the cluster's must descend from.",
    f"{PREFIX}_MILVUS_CERT": "Our own certificate (PEM), where the cluster wants one.",
    f"{PREFIX}_MILVUS_KEY": "The key of that certificate (PEM).",
    f"{PREFIX}_MILVUS_TIMEOUT": "Seconds that one question to the cluster may take. [default: 10]",
}
"""Variables that are no options of a command, and what they do."""

Source = Literal["flag", "environment", "folder file", "user file", "default"]

# A name, never a path: a path could load weights that came with the pictures.
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:+-]*")


@dataclass(frozen=True)
class Setting:
    """One value and its origin.

    Attributes
    ----------
    name : str
        As written in ``sightword.toml``, for instance ``min-score``.
    value : Any
    source : {"flag", "environment", "folder file", "user file", "default"}
    where : str
        The flag, the variable or the file; empty for a default.
    """

    name: str
    value: Any
    source: Source
    where: str = ""


def environment_name(name: str) -> str:
    """The environment variable of a setting.

    Examples
    --------
    >>> environment_name("min-score")
    'SIGHTWORD_MIN_SCORE'
    """
    return f"{PREFIX}_{name.replace('-', '_').upper()}"


def cache_home() -> Path:
    """Where everything that can be made again is kept; ``SIGHTWORD_CACHE`` moves it."""
    if home := os.environ.get(f"{PREFIX}_CACHE"):
        return Path(home)
    from platformdirs import user_cache_path

    return user_cache_path("sightword", appauthor=False)


def user_file(environ: Mapping[str, str] | None = None) -> Path:
    """The path of the user's settings file; it need not exist."""
    environ = os.environ if environ is None else environ
    if chosen := environ.get(f"{PREFIX}_CONFIG"):
        return Path(chosen)
    from platformdirs import user_config_path

    return user_config_path("sightword") / FILE_NAME


def read_settings(
    folder: Path | None, known: Collection[str], environ: Mapping[str, str] | None = None
) -> dict[str, Setting]:
    """Read both files; the folder's values win.

    Parameters
    ----------
    folder : Path, optional
        The folder of pictures.
    known : collection of str
        Names that the user's file may set.
    environ : mapping, optional
        Instead of ``os.environ``.

    Raises
    ------
    UsageError
        A file is not TOML, sets an unknown name, or the folder's sets more than it may.
    """
    path = user_file(environ)
    found = {
        name: Setting(name, value, "user file", str(path)) for name, value in _read_user(path, known).items()
    }
    if folder is not None and not _same_file(folder / FILE_NAME, path):
        path = folder / FILE_NAME
        for name, value in _read_project(path).items():
            found[name] = Setting(name, value, "folder file", str(path))
    return found


def _read_user(path: Path, known: Collection[str]) -> dict[str, Any]:
    table = {name.replace("_", "-"): value for name, value in _read_toml(path).items()}
    for name in table:
        if name not in known:
            raise UsageError(
                f"{path} sets {name!r}, which is not a setting.", f"Settings: {', '.join(sorted(known))}."
            )
    return table


def _read_project(path: Path) -> dict[str, Any]:
    table = _read_toml(path)
    for name, value in table.items():
        if name not in PROJECT_KEYS:
            raise UsageError(
                f"{path} sets {name!r}; a folder's file may set only k, method and prompt.",
                f"Remove the line, or move it to your own file {user_file()}.",
            )
        if not _allowed(name, value):
            raise UsageError(f"{path} sets {name} to {value!r}, which is not allowed there.", _RULES[name])
    return table


_RULES = {
    "k": "k is a whole number from 1 to 10000.",
    "method": "method is the name of an installed method, not a path.",
    "prompt": "prompt is one line of text, or a list of such lines.",
}


def _allowed(name: str, value: object) -> bool:
    if name == "k":
        return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 10_000
    if name == "method":
        return isinstance(value, str) and _PLAIN_NAME.fullmatch(value) is not None
    lines = value if isinstance(value, list) else [value]
    return bool(lines) and all(
        isinstance(line, str) and len(line) <= 1000 and line.isprintable() for line in lines
    )


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        state = path.stat()
        # A pipe or a device would block for ever; a huge file would fill the memory.
        if not stat.S_ISREG(state.st_mode) or state.st_size > LARGEST_FILE:
            raise UsageError(
                f"{path} is not a settings file of at most {LARGEST_FILE // 1024} kB.", "Remove it."
            )
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read ({error}).") from None
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib  # type: ignore[import-not-found,unused-ignore]
    try:
        table: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not valid TOML: {error}.") from None
    return table


def _same_file(one: Path, other: Path) -> bool:
    """A user whose current folder is the configuration directory has one file, and it is the user's."""
    try:
        return one.samefile(other)
    except OSError:
        return False
