"""Opening the database, and saying in a sentence why it cannot be used."""

from __future__ import annotations

import errno
import os
import shlex
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sightword.errors import IndexBusy, IndexCorrupt, IndexMissing, IndexProblem, SightwordError

__all__ = [
    "BESIDE",
    "DATABASE",
    "Reader",
    "connect_reader",
    "connect_writer",
    "prepare",
    "refuse_links",
    "told",
]

DATABASE = "index.db"

BESIDE = ".sightword"
"""Folder of an index beside its pictures."""

_CHECK = "Run `sightword check` to repair it."
_FULL = (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC))


def _sentence(error: sqlite3.DatabaseError, path: Path) -> SightwordError | None:
    text = str(error)
    said = text.lower()
    if "disk is full" in said:
        return _disk_full(path)
    if "locked" in said or "busy" in said:
        return IndexBusy(f"The index {path} is in use by another program ({text}).", "Try again in a moment.")
    if "readonly" in said:
        return IndexProblem(f"The index {path} cannot be written.", "Choose another place with --index PATH.")
    if "disk i/o" in said:
        return IndexProblem(
            f"The index {path} cannot be read or written ({text}).",
            "Is the drive full, worn or unplugged? What was remembered before is kept.",
        )
    if "unable to open" in said:
        return IndexProblem(f"The index {path} cannot be opened.", "Check that the folder may be read.")
    damaged = ("not a database", "malformed", "corrupt", "no such", "decode", "unsupported file format")
    if any(word in said for word in damaged):
        return IndexCorrupt(f"The index {path} is damaged ({text}).", _CHECK)
    return None


def _disk_full(path: Path) -> SightwordError:
    return SightwordError(
        f"There is no room left on the disk for the index {path}; what was remembered before is kept.",
        "Free some space, or put the index elsewhere with --index PATH.",
    )


def _pasteable(error: SightwordError, path: Path) -> SightwordError:
    """The same error with the folder in the command that its hint names."""
    if error.hint and "`sightword check`" in error.hint:
        directory = path.parent
        beside = directory.name == BESIDE
        words = [str(directory.parent)] if beside else ["FOLDER", "--index", str(directory)]
        command = shlex.join(["sightword", "check", *words])
        error.hint = error.hint.replace("`sightword check`", f"`{command}`")
    return error


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn errors of the database or a full disk into sentences that name `path`."""
    try:
        yield
    except (sqlite3.ProgrammingError, sqlite3.IntegrityError):
        raise
    except sqlite3.DatabaseError as error:
        sentence = _sentence(error, path)
        if sentence is None:
            raise
        raise _pasteable(sentence, path) from error
    except IndexProblem as error:
        _pasteable(error, path)
        raise
    except OSError as error:
        if error.errno in _FULL:
            raise _disk_full(path) from error
        raise


def refuse_links(directory: Path) -> None:
    """Raise IndexCorrupt when a file of the index is a link, a pipe or a folder.

    The directory may have come with a stranger's pictures; a link in it could lead our writes anywhere.
    """
    with os.scandir(directory) as entries:
        for entry in entries:
            mode = entry.stat(follow_symlinks=False).st_mode
            if not stat.S_ISREG(mode) and entry.name.startswith((DATABASE, "matrix-", "lock")):
                raise IndexCorrupt(
                    f"{entry.path} is not a plain file.", "An index must not lead elsewhere; remove it."
                )


def prepare(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Settings that make a database of unknown origin harmless."""
    connection.isolation_level = None
    for pragma in ("trusted_schema = OFF", "cell_size_check = ON", "mmap_size = 0", "busy_timeout = 10000"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def connect_writer(directory: Path) -> sqlite3.Connection:
    """A connection for the holder of the writer lock; every commit reaches the medium."""
    path = directory / DATABASE
    connection = prepare(_connect(path, "mode=rw"))
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "fullfsync = ON",
        "checkpoint_fullfsync = ON",
        "foreign_keys = OFF",
        "cache_size = -65536",
        "wal_autocheckpoint = 8192",
    ):
        connection.execute(f"PRAGMA {pragma}")
    return connection


@dataclass
class Reader:
    """A reading connection and how it was made.

    ``shared`` sees what a writer commits; ``frozen`` takes the file as unchangeable (nobody can write there);
    ``copy`` reads a private copy, because a log lies beside the database and cannot be shared.
    """

    connection: sqlite3.Connection
    mode: Literal["shared", "frozen", "copy"]
    copy: tempfile.TemporaryDirectory[str] | None = None

    def close(self) -> None:
        """Close the connection and remove the copy."""
        self.connection.close()
        if self.copy is not None:
            self.copy.cleanup()


def connect_reader(directory: Path, *, writable: bool) -> Reader:
    """A connection that never changes the database.

    Parameters
    ----------
    directory : Path
        The index directory.
    writable : bool
        Whether files can be made there; SQLite needs one for its shared memory.
    """
    path = directory / DATABASE
    if not path.is_file():
        raise IndexMissing(f"There is no index at {directory}.", "Make one with `sightword index FOLDER`.")
    log = path.with_name(DATABASE + "-wal")
    if writable:
        return Reader(prepare(_connect(path, "mode=ro")), "shared")
    if not log.exists() or log.stat().st_size == 0:
        return Reader(prepare(_connect(path, "mode=ro&immutable=1")), "frozen")
    connection = _connect(path, "mode=ro")
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return Reader(
            prepare(connection), "shared"
        )  # a writer with more rights is at work and shares its log
    except sqlite3.OperationalError:
        connection.close()
    copy = tempfile.TemporaryDirectory(prefix="sightword-")
    target = Path(copy.name) / DATABASE
    shutil.copyfile(path, target)
    shutil.copyfile(log, target.with_name(log.name))
    return Reader(prepare(_connect(target, "mode=rw")), "copy", copy)


def _connect(path: Path, options: str) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?{options}"
    return sqlite3.connect(uri, uri=True, check_same_thread=False, timeout=10)
