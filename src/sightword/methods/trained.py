"""What the supervised kinds share on disk and when they are asked: reading a directory, and its checks.

::

    config.json        {"schema": 1, "kind": KIND, "method": KIND, "dim": D, "token_dim": W,
                        "network": {widths, layers, heads ...}, "backbone": {"name", "weights_hash"}, ...}
    model.safetensors  tensors, named as the numpy class reads them
    README.md, training.json

`sightword.methods.catalog.SUPERVISED` maps a kind to the class that asks; its classmethod
``open(directory, backbone, name)`` reads the directory and refuses another backbone than its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sightword.backbones.base import Array, Backbone
from sightword.errors import ModelUnavailable
from sightword.methods.phi import WEIGHTS, check_backbone, read_config

__all__ = ["check_shapes", "network_of", "open_trained"]


def open_trained(
    directory: Path, backbone: Backbone, kind: str, name: str
) -> tuple[dict[str, Array], dict[str, Any]]:
    """Read the directory of a supervised method for a backbone.

    Parameters
    ----------
    directory : Path
    backbone : Backbone
    kind : str
        What ``config.json`` must say.
    name : str
        How the user called it, for the message.

    Returns
    -------
    tensors : dict of str to float32 array
    config : dict
        The whole ``config.json``; ``config["network"]`` holds what the network's shape follows from.

    Raises
    ------
    ModelUnavailable
        A file is missing or damaged.
    ModelMismatch
        It was trained for another backbone.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    config = read_config(directory, kind)
    check_backbone(config, backbone.spec, name)
    try:
        found = load_file(str(directory / WEIGHTS))
    except (OSError, SafetensorError, TypeError) as error:
        raise ModelUnavailable(f"{directory / WEIGHTS} cannot be read ({error}).") from None
    return {key: np.asarray(value, np.float32) for key, value in found.items()}, config


def network_of(directory: Path, config: dict[str, Any], numbers: Sequence[str]) -> dict[str, Any]:
    """What a transformer's shape follows from: whole numbers above 0, ``width`` a multiple of ``heads``.

    Raises
    ------
    ModelUnavailable
    """
    network = dict(config.get("network") or {})
    if not all(type(network.get(name)) is int and network[name] > 0 for name in numbers):
        raise ModelUnavailable(f"{directory} does not say its {', '.join(numbers)}.")
    if network["width"] % network["heads"]:
        raise ModelUnavailable(f"{directory}: {network['heads']} heads cannot share {network['width']}.")
    return network


def check_shapes(directory: Path, tensors: dict[str, Array], wanted: dict[str, tuple[int, ...]]) -> None:
    """Refuse tensors that are not those the configuration promises.

    Raises
    ------
    ModelUnavailable
        One is missing, too many, or of another shape; it is named.
    """
    where = directory / WEIGHTS
    for name, shape in wanted.items():
        if name not in tensors:
            raise ModelUnavailable(f"{where} has no {name}.", "Train or fetch the method again.")
        if tensors[name].shape != shape:
            raise ModelUnavailable(f"{where}: {name} has shape {tensors[name].shape}, not {shape}.")
    if unknown := tensors.keys() - wanted.keys():
        raise ModelUnavailable(f"{where} holds {min(unknown)}, which its configuration does not explain.")
