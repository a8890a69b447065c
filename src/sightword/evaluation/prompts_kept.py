"""Features of encoded prompts, kept beside those of pictures: composing again costs no text tower.

A block is what was encoded together, named by what decides its bits: the backbone with its weights and
precision, and every prompt with the numbers in its slots. Methods are no part of it: a changed method never
gets an old answer, it only asks for other blocks.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from sightword.backbones.base import Array, Backbone
from sightword.backbones.tokenize import PromptTruncated
from sightword.prompts import Prompt

__all__ = ["Key", "encoded_prompts"]

Key = tuple[tuple[str, ...], bytes]
"""A prompt's pieces, and the bytes of what fills its slots."""


def encoded_prompts(
    backbone: Backbone,
    prompts: Sequence[Prompt],
    filling: Sequence[Sequence[Array]],
    keys: Sequence[Key],
    cache: Path | None,
) -> Array:
    """``backbone.encode_prompts``, from the cache where that knows the whole block.

    Parameters
    ----------
    backbone : Backbone
    prompts, filling
        As the backbone takes them.
    keys : sequence of Key
        Of each prompt.
    cache : Path, optional
        None keeps nothing.

    Returns
    -------
    float32 [B, D]

    Warns
    -----
    PromptTruncated
        As the backbone did when the block was encoded.
    """
    if cache is None:
        return backbone.encode_prompts(prompts, filling)
    path = cache / f"prompts-{_name(backbone, keys)}.npz"
    kept = _read(path, (len(prompts), backbone.spec.dim))
    if kept is None:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always", PromptTruncated)
            features = backbone.encode_prompts(prompts, filling)
        cut = [str(item.message) for item in told if issubclass(item.category, PromptTruncated)]
        _write(path, features, cut)
        for item in told:
            if not issubclass(item.category, PromptTruncated):
                warnings.warn_explicit(item.message, item.category, item.filename, item.lineno)
    else:
        features, cut = kept
    for message in cut:
        warnings.warn(message, PromptTruncated, stacklevel=2)
    return features


def _name(backbone: Backbone, keys: Sequence[Key]) -> str:
    precision = getattr(backbone, "precisions", {}).get("text", "")
    digest = hashlib.sha256(repr((type(backbone).__name__, backbone.spec.weights_hash, precision)).encode())
    for pieces, slots in keys:
        digest.update(repr(pieces).encode())
        digest.update(hashlib.sha256(slots).digest())
    return digest.hexdigest()


def _read(path: Path, shape: tuple[int, int]) -> tuple[Array, list[str]] | None:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as found:
            features, cut = found["features"], [str(item) for item in found["cut"]]
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):  # not there, or cut off: made again
        return None
    return (features, cut) if features.shape == shape and features.dtype == np.float32 else None


def _write(path: Path, features: Array, cut: list[str]) -> None:
    """Under a temporary name first; a cache that cannot be written is no reason to stop."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
        with os.fdopen(descriptor, "wb") as file:
            np.savez(file, features=np.asarray(features, np.float32), cut=np.array(cut, dtype=np.str_))
        Path(name).replace(path)
