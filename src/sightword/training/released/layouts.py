"""The layouts in which phi networks and the Combiner were released.

====================  ======================================================================================
SEARLE, LinCIR        ``{"epoch", "Phi": {"layers.0.weight" [H, D], ..., "layers.6.weight" [W, H]}}``: linear
                      layers at every third place, GELU and dropout between them
Pic2Word              ``{"epoch", "name", "state_dict", "state_dict_img2text": {"module.layers.0.0.weight"
                      [H, D], ..., "module.fc_out.weight" [W, H]}}``: linear, dropout, ReLU
CLIP4Cir's Combiner   ``{"epoch", "Combiner": {"text_projection_layer.weight" [P, C], ...}}``
====================  ======================================================================================

Any of the inner dictionaries may also stand alone, and ``module.`` may stand before every name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from sightword.backbones.base import Array
from sightword.errors import ModelUnavailable
from sightword.methods.combiner import PARTS

__all__ = ["Released", "phi_tensors", "pic2word_tensors", "recognise"]

BRANCHES = ("Phi", "state_dict_img2text", "Combiner")
SPACING = 3
"""Linear, activation and dropout: the linear layers of a SEARLE phi are modules 0, 3, 6."""

_PHI = re.compile(r"layers\.(\d+)\.(weight|bias)")
_PIC2WORD = re.compile(r"layers\.(\d+)\.0\.(weight|bias)")


@dataclass(frozen=True)
class Released:
    """What a checkpoint turned out to hold.

    Attributes
    ----------
    layout : {"searle", "pic2word", "combiner"}
    tensors : dict of str to float32 array
        The original names, without ``module.``.
    layers : tuple of (weight, bias)
        Of a phi, in order; empty for a Combiner.
    activation : {"gelu", "relu"}
    epoch : int or None
        LinCIR stores the step there.
    """

    layout: str
    tensors: dict[str, Array]
    layers: tuple[tuple[Array, Array], ...]
    activation: str
    epoch: int | None

    @property
    def dim(self) -> int:
        """D, the features that go in."""
        combiner = self.layout == "combiner"
        return int((self.tensors[PARTS[0]] if combiner else self.layers[0][0]).shape[1])

    @property
    def width(self) -> int:
        """What comes out: W for a phi."""
        return self.dim if self.layout == "combiner" else int(self.layers[-1][0].shape[0])


def recognise(checkpoint: Any, where: str) -> Released:
    """Find the network in whatever a file held.

    Parameters
    ----------
    checkpoint : Any
        As `torch.load` gives it.
    where : str
        The file, for the error.

    Raises
    ------
    ModelUnavailable
        It is none of the layouts, or its shapes contradict each other.
    """
    if not isinstance(checkpoint, dict):
        raise ModelUnavailable(f"{where} holds a {type(checkpoint).__name__}, not a dictionary of weights.")
    branch = next((name for name in BRANCHES if isinstance(checkpoint.get(name), dict)), None)
    tensors = _arrays(checkpoint[branch] if branch else checkpoint)
    epoch = checkpoint.get("epoch")
    epoch = epoch if isinstance(epoch, int) else None
    if tensors.keys() == set(PARTS):
        return Released("combiner", tensors, (), "relu", epoch)
    places = sorted({int(m[1]) for m in map(_PHI.fullmatch, tensors) if m})
    if places and places == list(range(0, SPACING * len(places), SPACING)):
        return _phi("searle", [f"layers.{place}" for place in places], "gelu", tensors, epoch, where)
    places = sorted({int(m[1]) for m in map(_PIC2WORD.fullmatch, tensors) if m})
    if "fc_out.weight" in tensors and places == list(range(len(places))):
        names = [*(f"layers.{place}.0" for place in places), "fc_out"]
        return _phi("pic2word", names, "relu", tensors, epoch, where)
    shown = ", ".join(list(map(str, checkpoint))[:4]) or "nothing"
    raise ModelUnavailable(
        f"{where} is no checkpoint of SEARLE, LinCIR, Pic2Word or the Combiner (it holds {shown}).",
        "A CLIP's weights are named as MODEL-gelu@FILE instead.",
    )


def phi_tensors(layers: tuple[tuple[Array, Array], ...]) -> dict[str, Array]:
    """SEARLE's names for the layers of a phi."""
    return {
        f"layers.{SPACING * index}.{kind}": value
        for index, layer in enumerate(layers)
        for kind, value in zip(("weight", "bias"), layer)
    }


def pic2word_tensors(layers: tuple[tuple[Array, Array], ...]) -> dict[str, Array]:
    """Pic2Word's names for the layers of a phi, as its distributed training saved them."""
    names = [*(f"layers.{index}.0" for index in range(len(layers) - 1)), "fc_out"]
    return {
        f"module.{name}.{kind}": value
        for name, layer in zip(names, layers)
        for kind, value in zip(("weight", "bias"), layer)
    }


def _phi(
    layout: str, names: list[str], activation: str, tensors: dict[str, Array], epoch: int | None, where: str
) -> Released:
    wanted = {f"{name}.{kind}" for name in names for kind in ("weight", "bias")}
    if tensors.keys() != wanted:
        odd = sorted(tensors.keys() ^ wanted)[0]
        raise ModelUnavailable(f"{where} is not complete, or more than a phi: see {odd}.")
    layers = tuple((tensors[f"{name}.weight"], tensors[f"{name}.bias"]) for name in names)
    width = layers[0][0].shape[-1]
    for name, (weight, bias) in zip(names, layers):
        if weight.ndim != 2 or weight.shape[1] != width or bias.shape != weight.shape[:1]:
            raise ModelUnavailable(f"{where}: {name} has shape {weight.shape} where {width} values come in.")
        width = weight.shape[0]
    return Released(layout, tensors, layers, activation, epoch)


def _arrays(found: dict[Any, Any]) -> dict[str, Array]:
    tensors = {str(name): value for name, value in found.items() if hasattr(value, "detach")}
    if tensors and all(name.startswith("module.") for name in tensors):
        tensors = {name.removeprefix("module."): value for name, value in tensors.items()}
    return {name: np.array(value.detach().float().cpu().numpy()) for name, value in tensors.items()}
