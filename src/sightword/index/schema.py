"""The tables, and what makes a database file ours.

A database that came with a stranger's folder is accepted only when its schema is, text for text, the one
below: no triggers, views or virtual tables of somebody else's can run.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sightword.errors import IndexCorrupt
from sightword.index.base import Manifest

__all__ = ["APPLICATION_ID", "SCHEMA", "VERSION", "create_schema", "read_manifest", "verify_schema"]

APPLICATION_ID = 0x53775264  # "SwRd"
VERSION = 1

SCHEMA = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY NOT NULL, value NOT NULL) WITHOUT ROWID",
    # AUTOINCREMENT: an id is never used again, so a matrix row never changes its meaning.
    "CREATE TABLE pictures (id INTEGER PRIMARY KEY AUTOINCREMENT, path BLOB NOT NULL UNIQUE,"
    " size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, content_hash BLOB NOT NULL,"
    " width INTEGER NOT NULL, height INTEGER NOT NULL, format TEXT NOT NULL, taken REAL,"
    " gone INTEGER NOT NULL DEFAULT 0)",
    # Hashes arrive in random order: six bytes tell pictures apart and keep the index small.
    "CREATE INDEX pictures_by_hash ON pictures (substr(content_hash, 1, 6))",
    "CREATE INDEX pictures_gone ON pictures (id) WHERE gone <> 0",
    "CREATE TABLE vectors (id INTEGER PRIMARY KEY NOT NULL, unit BLOB NOT NULL, norm REAL NOT NULL)",
    "CREATE TABLE failures (path BLOB PRIMARY KEY NOT NULL, size INTEGER NOT NULL,"
    " mtime_ns INTEGER NOT NULL, reason TEXT NOT NULL) WITHOUT ROWID",
    # What happened to rows that a matrix file or a reader may already hold.
    "CREATE TABLE changes (seq INTEGER PRIMARY KEY AUTOINCREMENT, id INTEGER NOT NULL,"
    " live INTEGER NOT NULL)",
)


def create_schema(connection: sqlite3.Connection, manifest: Manifest) -> None:
    """Fill an empty database, in one transaction of the caller."""
    for statement in SCHEMA:
        connection.execute(statement)
    values = {
        "backbone": manifest.backbone,
        "weights_hash": manifest.weights_hash,
        "preprocess": manifest.preprocess,
        "dim": manifest.dim,
        "dtype": manifest.dtype,
        "generation": 0,
        "token": "",
        "matrix_seq": 0,
        "log_floor": 0,
    }
    connection.executemany("INSERT INTO meta VALUES (?, ?)", values.items())
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {VERSION}")


def verify_schema(connection: sqlite3.Connection, path: Path) -> None:
    """Raise IndexCorrupt unless the database is ours and of a version this release reads."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    if application != APPLICATION_ID:
        raise IndexCorrupt(f"{path} is a database of another program.", "Move it away, then index again.")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version != VERSION:
        newer = version > VERSION
        raise IndexCorrupt(
            f"{path} has schema version {version}; this release reads version {VERSION}.",
            "Upgrade Sightword." if newer else "Delete it and index again.",
        )
    found = connection.execute(
        "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"
        " AND name NOT IN ('sqlite_sequence', 'sqlite_stat1', 'sqlite_stat4')"
    )
    if sorted(str(row[0]) for row in found) != sorted(SCHEMA):
        raise IndexCorrupt(
            f"{path} does not have the tables of a Sightword index.",
            "Run `sightword check` to set it aside, then index again.",
        )


def read_manifest(connection: sqlite3.Connection, path: Path) -> Manifest:
    """The manifest, every value checked; else IndexCorrupt."""
    meta = dict(connection.execute("SELECT key, value FROM meta"))
    try:
        manifest = Manifest(
            backbone=meta["backbone"],
            weights_hash=meta["weights_hash"],
            preprocess=meta["preprocess"],
            dim=meta["dim"],
            dtype=meta["dtype"],
            schema=VERSION,
        )
        sound = (
            isinstance(manifest.backbone, str)
            and isinstance(manifest.weights_hash, str)
            and manifest.preprocess in ("clip", "product")
            and isinstance(manifest.dim, int)
            and 0 < manifest.dim <= 65536
            and manifest.dtype in ("float32", "bfloat16")
            and isinstance(meta["generation"], int)
            and 0 <= meta["generation"] < 2**31
            and isinstance(meta["token"], str)
            and isinstance(meta["matrix_seq"], int)
            and isinstance(meta["log_floor"], int)
        )
    except KeyError:
        sound = False
    if not sound:
        raise IndexCorrupt(
            f"{path} has a damaged manifest.", "Run `sightword check` to set it aside, then index again."
        )
    return manifest
