"""Names of torch backbones, told apart without torch.

=============================  ===========================================================================
``ViT-L-14/openai``            open_clip's model and tag; weights through the hub
``hf-hub:owner/name``          a repository of the hub: open_clip's, transformers' or our portable layout
``./folder``                   a folder in open_clip's or transformers' layout
``ViT-B-32-gelu@./file.pt``    open_clip's model with the weights of a file; ``-quickgelu`` and ``-gelu`` say
                               which activation it was trained with
=============================  ===========================================================================
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sightword.backbones.hub import HUB_PREFIX
from sightword.backbones.registry import as_path, is_path
from sightword.errors import ModelUnavailable

__all__ = ["ACTIVATIONS", "OPEN_CLIP_CONFIG", "Source", "is_hugging_face", "parse_name"]

ACTIVATIONS = ("gelu", "quickgelu")
OPEN_CLIP_CONFIG = "open_clip_config.json"

Kind = Literal["tag", "file", "folder", "hub"]

# The families of open_clip; any other NAME/NAME is an installed backbone's.
_TAG = re.compile(
    r"(ViT|RN\d|EVA|coca|convnext|roberta|xlm|mt5|nllb|MobileCLIP|PE-|swin)[\w.-]*/[\w.-]+", re.IGNORECASE
)
_SUFFIXES = (".pt", ".pth", ".bin", ".safetensors", ".ckpt")


@dataclass(frozen=True)
class Source:
    """Where a backbone comes from.

    Attributes
    ----------
    kind : {"tag", "file", "folder", "hub"}
    name : str
        As the user wrote it.
    model, tag : str
        For ``tag`` and ``file``: open_clip's names.
    path : Path
        For ``file`` and ``folder``.
    repo : str
        For ``hub``, with ``@revision`` if one was given.
    activation : {"gelu", "quickgelu"} or None
        What the user stated.
    """

    kind: Kind
    name: str
    model: str = ""
    tag: str = ""
    path: Path = Path()
    repo: str = ""
    activation: str | None = None


def parse_name(name: str, activation: str | None = None) -> Source | None:
    """What a name means; None when it is no torch backbone's.

    Parameters
    ----------
    name : str
    activation : {"gelu", "quickgelu"}, optional
        Stated apart from the name.

    Raises
    ------
    ModelUnavailable
        A checkpoint without its model's name, or a file that is not there.
    """
    if activation is not None and activation not in ACTIVATIONS:
        raise ModelUnavailable(
            f"The activation {activation!r} does not exist.", f"Use one of {', '.join(ACTIVATIONS)}."
        )
    if name.startswith(HUB_PREFIX):
        return Source("hub", name, repo=name.removeprefix(HUB_PREFIX), activation=activation)
    model, at, place = name.partition("@")
    if at and place:
        path = as_path(place)
        if not path.is_file():
            raise ModelUnavailable(f"{path} is not a file, so {name!r} has no weights.")
        bare, stated = model, activation
        for known in ACTIVATIONS:
            if model.endswith(f"-{known}"):
                bare, stated = model.removesuffix(f"-{known}"), known
        return Source("file", name, model=bare, path=path, activation=stated)
    if is_path(name) and _holds_a_model(as_path(name)):
        return Source("folder", name, path=as_path(name), activation=activation)
    if is_path(name) and name.endswith(_SUFFIXES) and as_path(name).is_file():
        raise ModelUnavailable(
            f"{name} does not say of which model and activation it holds the weights.",
            f"Write MODEL-gelu@{name} or MODEL-quickgelu@{name}, with open_clip's name for MODEL (ViT-B-32).",
        )
    if _TAG.fullmatch(name) and not as_path(name).exists():
        model, _, tag = name.partition("/")
        return Source("tag", name, model=model, tag=tag, activation=activation)
    return None


def is_hugging_face(folder: Path) -> bool:
    """Whether a folder is in transformers' layout."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and "model_type" in config


def _holds_a_model(folder: Path) -> bool:
    return (folder / OPEN_CLIP_CONFIG).is_file() or is_hugging_face(folder)
