"""A package that a data set is made from: what it is, and where its file may lie already."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

__all__ = ["Source", "find", "read_sources", "sha256_of"]

ARCHIVES = (".tgz", ".deb", ".gz", ".zip", ".whl")


@dataclass(frozen=True)
class Source:
    """One pinned package.

    Attributes
    ----------
    registry : {"npm", "debian"}
    name, version : str
    file : str
        What its file is called there.
    bytes : int
        Size of the file.
    sha256 : str
    licence, author, use : str
        Told in the manifest of what is built.
    path : str
        Where it lies in a Debian mirror.
    """

    registry: Literal["npm", "debian"]
    name: str
    version: str
    file: str
    bytes: int
    sha256: str
    licence: str
    author: str
    use: str
    path: str = ""

    @property
    def url(self) -> str:
        """The package URL (purl), which names registry, package and version but no server.

        Examples
        --------
        >>> Source("npm", "@a/b", "1.0", "a-b-1.0.tgz", 1, "", "", "", "").url
        'pkg:npm/%40a/b@1.0'
        """
        kind = {"npm": "npm", "debian": "deb/debian"}[self.registry]
        return f"pkg:{kind}/{quote(self.name)}@{quote(self.version, safe=':+')}"

    def as_json(self) -> dict[str, Any]:
        """For a manifest."""
        return {
            "package": self.url,
            "version": self.version,
            "file": self.file,
            "bytes": self.bytes,
            "sha256": self.sha256,
            "licence": self.licence,
            "author": self.author,
            "use": self.use,
        }


def read_sources(path: Path) -> list[Source]:
    """The packages listed in a JSON file."""
    return [Source(**entry) for entry in json.loads(path.read_text(encoding="utf-8"))]


def sha256_of(path: Path) -> str:
    """sha256 of a file, in hexadecimal; read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def find(source: Source, places: Iterable[Path]) -> Path | None:
    """The package's file in one of these folders, whatever it is called there.

    Package managers save one file under different names (``1%3a0.18`` or ``0.18``), so the content decides.
    """
    for place in places:
        for path in sorted(place.iterdir()) if place.is_dir() else []:
            like_it = path.suffix in ARCHIVES and path.is_file() and path.stat().st_size == source.bytes
            if like_it and sha256_of(path) == source.sha256:
                return path
    return None
