"""ARTEMIS and MAAF with random weights for a backbone, written as training writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from sightword.methods import artemis, maaf

HIDDEN = 10
MAAF = {"width": 8, "layers": 2, "heads": 2, "longest": 5, "patch": 3}


def write_artemis(directory: Path, spec: Any, seed: int = 0, spread: float = 1.0, **network: Any) -> Path:
    """An ARTEMIS whose weights are drawn; `spread` 0 is the start of training, which ranks as ``average``."""
    rng = np.random.default_rng(seed)
    tensors = {
        name: rng.normal(0, spread / np.sqrt(shape[-1]), shape) for name, shape in _artemis(spec.dim).items()
    }
    tensors["words.weight"] += np.eye(spec.dim)
    return _write(directory, "artemis", spec, tensors, {"hidden": HIDDEN, **network})


def write_maaf(directory: Path, spec: Any, seed: int = 0, **network: Any) -> Path:
    """A MAAF whose weights are drawn."""
    rng = np.random.default_rng(seed)
    settings = MAAF | network
    shapes = maaf.shapes(spec.dim, spec.token_dim, settings)
    tensors = {name: rng.normal(0, 1 / np.sqrt(shape[-1]), shape) for name, shape in shapes.items()}
    return _write(directory, "maaf", spec, tensors, settings)


def _artemis(dim: int) -> dict[str, tuple[int, ...]]:
    return artemis.shapes(dim, HIDDEN)


def _write(directory: Path, kind: str, spec: Any, tensors: dict[str, Any], network: dict[str, Any]) -> Path:
    from safetensors.numpy import save_file

    directory.mkdir(parents=True)
    kept = {name: value.astype(np.float32) for name, value in tensors.items()}
    save_file(kept, str(directory / "model.safetensors"))
    config = {
        "schema": 1, "kind": kind, "method": kind, "dim": spec.dim, "token_dim": spec.token_dim,
        "network": network, "backbone": {"name": spec.name, "weights_hash": spec.weights_hash},
    }  # fmt: skip
    (directory / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return directory
