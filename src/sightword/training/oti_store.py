"""Pseudo-words on disk: finished batches while the descent runs, and the directory that searching reads."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from sightword.backbones.base import Array, BackboneSpec
from sightword.errors import SightwordError, UsageError
from sightword.methods.oti import NAMES, OTITokens
from sightword.training.directory import write_directory

__all__ = ["Store", "save_oti"]

CARD = """---
library_name: sightword
license: {licence}
tags: [composed-image-retrieval, textual-inversion, searle-oti]
---
# Pseudo-words of {count:,} pictures for {name}

Found by descent (SEARLE's OTI), one per picture: `tokens` [{count}, {tokens}, {width}] for the backbone
`{name}` (weights `{hash}`); `features` are the pictures' raw features, `{names}` their names.

{description}

How it was made is in `training.json`.
"""


class Store:
    """Batches that are finished.

    Parameters
    ----------
    path : Path, optional
        None keeps nothing.
    settings : dict
        Of the run; another run's batches are refused.
    """

    def __init__(self, path: Path | None, settings: dict[str, Any]) -> None:
        self._path, self._settings = path, json.dumps(settings, sort_keys=True)

    def read(self) -> list[Array]:
        """What an earlier run finished."""
        from safetensors import SafetensorError, safe_open

        if self._path is None or not self._path.is_file():
            return []
        try:
            with safe_open(str(self._path), "np") as stream:
                if stream.metadata()["sightword"] != self._settings:
                    raise UsageError(
                        f"{self._path} belongs to a run with other settings or pictures.",
                        "Repeat those, or start a new run with --fresh.",
                    )
                return [np.asarray(stream.get_tensor("tokens"), np.float32)]
        except (OSError, SafetensorError, KeyError, TypeError) as error:
            raise SightwordError(f"{self._path} cannot be read ({error}).", "Start with --fresh.") from None

    def write(self, batches: list[Array]) -> None:
        """Replace the file in one step."""
        from safetensors.numpy import save

        if self._path is None:
            return
        data = save({"tokens": np.concatenate(batches)}, metadata={"sightword": self._settings})
        draft = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(data)
            draft.replace(self._path)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise SightwordError(
                f"{self._path} could not be written: {error.strerror or error}.",
                "What was finished before is kept; make room and go on with --resume.",
            ) from None


def save_oti(
    directory: Path,
    tokens: Array,
    features: Array,
    names: list[str],
    spec: BackboneSpec,
    training: dict[str, Any],
    description: str = "",
    licence: str = "apache-2.0",
) -> OTITokens:
    """Write a directory of pseudo-words; see ``methods/oti.py`` for the format."""
    from safetensors.numpy import save

    config = {
        "schema": 1,
        "kind": "oti",
        "method": "searle-oti",
        "dim": spec.dim,
        "token_dim": spec.token_dim,
        "tokens": tokens.shape[1],
        "backbone": {"name": spec.name, "weights_hash": spec.weights_hash},
        "licence": licence,
    }
    card = CARD.format(
        count=len(names), name=spec.name, tokens=tokens.shape[1], width=spec.token_dim,
        hash=spec.weights_hash[:16], names=NAMES, description=description, licence=licence,
    )  # fmt: skip
    plain = [" ".join(name.split()) for name in names]
    data = save(
        {"tokens": np.ascontiguousarray(tokens), "features": np.ascontiguousarray(features, np.float32)}
    )
    write_directory(
        directory,
        {
            "config.json": json.dumps(config, indent=1) + "\n",
            "model.safetensors": data,
            NAMES: "\n".join(plain) + "\n",
            "README.md": card,
            "training.json": json.dumps(training, indent=1) + "\n",
        },
    )
    return OTITokens(tokens, features, plain, config)
