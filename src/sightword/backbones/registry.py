"""Where backbones live: in the package, in a directory, or installed for this user."""

from __future__ import annotations

import os
import re
from pathlib import Path

import platformdirs

from sightword.backbones.spec import CARD
from sightword.errors import ModelUnavailable

__all__ = ["STARTER", "models_home", "resolve", "safe_name"]

STARTER = "starter"
PACKAGED = Path(__file__).parent
_OPEN_CLIP = re.compile(
    r"(ViT|RN\d|EVA|coca|convnext|roberta|xlm|nllb|MobileCLIP|PE-|SigLIP|hf-hub:)", re.IGNORECASE
)


def models_home() -> Path:
    """``$SIGHTWORD_MODELS``, or this user's data directory."""
    home = os.environ.get("SIGHTWORD_MODELS")
    return Path(home) if home else Path(platformdirs.user_data_dir("sightword", appauthor=False)) / "models"


def safe_name(name: str) -> str:
    """A backbone's name as one folder name: ``ViT-L-14/openai`` -> ``ViT-L-14--openai``."""
    return name.replace("/", "--")


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
    if (os.sep in name or "/" in name or name.startswith(("~", "."))) and Path(name).expanduser().is_dir():
        return Path(name).expanduser()
    if _OPEN_CLIP.match(name):
        raise ModelUnavailable(
            f"{name} looks like an open_clip model; this version cannot fetch or convert those yet.",
            "Export it to a backbone directory and run `sightword models add DIRECTORY`.",
        )
    raise ModelUnavailable(
        f"There is no backbone {name!r} here.",
        "See `sightword models list`, or add one with `sightword models add DIRECTORY`.",
    )
