"""The pictures of a query: found in the index, or decoded in a worker and encoded."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sightword.errors import PictureError, UsageError
from sightword.search.query import describe

if TYPE_CHECKING:
    from sightword.backbones.base import Array
    from sightword.pictures.pool import DecodePool
    from sightword.pictures.types import RGB, DecodedPicture
    from sightword.search.engine import Engine

__all__ = ["Reference", "References"]


@dataclass(frozen=True)
class Reference:
    """A picture of a query.

    Attributes
    ----------
    feature : float32 [D]
        Raw.
    content_hash : bytes or None
        sha256 of its file; None when it came as pixels.
    """

    feature: Array
    content_hash: bytes | None


class References:
    """Turns what a query names into features, for one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._pools: dict[tuple[int, str], DecodePool] = {}

    def check(self, items: Iterable[Any]) -> None:
        """Refuse, before any work, what cannot be a picture.

        Raises
        ------
        PictureError
            A file is not there.
        UsageError
            The thing is neither a path, a picture, an RGB array, the bytes of a file nor an id.
        """
        for item in items:
            if isinstance(item, (str, os.PathLike)):
                _check_file(item)
            elif isinstance(item, (bytes, int)) and not isinstance(item, bool):
                pass
            elif not (_is_rgb(item) or hasattr(item, "convert")):
                raise UsageError(
                    f"A {type(item).__name__} is no picture.",
                    "Give a path, a PIL image, a uint8 array [H, W, 3], the bytes of a file, or an id.",
                )

    def look(self, items: Sequence[Any]) -> list[Reference]:
        """Features of pictures, in order; those that the index does not know are encoded in one batch."""
        found: list[Reference | None] = []
        waiting: list[tuple[int, RGB, bytes | None]] = []
        for item in items:
            reference, content_hash = self._remembered(item)
            if reference is None:
                waiting.append((len(found), self._square(item), content_hash))
            found.append(reference)
        if waiting:
            from sightword.pictures.preprocess import normalise

            backbone = self._engine.backbone
            squares = np.stack([square for _, square, _ in waiting])
            features = backbone.encode_images(normalise(squares, backbone.spec.preprocess))
            for (place, _, content_hash), feature in zip(waiting, features):
                found[place] = Reference(feature, content_hash)
        return [reference for reference in found if reference is not None]

    def patches(self, items: Sequence[Any]) -> Array:
        """Patches of pictures, one's after the other's, float32 [N, Dp].

        The index keeps none, so that a picture which it knows is read from its file again.

        Raises
        ------
        PictureError
            The file of an indexed picture is gone.
        """
        from sightword.pictures.preprocess import normalise

        backbone: Any = self._engine.backbone
        squares = np.stack([self._square(self._file(item)) for item in items])
        found = backbone.encode_patches(normalise(squares, backbone.spec.preprocess))
        return np.asarray(found.reshape(-1, found.shape[2]), np.float32)

    def _file(self, item: Any) -> Any:
        """The file of a picture that is named by its id; everything else as it came."""
        if not isinstance(item, int):
            return item
        path = self._engine.folder / os.fsdecode(self._engine.store.row(item).path)
        if not path.is_file():
            raise PictureError(
                f"{describe(path)} is not there any more, and this method reads the picture itself again.",
                "Choose a method that needs its remembered feature alone, such as average.",
            )
        return path

    def thumbnail(self, item: Any, size: int) -> RGB | None:
        """A small copy of a picture, for showing; None when it cannot be read."""
        with suppress(PictureError, UsageError, OSError):
            if _is_rgb(item) or hasattr(item, "convert"):
                return _shrunk(_pixels(item), size)
            if isinstance(item, int):
                item = self._engine.folder / os.fsdecode(self._engine.store.row(item).path)
            from sightword.backbones.base import PreprocessSpec

            decoded = self._decode(item, PreprocessSpec(size=size, resize="longest"), "product")
            return _unpadded(decoded, size)
        return None

    def close(self) -> None:
        """End the worker processes."""
        for pool in self._pools.values():
            pool.close()
        self._pools.clear()

    def _remembered(self, item: Any) -> tuple[Reference | None, bytes | None]:
        """The index's own feature of this picture if it has one, and the hash of the file."""
        store = self._engine.store
        if isinstance(item, int):
            return Reference(store.get(item), store.row(item).content_hash), None
        if isinstance(item, bytes):
            content_hash = hashlib.sha256(item).digest()
        elif isinstance(item, (str, os.PathLike)):
            from sightword.pictures.reading import hash_file

            try:
                content_hash, _, _ = hash_file(os.fsencode(item))
            except OSError as error:
                raise PictureError(f"{describe(item)} cannot be read: {error.strerror or error}.") from None
            except PictureError as error:
                raise PictureError(f"{describe(item)}: {error.message}") from None
        else:
            return None, None
        rows = store.by_hash(content_hash)
        return (Reference(store.get(rows[0].id), content_hash) if rows else None), content_hash

    def _square(self, item: Any) -> RGB:
        """The picture as the image tower takes it, uint8 [S, S, 3]."""
        spec, preset = self._engine.backbone.spec.preprocess, self._engine.store.manifest.preprocess
        if _is_rgb(item) or hasattr(item, "convert"):
            from sightword.pictures.preprocess import resize_uint8

            return resize_uint8(_pixels(item), spec, preset)
        return self._decode(item, spec, preset).pixels

    def _decode(self, item: str | bytes | os.PathLike[str], spec: Any, preset: Any) -> DecodedPicture:
        """Decode in a worker process: a query's picture may be as hostile as any."""
        from sightword.pictures.pool import DecodePool

        key = (spec.size, spec.resize)
        pool = self._pools.get(key)
        if pool is None:
            pool = self._pools[key] = DecodePool(spec, preset, workers=1)
        try:
            if isinstance(item, bytes):
                return pool.read_bytes(item)
            return pool.read(os.fsencode(Path(item).absolute()))
        except PictureError as error:
            raise PictureError(f"{describe(item)}: {error.message}") from None


