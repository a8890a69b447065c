"""Pictures of strangers, decoded in confined processes, several at a time."""

from __future__ import annotations

import io
import queue
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sightword.backbones.base import PreprocessSpec
from sightword.errors import PictureError
from sightword.pictures.limits import Limits, process_count
from sightword.pictures.names import display
from sightword.pictures.pool import DecodePool
from sightword.pictures.resizing import resized_size
from sightword.search.references import References

if TYPE_CHECKING:
    from sightword.pictures.types import DecodedPicture
    from sightword.search import Engine

__all__ = ["SIZES", "Decoders", "ServedReferences", "Thumbnails", "fitting"]

SIZES = (128, 256, 512, 1024, 2048)
"""Longest sides of thumbnails; asked sizes are rounded up, as every size has processes of its own."""

_AT_ONCE = 2


class Decoders:
    """Decoding processes, started when first needed; each serves one request at a time.

    Parameters
    ----------
    limits : Limits
        On one picture.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._idle: dict[tuple[Any, ...], queue.LifoQueue[DecodePool]] = {}
        self._all: list[DecodePool] = []
        self._count = min(_AT_ONCE, process_count())

    def decode(self, data: bytes, spec: PreprocessSpec, preset: Any = "product") -> DecodedPicture:
        """Decode one picture from its bytes.

        Raises
        ------
        PictureError
            It is broken, too large, or takes too long; the sentence names an uploaded file.
        """
        try:
            with self._borrowed(spec, preset) as pool:
                return pool.read_bytes(data)
        except PictureError as error:
            name = getattr(data, "name", "")
            raise PictureError(f"{name}: {error.message}" if name else error.message, error.hint) from None

    @contextmanager
    def _borrowed(self, spec: PreprocessSpec, preset: Any) -> Iterator[DecodePool]:
        key = (spec.size, spec.resize, spec.interpolation, preset)
        with self._lock:
            idle = self._idle.get(key)
            if idle is None:
                idle = self._idle[key] = queue.LifoQueue()
                for _ in range(self._count):
                    pool = DecodePool(spec, preset, workers=1, limits=self._limits)
                    self._all.append(pool)
                    idle.put(pool)
        pool = idle.get()
        try:
            yield pool
        finally:
            idle.put(pool)

    def close(self) -> None:
        """End all processes."""
        with self._lock:
            for pool in self._all:
                pool.close()
            self._all.clear()
            self._idle.clear()


class ServedReferences(References):
    """References of a server: nothing is read by path, and decoders are shared by all engines.

    Parameters
    ----------
    engine : Engine
    decoders : Decoders
    observe : callable
        A context manager around each decoding.
    """

    def __init__(self, engine: Engine, decoders: Decoders, observe: Callable[[], Any]) -> None:
        super().__init__(engine)
        self._decoders = decoders
        self._observe = observe

    def _file(self, item: Any) -> Any:
        """An indexed picture that is read again: by its row and inside its folder, like every other."""
        if not isinstance(item, int):
            return item
        from sightword.serve.files import read_picture
        from sightword.serve.intake import Upload
        from sightword.serve.problems import Refused

        row, address = self._engine.store.row(item), self._engine.address
        name = display(row.path)
        try:
            kept = None if address is None else address.of(row.path)
            return Upload(read_picture(self._engine.folder, row, kept), name)
        except Refused as error:
            raise Refused(
                error.status,
                f"{name}: {error.detail} This method reads the picture itself again.",
                "Choose a method that needs its remembered feature alone, such as average.",
                kind="picture",
            ) from None

    def _decode(self, item: Any, spec: Any, preset: Any) -> DecodedPicture:
        if not isinstance(item, bytes):
            raise PictureError("Only uploaded and indexed pictures can be asked about.")
        with self._observe():
            return self._decoders.decode(item, spec, preset)


class Thumbnails:
    """Small JPEGs without any of the file's metadata, kept in memory up to a limit.

    Parameters
    ----------
    decoders : Decoders
    room : int
        Bytes.
    """

    def __init__(self, decoders: Decoders, room: int) -> None:
        self._decoders = decoders
        self._room = room
        self._held = 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[bytes, int], bytes] = OrderedDict()

    def get(self, content_hash: bytes, size: int, read: Callable[[], bytes]) -> bytes:
        """The thumbnail of the picture with this content; `read` gives the file's bytes if they are needed.

        Raises
        ------
        PictureError
            The file cannot be decoded.
        """
        key = (content_hash, size)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = self._made(read(), size)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = made
                self._held += len(made)
            while self._held > self._room and self._kept:
                self._held -= len(self._kept.popitem(last=False)[1])
        return made

    def _made(self, data: bytes, size: int) -> bytes:
        from PIL import Image

        spec = PreprocessSpec(size=size, resize="longest")
        decoded = self._decoders.decode(data, spec)
        width, height = resized_size(decoded.width, decoded.height, spec)
        left, top = (size - width) // 2, (size - height) // 2
        picture = Image.fromarray(decoded.pixels[top : top + height, left : left + width])
        if decoded.width < width:  # the square is filled; a small picture must not be blown up
            picture = picture.resize((decoded.width, decoded.height), Image.Resampling.LANCZOS)
        written = io.BytesIO()
        picture.save(written, "JPEG", quality=86, optimize=False, progressive=size > SIZES[2])
        return written.getvalue()


def fitting(size: int) -> int:
    """The smallest offered size that is large enough.

    Examples
    --------
    >>> fitting(1), fitting(300), fitting(9999)
    (128, 512, 2048)
    """
    return next((offered for offered in SIZES if offered >= size), SIZES[-1])
