"""Which folder an index elsewhere was filled from: what tells the wrong folder from an unplugged drive.

Kept as ``MACHINE#ID:/PATH``. The machine's name is for people, as laptops change it with the network and
containers with every start; the id stays. Older collections have ``MACHINE:/PATH``, which is still read.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import socket
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sightword.config import cache_home
from sightword.errors import IndexProblem
from sightword.pictures.names import display

if TYPE_CHECKING:
    from sightword.index.base import VectorStore

__all__ = ["learn", "origin_of", "same_origin", "shown_origin"]

_SYSTEM_IDS = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))
_FORM = re.compile(r"(?P<name>[^:#]*)(?:#(?P<id>[0-9a-f]{16}))?:(?P<path>.*)", re.DOTALL)


def origin_of(folder: str | bytes | os.PathLike[str]) -> str:
    """A folder as an index elsewhere remembers it: machine and absolute path, links followed.

    Two machines see a shared drive under two such names, so another name alone proves nothing.
    """
    machine = _machine()
    mark = f"#{machine}" if machine else ""
    return f"{socket.gethostname()}{mark}:{display(os.path.realpath(os.fsencode(folder)))}"


def same_origin(one: str, other: str) -> bool:
    """Whether both name one folder: the same path, on machines that share their id or their name.

    Examples
    --------
    >>> same_origin("laptop#0123456789abcdef:/photos", "dhcp-7#0123456789abcdef:/photos")
    True
    >>> same_origin("laptop:/photos", "laptop#0123456789abcdef:/photos")
    True
    >>> same_origin("laptop:/photos", "laptop:/other"), same_origin("", "")
    (False, False)
    """
    here, there = _FORM.fullmatch(one), _FORM.fullmatch(other)
    if here is None or there is None or here["path"] != there["path"]:
        return False
    return here["name"] == there["name"] or (here["id"] is not None and here["id"] == there["id"])


def shown_origin(origin: str) -> str:
    """For people: without the id.

    Examples
    --------
    >>> shown_origin("laptop#0123456789abcdef:/photos")
    'laptop:/photos'
    """
    found = _FORM.fullmatch(origin)
    return display(origin if found is None else f"{found['name']}:{found['path']}")


def learn(store: VectorStore, origin: str) -> None:
    """Let an index that turned out to be a folder's remember it, unless it cannot be written now."""
    with suppress(IndexProblem), store.writer() as writer:
        writer.filled_from(origin)


def _machine() -> str:
    """16 hexadecimal digits that stay the same; nothing when there is no place to keep them."""
    for path in _SYSTEM_IDS:
        with suppress(OSError, ValueError):
            system = path.read_text("ascii").strip()
            if re.fullmatch("[0-9a-f]{32}", system):  # its manual asks not to show it: others go by it
                return hashlib.sha256(b"sightword origin" + system.encode()).hexdigest()[:16]
    with suppress(OSError, ValueError):
        return _kept(cache_home() / "machine")
    return ""


def _kept(path: Path) -> str:
    """A random id of our own, made when it is first asked for."""
    with suppress(OSError, ValueError):
        known = path.read_text("ascii").strip()
        if re.fullmatch("[0-9a-f]{16}", known):
            return known
    made = secrets.token_hex(8)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{made}")
    part.write_text(made + "\n", "ascii")
    part.replace(path)
    return path.read_text("ascii").strip()  # another process may have been at it too
