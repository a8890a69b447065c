"""Which methods there are, and where the trained ones lie."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightword.backbones.base import Backbone
from sightword.backbones.hub import HUB_PREFIX, fetch_directory, split_revision
from sightword.backbones.registry import as_path, is_path, models_home, safe_name
from sightword.errors import ModelUnavailable, UsageError
from sightword.methods.artemis import Artemis
from sightword.methods.average import Average
from sightword.methods.base import Method
from sightword.methods.cirplant import Cirplant
from sightword.methods.combiner import Combiner
from sightword.methods.composer import Composer
from sightword.methods.direction import Direction
from sightword.methods.image import Image
from sightword.methods.inversion import Inversion
from sightword.methods.lincir import LinCIR
from sightword.methods.maaf import Maaf
from sightword.methods.masked import Masked
from sightword.methods.oti import NAMES, OnDemand, SearleOTI, can_descend, read_oti
from sightword.methods.pdv import PDV
from sightword.methods.phi import CONFIG, WEIGHTS, Phi, read_config
from sightword.methods.pic2word import Pic2Word
from sightword.methods.searle import Searle
from sightword.methods.slerp import Slerp
from sightword.methods.text import Text
from sightword.methods.tuned import Tuned
from sightword.methods.weighted import Weighted

__all__ = [
    "DEFAULTS",
    "MethodInfo",
    "default_name",
    "find_trained",
    "is_shipped",
    "list_methods",
    "load_method",
]

DEFAULTS = ("tuned", "pic2word+pdv", "direction")
"""What ``default`` means: the first of these that the backbone has (docs/decisions.md says why).

