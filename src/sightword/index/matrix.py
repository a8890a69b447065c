"""The derived matrix file: all vectors up to some row, ready to be mapped into memory.

Layout: one page of header, the rows, then (64-byte aligned) their ids (int64, ascending) and which are live
(uint8). The file's name carries its generation; the database says which generation is current, and a random
token ties the two together, so a restored database never meets a stranger's matrix.
"""

from __future__ import annotations

import mmap
import os
import re
import secrets
import sqlite3
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sightword.index.base import Manifest
from sightword.index.files import Disk, failpoint
from sightword.index.rows import joined

__all__ = [
    "Matrix",
    "last_change",
    "matrix_bytes",
    "matrix_files",
    "open_matrix",
    "row_dtype",
    "unmap",
    "warm",
    "write_matrix",
]

_PAGE = 4096
_HEADER = struct.Struct("<8sIIIIQqqQ32s")
_MAGIC = b"SWMATRIX"
_NAME = re.compile(r"matrix-(\d{6,})\.bin")
_ROWS_AT_ONCE = 4096


@dataclass(frozen=True)
class Matrix:
    """A mapped generation.

    Attributes
    ----------
    rows : [n, D] float32, or uint16 holding bfloat16
    ids : int64 [n], ascending
    live : uint8 [n], as of change `seq`
    max_id, seq : int
        The highest id and the last change that the file knows.
    mapped : mmap
        The file, of which `rows`, `ids` and `live` are parts.
    """

    generation: int
    token: str
    rows: NDArray[Any]
    ids: NDArray[np.int64]
    live: NDArray[np.uint8]
    max_id: int
    seq: int
    mapped: mmap.mmap


def row_dtype(dtype: Literal["float32", "bfloat16"]) -> np.dtype[Any]:
    """How one stored value looks in memory."""
    return np.dtype("<f4") if dtype == "float32" else np.dtype("<u2")


def matrix_name(generation: int) -> str:
    """File name of one generation."""
    return f"matrix-{generation:06d}.bin"


def matrix_files(directory: Path) -> dict[Path, int | None]:
    """Matrix files and their generations; None for unfinished ones."""
    found: dict[Path, int | None] = {}
    for path in directory.glob("matrix-*"):
        match = _NAME.fullmatch(path.name)
        found[path] = int(match[1]) if match else None
    return found


def _layout(rows: int, dim: int, itemsize: int) -> tuple[int, int, int]:
    ids = _PAGE + rows * dim * itemsize
    ids += -ids % 64
    live = ids + 8 * rows
    return ids, live, live + rows


def write_matrix(
    connection: sqlite3.Connection, directory: Path, manifest: Manifest, disk: Disk
) -> tuple[int, str]:
    """Write the next generation from the database and make it current.

    The caller holds the writer lock and no transaction. Returns the generation and its token.

    Raises
    ------
    IndexCorrupt
        When a row's vector has the wrong length.
    """
    meta = dict(connection.execute("SELECT key, value FROM meta"))
    generation = int(meta["generation"]) + 1
    token = secrets.token_hex(16)
    target = directory / matrix_name(generation)
    unfinished = target.with_name(target.name + ".tmp")
    itemsize = row_dtype(manifest.dtype).itemsize
    width = manifest.dim * itemsize
    connection.execute("BEGIN")
    try:
        seq = last_change(connection)
        cursor = connection.execute(
            "SELECT v.id, p.gone, v.unit FROM vectors v JOIN pictures p ON p.id = v.id ORDER BY v.id"
        )
        ids: list[NDArray[np.int64]] = []
        live: list[NDArray[np.uint8]] = []
        with disk.create(unfinished) as file:
            disk.write(file, bytes(_PAGE))
            while chunk := cursor.fetchmany(_ROWS_AT_ONCE):
                some, gone, units = zip(*chunk)
                ids.append(np.array(some, dtype="<i8"))
                live.append(np.array(gone) == 0)
                disk.write(file, joined(units, width))
                failpoint("matrix.during_write")
            all_ids = np.concatenate(ids) if ids else np.zeros(0, "<i8")
            rows = len(all_ids)
            max_id = int(all_ids[-1]) if rows else 0
            where_ids, _, _ = _layout(rows, manifest.dim, itemsize)
            disk.write(file, bytes(where_ids - _PAGE - rows * width))
            disk.write(file, all_ids.tobytes())
            disk.write(file, b"".join(part.astype(np.uint8).tobytes() for part in live))
            header = _HEADER.pack(
                _MAGIC, 1, itemsize, manifest.dim, 0, rows, max_id, seq, generation, token.encode()
            )
            file.seek(0)
            disk.write(file, header + struct.pack("<I", zlib.crc32(header)))
            disk.sync(file)
    except BaseException:
        disk.remove(unfinished)
        raise
    finally:
        connection.execute("COMMIT")
    failpoint("matrix.before_rename")
    disk.rename(unfinished, target)
    disk.sync_dir(directory)
    failpoint("matrix.after_rename")
    connection.execute("BEGIN IMMEDIATE")
    # Readers may stay with the generation before for a while: the log goes back to its beginning.
    floor = meta["matrix_seq"]
    facts = {"generation": generation, "token": token, "matrix_seq": seq, "log_floor": floor}
    connection.executemany("UPDATE meta SET value = ? WHERE key = ?", [(v, k) for k, v in facts.items()])
    connection.execute("DELETE FROM changes WHERE seq <= ?", (floor,))
    disk.commit(connection)
    failpoint("matrix.after_commit")
    return generation, token


