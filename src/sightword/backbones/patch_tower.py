"""The part of an image graph that ends at its patches, compiled apart from the whole.

Who never asks for patches pays nothing: the whole tower is compiled from its file as ever. This one reads the
graph again, cuts it behind the tensor that holds the patches, and so never computes what comes after it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sightword.backbones.base import Array
from sightword.backbones.patches import TENSOR, as_patches
from sightword.backbones.towers import Tower, core
from sightword.errors import ModelUnavailable

__all__ = ["PatchTower"]

POOLING = "globalaveragepool"
"""How the operation is called that pools the last map in the starter's graph, which marks no tensor."""


class PatchTower:
    """Pixels to patches.

    Parameters
    ----------
    path : Path
        The whole image graph.
    skip : int
        Leading rows that stand for no place.
    threads, precision, cache
        See `sightword.backbones.towers.Tower`.

    Raises
    ------
    ModelUnavailable
        The graph has no patches, or cannot be compiled.
    """

    def __init__(
        self, path: Path, skip: int, threads: int | None, precision: str, cache: Path | None
    ) -> None:
        self._skip = skip
        self._tower = Tower(path, None, threads, precision, cache, read=_cut)

    def __call__(self, pixels: Array) -> Array:
        """Pixels float32 [B, 3, S, S] -> patches float32 [B, N, Dp]."""
        return as_patches(self._tower(pixels), self._skip)


def _cut(path: Path) -> Any:
    """The graph up to its patches."""
    model = core().read_model(str(path))  # first: it knows how to import OpenVINO cheaply
    import openvino
    from openvino import opset13

    source = _source(model)
    if source is None:
        raise ModelUnavailable(f"{path} has no tensor {TENSOR!r}.", "Export the backbone again.")
    return openvino.Model([opset13.result(source)], model.get_parameters(), "patches")


def _source(model: Any) -> Any:
    pooled = None
    for operation in model.get_ordered_ops():
        for output in operation.outputs():
            if TENSOR in output.get_names():
                return output
        if operation.get_friendly_name().startswith(POOLING):
            pooled = operation.input_value(0)
    return pooled
