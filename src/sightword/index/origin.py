"""Which folder an index elsewhere was filled from: what tells the wrong folder from an unplugged drive."""

from __future__ import annotations

import os
import socket

from sightword.pictures.names import display

__all__ = ["origin_of"]


def origin_of(folder: str | bytes | os.PathLike[str]) -> str:
    """A folder as an index elsewhere remembers it: ``machine:/absolute/path``, links followed.

    Two machines see a shared drive under two such names, so another name alone proves nothing.
    """
    return f"{socket.gethostname()}:{display(os.path.realpath(os.fsencode(folder)))}"