A head that learnt from a person's own triplets answers the questions that it learnt, so ``tuned`` counts only
where it is shipped with the backbone."""

SHIPPED = Path(__file__).parent / "shipped"
TRAINING_FREE: dict[str, Callable[..., Composer]] = {
    "image": Image,
    "text": Text,
    "average": Average,
    "direction": Direction,
    "weighted": Weighted,
    "slerp": Slerp,
}
INVERSIONS: dict[str, Callable[..., Inversion]] = {
    "pic2word": Pic2Word,
    "searle": Searle,
    "lincir": LinCIR,
    "masked": Masked,
}
"""How the trained kinds ask; ``config.json`` names the kind under ``method``."""

SUPERVISED: dict[str, Any] = {
    "combiner": Combiner,
    "cirplant": Cirplant,
    "tuned": Tuned,
    "artemis": Artemis,
    "maaf": Maaf,
}
"""What asks with weights learnt from triplets, by the ``kind`` that ``config.json`` names; each has a
classmethod ``open(directory, backbone, name)`` (``trained.py``)."""


@dataclass(frozen=True)
class MethodInfo:
    """One row of the list of methods.

    Attributes
    ----------
    name : str
    summary : str
    trained : bool
        Whether it needs weights.
    directory : Path or None
        Where its weights lie.
    """

    name: str
    summary: str
    trained: bool
    directory: Path | None = None


def load_method(name: str = "default", *, backbone: Backbone, **options: Any) -> Method:
    """Load a method for a backbone.

    Parameters
    ----------
    name : str
        ``default``, a training-free method, a trained one (shipped with the backbone or installed by
        ``sightword models add``), the path of a trained method's directory, ``hf-hub:OWNER/NAME``, or any
        inversion method followed by ``+pdv``.
    backbone : Backbone
        The method is bound to it.
    **options
        What the method's class takes, such as ``weight=0.6`` for ``weighted``.

    Raises
    ------
    ModelUnavailable
        There is no such method for this backbone.
    ModelMismatch
        Its weights belong to another backbone.
    UsageError
        An option that it does not take.
    """
    if name == "default":
        name = default_name(backbone)
    base, refined, _ = name.partition("+pdv")
    if refined and base + refined == name:
        method = load_method(base, backbone=backbone)
        if not isinstance(method, Inversion):
            raise UsageError(f"{base} makes no pseudo-words, so it cannot be refined by pdv.")
        return _make(PDV, name, method, **options)
    if name in TRAINING_FREE:
        return _make(TRAINING_FREE[name], name, **options)
    if name == SearleOTI.name and not _remembers(backbone):
        return _make(SearleOTI, name, OnDemand(backbone), **options)
    directory = find_trained(name, backbone)
    if (directory / NAMES).is_file():
        return _make(SearleOTI, name, OnDemand(backbone, read_oti(directory, backbone)), **options)
    if (kind := read_config(directory)["kind"]) in SUPERVISED:
        return _make(SUPERVISED[kind].open, name, directory, backbone, name, **options)
    phi = Phi.load(directory)
    phi.check(backbone.spec, name)
    kind = phi.config["method"]
    if kind not in INVERSIONS:
        raise ModelUnavailable(f"{directory} holds a {kind!r}, which this version cannot run.")
    return _make(INVERSIONS[kind], name, phi, **options)


def default_name(backbone: Backbone) -> str:
    """The method that ``default`` stands for with this backbone."""
    available = {info.name for info in list_methods(backbone)}
    if not is_shipped("tuned", backbone.spec.name):
        available.discard("tuned")
    return next(name for name in DEFAULTS if name.partition("+")[0] in available)


def is_shipped(name: str, backbone: str) -> bool:
    """Whether a trained method of this name comes with the backbone; no other can be installed under it."""
    return (SHIPPED / safe_name(backbone) / name / CONFIG).is_file()


def list_methods(backbone: Backbone | None = None) -> list[MethodInfo]:
    """The methods that can be used: all training-free ones, and those trained for the backbone."""
    infos = [
        MethodInfo(name, _summary(maker), trained=False) for name, maker in sorted(TRAINING_FREE.items())
    ]
    if backbone is None:
        return infos
    if can_descend(backbone) and not _remembers(backbone):
        infos.append(MethodInfo(SearleOTI.name, _summary(SearleOTI), trained=False))
    for root in _roots(backbone):
        for directory in sorted(root.iterdir()) if root.is_dir() else []:
            if (directory / CONFIG).is_file() and directory.name not in {info.name for info in infos}:
                infos.append(MethodInfo(directory.name, _describe(directory), True, directory))
    return infos


def find_trained(name: str, backbone: Backbone) -> Path:
    """The directory of a trained method: by name among shipped and installed ones, a path, or on the hub."""
    if name.startswith(HUB_PREFIX):
        repo, revision = split_revision(name)
        return fetch_directory(repo, [CONFIG, WEIGHTS, NAMES], what=f"the method {repo}", revision=revision)
    if re.fullmatch(r"\w[\w.-]*", name):
        for root in _roots(backbone):
            if (root / name / CONFIG).is_file():
                return root / name
    elif is_path(name):
        return as_path(name)
    known = ", ".join(info.name for info in list_methods(backbone))
    if name in INVERSIONS or name in SUPERVISED:
        raise ModelUnavailable(
            f"No {name} has been trained for the backbone {backbone.spec.name!r}.",
            f"Train one with `sightword train {name}`, or choose another method: {known}.",
        )
    raise ModelUnavailable(f"There is no method {name!r}.", f"Choose one of {known}.")


def _remembers(backbone: Backbone) -> bool:
    """Whether pseudo-words are installed under the very name of the method that finds them."""
    return any((root / SearleOTI.name / CONFIG).is_file() for root in _roots(backbone))


def _roots(backbone: Backbone) -> tuple[Path, Path]:
    folder = safe_name(backbone.spec.name)
    return SHIPPED / folder, models_home() / "methods" / folder


def _make(maker: Callable[..., Composer], name: str, *arguments: Any, **options: Any) -> Composer:
    try:
        return maker(*arguments, **options)
    except TypeError as error:
        given = ", ".join(options)
        raise UsageError(f"The method {name} does not take these options: {given}.") from error


def _describe(directory: Path) -> str:
    if (directory / NAMES).is_file():
        return _summary(SearleOTI)
    try:
        config = read_config(directory)
        return _summary(SUPERVISED.get(config["kind"]) or INVERSIONS.get(config["method"]))
    except ModelUnavailable as error:  # one damaged directory must not hide the others
        return error.message


def _summary(maker: Any) -> str:
    module = __import__(maker.__module__, fromlist=["__doc__"]) if maker is not None else None
    first = (getattr(module, "__doc__", "") or "").strip().splitlines()[:1]
    return first[0].partition(": ")[2].rstrip(".") if first else "of a kind this version cannot run"
