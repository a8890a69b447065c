"""Which names can be methods at all, told before any is loaded; and the number behind a name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from sightword.backbones.hub import HUB_PREFIX
from sightword.backbones.registry import as_path, directory_hint, is_path, models_home
from sightword.errors import ModelUnavailable, UsageError
from sightword.methods.catalog import INVERSIONS, SHIPPED, SUPERVISED, TRAINING_FREE
from sightword.methods.oti import NAMES, SearleOTI
from sightword.methods.phi import CONFIG, read_config

__all__ = ["NUMBERS", "check_name", "split_number"]

NUMBERS = {"weighted": "weight", "slerp": "fraction", "direction": "length", "artemis": "depth"}
"""What the number behind a method is, by its name; of a trained one, by its kind."""


def check_name(name: str) -> None:
    """Refuse a name that is no method of any backbone; nothing is loaded.

    A name that passes can still be refused by `load_method`: its weights may be another backbone's.

    Parameters
    ----------
    name : str
        As `load_method` takes it, without a weight such as ``:0.3``.

    Raises
    ------
    ModelUnavailable
        There is no such method, or no trained method in that directory.
    """
    base = name.removesuffix("+pdv")
    if base.startswith(HUB_PREFIX):
        return
    if is_path(base):
        directory = as_path(base)
        if not (directory / NAMES).is_file():
            read_config(directory)
        return
    offered = _offered()
    if base not in offered and base not in INVERSIONS and base not in SUPERVISED:
        hint = directory_hint(base) or f"Choose one of {', '.join(sorted(offered))}."
        raise ModelUnavailable(f"There is no method {name!r}.", hint)


def split_number(name: str) -> tuple[str, str, str]:
    """A method, the number behind it, and which option of the method that is.

    ``weighted:0.3`` is ``("weighted", "0.3", "weight")``, ``./my-artemis:500`` is ``("./my-artemis", "500",
    "depth")``, as is an installed ARTEMIS of any name. What has no number comes back whole, with two empty
    strings.

    Raises
    ------
    UsageError
        The directory holds a method that takes no number.
    """
    plain, _, number = name.partition(":")
    if plain in NUMBERS:
        return (plain, number, NUMBERS[plain]) if number else (name, "", "")
    base, _, number = name.rpartition(":")
    if not base or not number or name.startswith(HUB_PREFIX) or _is_directory(name):
        return name, "", ""
    options = (NUMBERS[kind] for kind in _kinds(base) if kind in NUMBERS)
    if option := next(options, ""):
        return base, number, option
    if _is_directory(base):
        takers = ", ".join(sorted(NUMBERS))
        raise UsageError(f"In {name!r}, {base} takes no number.", f"These do: {takers}.")
    return name, "", ""


def _is_directory(name: str) -> bool:
    return is_path(name) and as_path(name).is_dir()


def _kinds(name: str) -> Iterator[str]:
    """What the trained methods of a name or at a path are; a name may stand for one of each backbone."""
    places = [as_path(name)] if is_path(name) else _installed(name)
    for place in places:
        with suppress(ModelUnavailable):  # told when it is loaded
            yield str(read_config(place)["kind"])


def _installed(name: str) -> list[Path]:
    if not re.fullmatch(r"\w[\w.-]*", name):
        return []
    roots = (SHIPPED, models_home() / "methods")
    return [config.parent for root in roots for config in root.glob(f"*/{name}/{CONFIG}")]


def _offered() -> set[str]:
    """Methods that need no weights, and those whose weights lie here for any backbone."""
    trained = {
        config.parent.name
        for root in (SHIPPED, models_home() / "methods")
        for config in root.glob(f"*/*/{CONFIG}")
    }
    return {"default", SearleOTI.name, *TRAINING_FREE, *trained}
