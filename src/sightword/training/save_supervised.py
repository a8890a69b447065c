"""Write a method learnt from triplets: config, weights, card and training log, all or none."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sightword.backbones.base import Array, BackboneSpec
from sightword.methods.phi import CONFIG, WEIGHTS
from sightword.training.card import recipe_text
from sightword.training.directory import check_free, write_directory

__all__ = ["save_supervised"]

CARD = """---
library_name: sightword
license: {licence}
tags: [composed-image-retrieval, {kind}]
---
# {kind} for {backbone}

Learnt from triplets (reference, words, target) on frozen features of the backbone `{backbone}` (weights
`{hash}`); it runs with no other backbone.

| | |
|---|---|
| method | `{kind}` |
| network | {network} |
| numbers | {numbers:,} in {dtype} |

{description}

{recipe}

How it was trained is in `training.json`: settings, loss curve and measurements.
"""


def save_supervised(
    directory: Path,
    tensors: Mapping[str, Array],
    *,
    kind: str,
    network: Mapping[str, Any],
    spec: BackboneSpec,
    training: dict[str, Any],
    more: Mapping[str, Any] | None = None,
    description: str = "",
    licence: str = "unknown",
    half: bool = False,
    check: Callable[[Path], object] | None = None,
) -> Path:
    """Write a directory; an earlier one at the same place is replaced when all is written.

    Parameters
    ----------
    directory : Path
    tensors : mapping of str to float32 array
    kind : str
        Such as ``combiner``.
    network : mapping
        What ``config.json`` keeps under ``network``.
    spec : BackboneSpec
    training : dict
        What ``training.json`` says.
    more : mapping, optional
        Further entries of ``config.json``.
    description, licence : str
        For the card.
    half : bool
        Store float16; read back as float32.
    check : callable, optional
        Reads the finished draft; what it raises leaves everything as it was.

    Raises
    ------
    UsageError
        `directory` holds something else.
    """
    from safetensors.numpy import save

    check_free(directory)
    dtype = np.float16 if half else np.float32
    kept = {name: np.ascontiguousarray(value, dtype) for name, value in tensors.items()}
    config = {
        "schema": 1,
        "kind": kind,
        "method": kind,
        "dim": spec.dim,
        "token_dim": spec.token_dim,
        "network": dict(network),
        "backbone": {"name": spec.name, "weights_hash": spec.weights_hash},
        "licence": licence,
        **(more or {}),
    }
    card = CARD.format(
        licence=licence,
        kind=kind,
        backbone=spec.name,
        hash=spec.weights_hash[:16],
        network=", ".join(f"{name} {value}" for name, value in network.items()) or "fixed",
        numbers=sum(tensor.size for tensor in kept.values()),
        dtype=np.dtype(dtype).name,
        description=description,
        recipe=recipe_text(training),
    )
    files: dict[str, str | bytes] = {
        WEIGHTS: save(kept),
        CONFIG: json.dumps(config, indent=1) + "\n",
        "README.md": card,
        "training.json": json.dumps(training, indent=1) + "\n",
    }
    write_directory(directory, files, check)
    return directory
