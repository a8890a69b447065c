"""The decoding worker: a process that imports Pillow and little else, and may crash.

Started by `workers.Worker` as its own program (not by multiprocessing: that would import the caller's
``__main__`` again, and forking a process with a model's threads in it is unsafe). It answers each request for
a file with the square that the encoder wants, and ends when its input does.
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import warnings
from dataclasses import dataclass
from typing import IO, Any

from sightword.errors import PictureError
from sightword.pictures.limits import arm, confine, disarm
from sightword.pictures.opening import open_picture
from sightword.pictures.reading import FileBytes, read_file, vanished
from sightword.pictures.resizing import resized_size, to_square
from sightword.pictures.wire import receive, send

__all__ = ["Settings", "answer", "main"]

_ORPHAN_GRACE = 10.0
"""Seconds beyond the limit after which a worker ends itself."""


@dataclass(frozen=True)
class Settings:
    preset: Any
    max_pixels: int
    seconds: float
    size: int
    resize: str
    interpolation: str


def main() -> None:
    """Serve requests on standard input until it closes."""
    channel_in, channel_out = _private_channels()
    first = receive(channel_in)
    if first is None:
        return
    head, _ = first
    confine(head.pop("memory"))
    settings = Settings(**head)
    send(channel_out, {"ready": True})
    while (request := receive(channel_in)) is not None:
        head, data = request
        arm(settings.seconds + _ORPHAN_GRACE)
        response, pixels = answer(head, data, settings)
        disarm()
        try:
            send(channel_out, response, pixels)
        except OSError:
            return


def _private_channels() -> tuple[IO[bytes], IO[bytes]]:
    """The pipes to the program, moved away from where a C library might print."""
    if hasattr(signal, "SIGALRM"):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the program's to handle
    warnings.simplefilter("ignore")
    channel_in, channel_out = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.close(nothing)
    if sys.platform == "win32":
        import msvcrt

        for channel in (channel_in, channel_out):
            msvcrt.setmode(channel, os.O_BINARY)
    return os.fdopen(channel_in, "rb"), os.fdopen(channel_out, "wb")


def answer(head: dict[str, Any], data: bytes, settings: Settings) -> tuple[dict[str, Any], bytes]:
    """Read one picture: the head of the response, and its pixels (uint8, S x S x 3)."""
    state: dict[str, Any] = {"size": 0, "mtime_ns": 0}
    try:
        path = head["path"].encode("latin-1")
        file = read_file(path) if path else FileBytes(data, len(data), 0)
        state = {"size": file.size, "mtime_ns": file.mtime_ns}
        # One read feeds both: the hash is that of the very bytes that were decoded.
        digest = hashlib.sha256(file.data).hexdigest()
        opened = open_picture(
            file.data,
            preset=settings.preset,
            max_pixels=settings.max_pixels,
            draft_for=None if settings.preset == "clip" else lambda w, h: resized_size(w, h, settings),
        )
        square = to_square(opened.image, settings, exact=settings.preset == "clip")
    except PictureError as error:
        return {**state, "reason": error.message}, b""
    except MemoryError:
        return {**state, "reason": "Reading the picture needs more memory than it may have."}, b""
    except OSError as error:
        reason = f"The file cannot be read: {error.strerror or error}."
        return {**state, "reason": reason, "vanished": vanished(error)}, b""
    except Exception as error:
        return {**state, "reason": f"The picture cannot be prepared ({type(error).__name__})."}, b""
    facts = {
        "hash": digest,
        "width": opened.width,
        "height": opened.height,
        "format": opened.format,
        "taken": opened.taken,
    }
    return {**state, **facts}, square.tobytes()
