"""Messages between the program and its decoding workers: a JSON head and raw bytes, each with its length.

Nothing is unpickled: what comes out of a worker, which has just parsed a stranger's file, is only data.
"""

from __future__ import annotations

import json
import struct
from typing import IO, Any

__all__ = ["receive", "send"]

_LENGTHS = struct.Struct("<II")


def send(pipe: IO[bytes], head: dict[str, Any], body: bytes = b"") -> None:
    """Write one message.

    Raises
    ------
    OSError
        The other side is gone.
    """
    text = json.dumps(head).encode("ascii")
    pipe.write(_LENGTHS.pack(len(text), len(body)) + text + body)
    pipe.flush()


def receive(pipe: IO[bytes]) -> tuple[dict[str, Any], bytes] | None:
    """Read one message; None when the other side is gone, even in the middle of it."""
    lengths = pipe.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        return None
    head_length, body_length = _LENGTHS.unpack(lengths)
    text = pipe.read(head_length)
    body = pipe.read(body_length)
    if len(text) < head_length or len(body) < body_length:
        return None
    return json.loads(text), body
