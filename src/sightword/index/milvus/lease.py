"""One writer among all clients, by rows in the collection itself.

The server has no locks. But a strongly consistent read sees every write that was acknowledged before it
began; so: write down your own name, read all names, and step back if there is another. Of two that come at
once at least one sees the other. A name holds for a minute and is written again while its holder lives; a
holder that was killed on this machine is recognised at once.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
import uuid
from datetime import datetime, timezone
from typing import Any

from sightword.errors import IndexBusy, SightwordError
from sightword.index.milvus.collection import Collection
from sightword.index.milvus.entities import note_entity
from sightword.index.milvus.schema import NOTE

__all__ = ["LASTS", "Lease", "holder_of"]

LASTS = 60.0
"""Seconds that a name holds; the clocks of writers should agree to within a few of them."""

_PREFIX = "note:lease:"


class Lease:
    """The right to write; use `take` and `release`.

    Parameters
    ----------
    collection : Collection
    dim : int
        Of the collection's vectors.
    """

    def __init__(self, collection: Collection, dim: int) -> None:
        self._collection, self._dim = collection, dim
        self._name = f"lease:{uuid.uuid4().hex}"
        self._key = f"note:{self._name}"
        self._since = datetime.now(timezone.utc).isoformat(timespec="seconds")
        self._holds_until = 0.0
        self._lost = False
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def take(self) -> None:
        """Become the writer.

        Raises
        ------
        IndexBusy
            Somebody else is; the sentence names them.
        """
        self._write_down()
        others = [row for row in self._read() if row["key"] != self._key]
        held = [row for row in others if _is_alive(row["note"])]
        if held:
            self._collection.delete([self._key])
            holder = _described(held[0]["note"])
            raise IndexBusy(
                f"The index {self._collection.connection.address.plain} is being written by {holder}.",
                "Searching works meanwhile; to write, wait until it is done or end it.",
                holder,
            )
        self._collection.delete([row["key"] for row in others])
        self._thread = threading.Thread(target=self._keep, daemon=True, name="sightword-lease")
        self._thread.start()

    def check(self) -> None:
        """Make sure, before writing, that the right still holds.

        Raises
        ------
        IndexBusy
            This process slept for too long, and another took over.
        """
        if self._lost or time.monotonic() > self._holds_until:
            self._renew()

    def release(self) -> None:
        """Let others write; a server that does not answer just now forgets by itself."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        with contextlib.suppress(SightwordError):
            self._collection.delete([self._key])

    def _keep(self) -> None:
        while not self._stop.wait(LASTS / 3):
            # What goes wrong here is told where the next batch is written.
            with contextlib.suppress(SightwordError):
                self._renew()

    def _renew(self) -> None:
        with self._lock:
            if self._lost or all(row["key"] != self._key for row in self._read()):
                self._lost = True
                raise IndexBusy(
                    f"Another process took over writing {self._collection.connection.address.plain}, "
                    f"as this one had not been heard of for {LASTS:.0f} s.",
                    "Run it again; what was written is kept.",
                )
            self._write_down()

    def _write_down(self) -> None:
        begun = time.monotonic()
        text = json.dumps(
            {
                "place": _place(),
                "host": socket.gethostname(),
                "pid": os.getpid(),
                "since": self._since,
                "until": time.time() + LASTS,
            }
        )
        self._collection.upsert([note_entity(self._name, text, self._dim)])
        self._holds_until = begun + LASTS * 0.8

    def _read(self) -> list[dict[str, Any]]:
        return _rows(self._collection)


def holder_of(collection: Collection) -> str | None:
    """Who is writing just now; None for nobody."""
    return next((_described(row["note"]) for row in _rows(collection) if _is_alive(row["note"])), None)


def _rows(collection: Collection) -> list[dict[str, Any]]:
    rows = collection.query(f"status == {NOTE}", ["key", "note"], "strong")
    return [row for row in rows if row["key"].startswith(_PREFIX)]


def _place() -> str:
    """What process numbers count in: this machine, and the container within it."""
    try:
        return f"{socket.gethostname()} {os.readlink('/proc/self/ns/pid')}"  # noqa: PTH115 - not a file
    except OSError:
        return socket.gethostname()


def _is_alive(note: str) -> bool:
    try:
        said = json.loads(note)
        if said["until"] < time.time():
            return False
        return said["place"] != _place() or _runs(int(said["pid"]))
    except (ValueError, KeyError, TypeError):
        return False


def _runs(pid: int) -> bool:
    if os.name == "nt":
        return True  # asking would need a handle; the name runs out by itself
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _described(note: str) -> str:
    try:
        said = json.loads(note)
        return f"process {int(said['pid'])} on {said['host']} since {said['since']}"
    except (ValueError, KeyError, TypeError):
        return "another process"