def warm(matrix: Matrix, start: int, length: int) -> int:
    """Bring some bytes of the rows into this process's page tables; returns where to go on.

    The first pass over a fresh mapping takes twice as long as the second (measured at 1.5 GB). One byte of
    every page is read; populating with ``madvise`` would hold Python's lock meanwhile.
    """
    flat = matrix.rows.reshape(-1).view(np.uint8)
    flat[start : start + length : _PAGE].max(initial=0)
    return start + length


def unmap(matrix: Matrix, start: int, length: int) -> int:
    """Take some bytes out of this process's page tables; returns where to go on.

    Harmless to whoever still uses them: they come back from the file. Closing a mapping does all of this at
    once and holds Python's lock meanwhile.
    """
    if hasattr(mmap, "MADV_DONTNEED") and start < len(matrix.mapped):
        matrix.mapped.madvise(mmap.MADV_DONTNEED, start, min(length, len(matrix.mapped) - start))
    return start + length


def matrix_bytes(directory: Path, generation: int) -> int:
    """Size of a generation's file; 0 when it is not there."""
    try:
        return (directory / matrix_name(generation)).stat().st_size
    except OSError:
        return 0


def last_change(connection: sqlite3.Connection) -> int:
    """Number of the last change that was ever logged."""
    # The log may have been emptied; its counter goes on, and readers compare with it.
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'changes'").fetchone()
    return int(row[0]) if row else 0


def open_matrix(directory: Path, manifest: Manifest, generation: int, token: str) -> Matrix | None:
    """Map one generation for reading; None when it is not there or not what the database expects."""
    path = directory / matrix_name(generation)
    dtype = row_dtype(manifest.dtype)
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
    except OSError:
        return None
    try:
        size = os.fstat(handle).st_size
        if size < _PAGE:
            return None
        mapped = mmap.mmap(handle, size, access=mmap.ACCESS_READ)
    except (OSError, ValueError):
        return None
    finally:
        os.close(handle)
    header = mapped[: _HEADER.size]
    magic, version, itemsize, dim, _, rows, max_id, seq, number, mark = _HEADER.unpack(header)
    (checksum,) = struct.unpack_from("<I", mapped, _HEADER.size)
    expected = (_MAGIC, 1, dtype.itemsize, manifest.dim, generation, token.encode())
    if (magic, version, itemsize, dim, number, mark) != expected or checksum != zlib.crc32(header):
        return None
    if rows > size // max(1, dim * itemsize):
        return None
    where_ids, where_live, end = _layout(rows, dim, itemsize)
    if end != size:
        return None
    ids = np.frombuffer(mapped, "<i8", rows, where_ids)
    if rows and (ids[-1] != max_id or bool(np.any(ids[1:] <= ids[:-1]))):
        return None
    data = np.frombuffer(mapped, dtype, rows * dim, _PAGE).reshape(rows, dim)
    live = np.frombuffer(mapped, np.uint8, rows, where_live)
    return Matrix(generation, token, data, ids, live, max_id, seq, mapped)