def _check_file(item: str | os.PathLike[str]) -> None:
    path = Path(item)
    if path.is_dir():
        raise PictureError(f"{describe(item)!r} is a folder, not a picture.")
    if not path.exists():
        raise PictureError(f"There is no picture {describe(item)!r}.")
    if not path.is_file():
        raise PictureError(
            f"{describe(item)!r} is a pipe or a device, not a file.",
            "A picture from another program comes through standard input: --image -",
        )


def _is_rgb(item: Any) -> bool:
    return isinstance(item, np.ndarray) and item.dtype == np.uint8 and item.ndim == 3 and item.shape[2] == 3


def _pixels(item: Any) -> RGB:
    """Pixels of a PIL image or an RGB array; transparency becomes white, as in files."""
    if isinstance(item, np.ndarray):
        return item
    from PIL import Image, ImageOps

    upright = ImageOps.exif_transpose(item)
    if upright.has_transparency_data:
        page = Image.new("RGBA", upright.size, "white")
        page.alpha_composite(upright.convert("RGBA"))
        upright = page
    return np.asarray(upright.convert("RGB"))


def _shrunk(pixels: RGB, size: int) -> RGB:
    from PIL import Image

    picture = Image.fromarray(pixels)
    picture.thumbnail((size, size), Image.Resampling.LANCZOS)
    return np.asarray(picture)


def _unpadded(decoded: DecodedPicture, size: int) -> RGB:
    """The part of the square that is picture."""
    from sightword.backbones.base import PreprocessSpec
    from sightword.pictures.resizing import resized_size

    width, height = resized_size(decoded.width, decoded.height, PreprocessSpec(size=size, resize="longest"))
    left, top = (size - width) // 2, (size - height) // 2
    return decoded.pixels[top : top + height, left : left + width]
