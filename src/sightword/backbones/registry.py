"""Where backbones live: in the package, in a directory, or installed for this user."""

from __future__ import annotations

import os
import re
from pathlib import Path

import platformdirs

from sightword.backbones.spec import CARD
from sightword.errors import ModelUnavailable

__all__ = ["STARTER", "as_path", "directory_hint", "is_path", "models_home", "resolve", "safe_name"]

STARTER = "starter"
PACKAGED = Path(__file__).parent


def models_home() -> Path:
    """``$SIGHTWORD_MODELS``, or this user's data directory."""
    home = os.environ.get("SIGHTWORD_MODELS")
    return Path(home) if home else Path(platformdirs.user_data_dir("sightword", appauthor=False)) / "models"


def safe_name(name: str) -> str:
    """A backbone's name as one folder name: ``ViT-L-14/openai`` -> ``ViT-L-14--openai``."""
    return name.replace("/", "--")


def is_path(name: str) -> bool:
    """Whether a model is named by its place: a bare word never is, whatever lies in the working directory."""
    return "/" in name or os.sep in name or name.startswith(".")


def as_path(name: str) -> Path:
    """The place, with ``~/`` meaning the home directory."""
    return Path.home() / name[2:] if name.startswith("~/") else Path(name)


def directory_hint(name: str) -> str | None:
    """What to write when a bare word was meant as a directory of that name in the working directory."""
    meant = name and not is_path(name) and Path(name).is_dir()
    return f"For the directory here write ./{name}." if meant else None


def resolve(name: str) -> Path:
    """The directory of a backbone.

    Parameters
    ----------
    name : str
        ``starter``, an installed name, or a path. A bare word is a name, never a folder that happens to
        stand in the working directory; write ``./word`` for that.

    Raises
    ------
    ModelUnavailable
        Nothing of that name is here.
    """
    if name == STARTER:
        if (PACKAGED / STARTER / CARD).is_file():
            return PACKAGED / STARTER
        raise ModelUnavailable(
            "The starter backbone is missing from this installation.", "Install sightword again."
        )
    installed = models_home() / "backbones" / safe_name(name)
    if (
        re.fullmatch(r"[\w.-]+(/[\w.-]+)?", name)
        and not name.startswith(".")
        and (installed / CARD).is_file()
    ):
        return installed
    if is_path(name) and as_path(name).is_dir():
        return as_path(name)
    raise ModelUnavailable(
        f"There is no backbone {name!r} here.",
        directory_hint(name)
        or "See `sightword models list`, or add one with `sightword models add DIRECTORY`.",
    )
