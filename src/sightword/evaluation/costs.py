"""How long trained methods were trained, from the ``training.json`` beside their weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sightword.backbones.base import Backbone
from sightword.errors import SightwordError
from sightword.methods.catalog import TRAINING_FREE, find_trained

__all__ = ["Cost", "training_costs"]


@dataclass(frozen=True)
class Cost:
    """The cost of a method.

    Attributes
    ----------
    minutes : float
        Wall time of training.
    machine : str
        As far as it was written down.
    """

    minutes: float
    machine: str = ""


def training_costs(variants: Mapping[str, Mapping[str, Any]], backbone: Backbone) -> dict[str, Cost]:
    """The cost of each label whose method was trained and says how long; others are left out.

    Parameters
    ----------
    variants : dict of str to dict
        `Report.variants`.
    backbone : Backbone
    """
    found = {}
    for label, told in variants.items():
        name = str(told["method"]).removesuffix("+pdv")
        if name in TRAINING_FREE or name == "caption":
            continue
        try:
            path = find_trained(name, backbone) / "training.json"
            read = json.loads(path.read_text(encoding="utf-8"))
            seconds = read["seconds"]
            machine = ", ".join(f"{key} {read[key]}" for key in ("device", "threads", "torch") if key in read)
        except (SightwordError, OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
        if isinstance(seconds, (int, float)):
            found[label] = Cost(seconds / 60, machine)
    return found
