"""Write a trained phi: config, weights, card and training log, all or none."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sightword.backbones.base import Array, BackboneSpec
from sightword.methods.phi import CONFIG, WEIGHTS, Phi
from sightword.training.card import recipe_text
from sightword.training.directory import check_free, write_directory

__all__ = ["save_phi"]

CARD = """---
library_name: sightword
license: {licence}
tags: [composed-image-retrieval, textual-inversion, {method}]
---
# {method} for {backbone}

A phi: it turns a picture's raw feature of the backbone `{backbone}` (weights `{hash}`) into {tokens}
pseudo-word(s) for its text tower. It runs with no other backbone.

| | |
|---|---|
| method | `{method}` |
| layers | {shape}, {activation} between them |
| numbers | {numbers:,} in {dtype} |
| input | raw image feature, float32 [{dim}] |
| output | float32 [{tokens}, {token_dim}], not normalised |

{description}

{recipe}

How it was trained is in `training.json`: settings, loss curve and measurements.
"""


def save_phi(
    directory: Path,
    layers: Sequence[tuple[Array, Array]],
    *,
    method: str,
    activation: str,
    tokens: int,
    spec: BackboneSpec,
    training: dict[str, Any],
    description: str = "",
    licence: str = "apache-2.0",
    half: bool = False,
) -> Path:
    """Write a phi directory; an earlier one at the same place is replaced when all is written.

    Parameters
    ----------
    directory : Path
    layers : sequence of (weight [out, in], bias [out]), float32
    method : str
        How it asks, such as ``pic2word``.
    activation : {"relu", "gelu"}
    tokens : int
        k, pseudo-tokens per picture.
    spec : BackboneSpec
        The backbone it was trained for.
    training : dict
        What ``training.json`` says.
    description, licence : str
        For the card.
    half : bool
        Store float16: half the size, read back as float32.

    Returns
    -------
    Path
        `directory`.

    Raises
    ------
    UsageError
        `directory` is something else than a phi directory.
    """
    from safetensors.numpy import save

    check_free(directory)
    dtype = np.float16 if half else np.float32
    tensors = {}
    for index, (weight, bias) in enumerate(layers):
        tensors[f"layers.{index}.weight"] = np.ascontiguousarray(weight, dtype)
        tensors[f"layers.{index}.bias"] = np.ascontiguousarray(bias, dtype)
    config = {
        "schema": 1,
        "kind": "phi",
        "method": method,
        "activation": activation,
        "dim": spec.dim,
        "token_dim": spec.token_dim,
        "tokens": tokens,
        "backbone": {"name": spec.name, "weights_hash": spec.weights_hash},
        "licence": licence,
    }
    card = CARD.format(
        licence=licence,
        method=method,
        backbone=spec.name,
        hash=spec.weights_hash[:16],
        tokens=tokens,
        shape=" -> ".join(str(n) for n in [spec.dim, *(len(bias) for _, bias in layers)]),
        activation=activation,
        numbers=sum(tensor.size for tensor in tensors.values()),
        dtype=np.dtype(dtype).name,
        dim=spec.dim,
        token_dim=spec.token_dim,
        description=description,
        recipe=recipe_text(training),
    )
    write_directory(
        directory,
        {
            WEIGHTS: save(tensors),
            CONFIG: json.dumps(config, indent=1) + "\n",
            "README.md": card,
            "training.json": json.dumps(training, indent=1) + "\n",
        },
        check=Phi.load,  # what cannot be read back must not replace anything
    )
    return directory
