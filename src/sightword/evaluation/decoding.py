"""A benchmark's pictures as the image tower takes them: whole ones from the indexer's worker processes.

The workers answer with the square of the preset ``clip``, which is the one made here, bit for bit. What is
cut or padded first (`views.py`) is read here, and so are a few pictures, for which no processes are started.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sightword.backbones.base import PreprocessSpec
from sightword.errors import PictureError, SightwordError
from sightword.evaluation.composed import Picture
from sightword.evaluation.views import seen
from sightword.pictures.decode import decode_bytes
from sightword.pictures.pool import DecodePool
from sightword.pictures.types import DecodedPicture

__all__ = ["Decoding", "square"]

FEW = 32
"""Up to so many pictures no processes are started."""

Square = NDArray[np.uint8]


class Decoding:
    """Reads pictures in blocks; a context manager, as it may hold processes.

    Parameters
    ----------
    folder : Path
    spec : PreprocessSpec
        The backbone's.
    preprocess : {"clip", "targetpad"}
    count : int
        How many pictures there will be.
    """

    def __init__(self, folder: Path, spec: PreprocessSpec, preprocess: str, count: int) -> None:
        self._folder, self._spec, self._preprocess = folder, spec, preprocess
        self._pool = DecodePool(spec, "clip") if preprocess == "clip" and count > FEW else None

    def __enter__(self) -> Decoding:
        """Processes start with the first pictures."""
        return self

    def __exit__(self, *_: object) -> None:
        """End them."""
        if self._pool is not None:
            self._pool.close()

    def read(self, pictures: Sequence[Picture]) -> list[Square | str]:
        """uint8 [S, S, 3] for each picture, or the reason why it cannot be read.

        Raises
        ------
        SightwordError
            A file is not the one that the benchmark lists.
        """
        found: list[Square | str] = [""] * len(pictures)
        whole = [] if self._pool is None else [n for n, p in enumerate(pictures) if _view(p) is None]
        for number in set(range(len(pictures))).difference(whole):
            try:
                found[number] = square(self._folder, pictures[number], self._preprocess, self._spec)
            except PictureError as error:
                found[number] = error.message
        if self._pool is None or not whole:
            return found
        tasks = [(b"%d" % number, os.fsencode(self._folder / pictures[number].file)) for number in whole]
        for result in self._pool.run(tasks):
            picture = pictures[int(result.path)]
            if isinstance(result, DecodedPicture):
                _compare(self._folder, picture, result.content_hash.hex())
                found[int(result.path)] = result.pixels
            else:
                found[int(result.path)] = result.reason
        return found


def square(folder: Path, picture: Picture, preprocess: str, spec: PreprocessSpec) -> Square:
    """One picture, read here; one without a hash is not compared.

    Raises
    ------
    PictureError
        It cannot be read; the reason is the message.
    SightwordError
        It is not the one that the benchmark lists.
    """
    try:
        data = (folder / picture.file).read_bytes()
    except OSError as error:
        raise PictureError(f"The file cannot be read: {error.strerror or error}.") from None
    _compare(folder, picture, hashlib.sha256(data).hexdigest())
    return seen(decode_bytes(data, preset="clip"), _view(picture), preprocess, spec)


def _view(picture: Picture) -> tuple[str, tuple[float, ...]] | None:
    return getattr(picture, "view", None)


def _compare(folder: Path, picture: Picture, digest: str) -> None:
    if picture.sha256 and digest != picture.sha256:
        raise SightwordError(
            f"{folder / picture.file} is not the picture that the benchmark lists.",
            "Build the benchmark again.",
        )
