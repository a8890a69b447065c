"""``combiner``: CLIP4Cir's Combiner, a supervised network over both features (CVPRW 2022, arXiv 2308.11485).

Baldrati, Bertini, Uricchio, Del Bimbo. With raw features t of the words and v of the picture:

    t' = ReLU(P_t t),  v' = ReLU(P_v v),  h = [t'; v']
    g = sigmoid(s_2 ReLU(s_1 h)),  q = norm(o ReLU(c h) + g t + (1 - g) v)

The words stand alone, without a prompt. Weights come from ``sightword models import``; training one is not
part of this version. Several pictures are averaged.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sightword.backbones.base import Array, Backbone
from sightword.errors import ModelUnavailable
from sightword.methods.base import ComposeInput
from sightword.methods.composer import Composer
from sightword.methods.phi import CONFIG, WEIGHTS, check_backbone, read_config
from sightword.methods.vectors import unit
from sightword.prompts import Prompt

__all__ = ["PARTS", "Combiner", "CombinerNetwork"]

LAYERS = (
    "text_projection_layer",
    "image_projection_layer",
    "combiner_layer",
    "output_layer",
    "dynamic_scalar.0",
    "dynamic_scalar.3",
)
PARTS = tuple(f"{layer}.{kind}" for layer in LAYERS for kind in ("weight", "bias"))
"""Tensors, named as in the released checkpoints."""


@dataclass(frozen=True)
class CombinerNetwork:
    """The network in numpy.

    Parameters
    ----------
    tensors : dict of str to float32 array
        `PARTS`; weights are [out, in].
    config : dict
        The whole ``config.json``.
    """

    tensors: dict[str, Array]
    config: dict[str, Any]

    @classmethod
    def load(cls, directory: Path) -> CombinerNetwork:
        """Read a directory.

        Raises
        ------
        ModelUnavailable
            A file is missing, or shapes contradict each other.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        config = read_config(directory, "combiner")
        try:
            tensors = {k: np.asarray(v, np.float32) for k, v in load_file(str(directory / WEIGHTS)).items()}
        except (OSError, SafetensorError, TypeError) as error:
            raise ModelUnavailable(f"{directory / WEIGHTS} cannot be read ({error}).") from None
        if problem := shape_problem(tensors, config["dim"]):
            raise ModelUnavailable(f"{directory / WEIGHTS}: {problem}.")
        return cls(tensors, config)

    def __call__(self, texts: Array, images: Array) -> Array:
        """Raw features of words and pictures, float32 [n, C] each -> unit vectors [n, C]."""
        inner = [
            np.maximum(self._linear(layer, features), 0)
            for layer, features in (("text_projection_layer", texts), ("image_projection_layer", images))
        ]
        both = np.concatenate(inner, axis=1)
        mixed = self._linear("output_layer", np.maximum(self._linear("combiner_layer", both), 0))
        gate = self._linear("dynamic_scalar.3", np.maximum(self._linear("dynamic_scalar.0", both), 0))
        share = 1.0 / (1.0 + np.exp(-np.asarray(gate, np.float64)))
        return unit((mixed + share * texts + (1.0 - share) * images).astype(np.float32))

    def _linear(self, layer: str, x: Array) -> Array:
        out: Array = x @ self.tensors[f"{layer}.weight"].T + self.tensors[f"{layer}.bias"]
        return out


class Combiner(Composer):
    """The method; see the module's docstring.

    Parameters
    ----------
    network : CombinerNetwork
    """

    name = "combiner"

    def __init__(self, network: CombinerNetwork) -> None:
        self.network = network

    @classmethod
    def open(cls, directory: Path, backbone: Backbone, name: str) -> Combiner:
        """Load it for a backbone; refuses another than its own."""
        network = CombinerNetwork.load(directory)
        check_backbone(network.config, backbone.spec, name)
        return cls(network)

    def blend(self, backbone: Backbone, queries: Sequence[ComposeInput]) -> Array:
        """See `Composer.blend`."""
        texts = backbone.encode_prompts([Prompt((query.text.strip(),)) for query in queries])
        images = np.stack([np.mean(query.images, axis=0) for query in queries]).astype(np.float32)
        return self.network(texts, images)


def shape_problem(tensors: dict[str, Array], dim: int) -> str:
    """What is wrong with a Combiner's tensors; empty when nothing is."""
    if tensors.keys() != set(PARTS):
        return f"it holds {json.dumps(sorted(tensors)[:3])}, not a Combiner ({CONFIG} says so)"
    inner = tensors["text_projection_layer.weight"].shape[0]
    hidden = tensors["combiner_layer.weight"].shape[0]
    gate = tensors["dynamic_scalar.0.weight"].shape[0]
    wanted = {
        "text_projection_layer": (inner, dim),
        "image_projection_layer": (inner, dim),
        "combiner_layer": (hidden, 2 * inner),
        "output_layer": (dim, hidden),
        "dynamic_scalar.0": (gate, 2 * inner),
        "dynamic_scalar.3": (1, gate),
    }
    for layer, shape in wanted.items():
        if tensors[f"{layer}.weight"].shape != shape or tensors[f"{layer}.bias"].shape != shape[:1]:
            return f"{layer} has shape {tensors[f'{layer}.weight'].shape}, not {shape}"
    return ""
