"""What an index is: a manifest, pictures with their vectors, and a scan (design.md, "Index and engines").

Paths are bytes relative to the folder (``os.fsencode``, ``/`` between parts); ids are integers that are
never reused. A *live* picture has a vector and its file was there at the last scan.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from sightword.backbones.base import Array
from sightword.index.where import Expr

__all__ = [
    "CheckReport",
    "Failure",
    "FileState",
    "Manifest",
    "Picture",
    "PictureRow",
    "Scored",
    "Stored",
    "VectorStore",
    "Writer",
]


@dataclass(frozen=True)
class Manifest:
    """What the index holds; another backbone's vectors are refused."""

    backbone: str
    weights_hash: str
    preprocess: Literal["clip", "product"]
    dim: int
    dtype: Literal["float32", "bfloat16"] = "float32"
    schema: int = 1


@dataclass(frozen=True)
class FileState:
    """What the index knows of one path; compared with the disk to find changes."""

    id: int | None
    """Picture id, or None for a file that failed."""
    size: int
    mtime_ns: int
    content_hash: bytes
    """sha256 over the whole file, 32 bytes; empty when the file could not be read."""
    status: Literal["live", "gone", "failed"]


@dataclass(frozen=True)
class Picture:
    """One picture to remember: what was read from the file, and its raw feature."""

    path: bytes
    size: int
    mtime_ns: int
    content_hash: bytes
    width: int
    height: int
    format: str
    """Pillow's format name in lower case, such as ``jpeg``."""
    taken: float | None
    """When the picture was taken (EXIF; local time read as UTC), else None. Seconds since 1970."""
    feature: Array
    """Raw feature, float32 [D]; the store keeps the unit vector and the norm."""


@dataclass(frozen=True)
class PictureRow:
    """A remembered picture without its vector."""

    id: int
    path: bytes
    size: int
    mtime_ns: int
    content_hash: bytes
    width: int
    height: int
    format: str
    taken: float | None


@dataclass(frozen=True)
class Failure:
    """A file that could not be read, and why (one sentence)."""

    path: bytes
    size: int
    mtime_ns: int
    reason: str


@dataclass(frozen=True)
class Scored:
    """One result of a scan: score is the cosine, rounded to 1e-6."""

    picture: PictureRow
    score: float


@dataclass(frozen=True)
class Stored:
    """One picture exactly as an index keeps it: what moves to another index (`index/transfer.py`)."""

    row: PictureRow
    """With the id that it has where it was read."""
    unit: Array
    """The unit vector, float32 [D], bit for bit what is kept."""
    norm: float
    """Length of the raw feature; the 64-bit float that is kept."""
    gone: bool


@dataclass(frozen=True)
class CheckReport:
    """What ``check`` found, and what it mended."""

    pictures: int
    problems: list[str] = field(default_factory=list)
    repaired: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """True when nothing is left broken."""
        return len(self.problems) == len(self.repaired)


class Writer(Protocol):
    """The single writer. Every call is one durable transaction; readers see all of it or nothing."""

    def add(self, pictures: Sequence[Picture]) -> None:
        """Insert or replace pictures by path; clears an earlier failure of the same path."""
        ...

    def fail(self, failures: Sequence[Failure]) -> None:
        """Record files that cannot be read; an older picture of that path is removed."""
        ...

    def touch(self, states: Mapping[bytes, tuple[int, int]]) -> None:
        """Record new (size, mtime_ns) of files whose content did not change; revives gone ones."""
        ...

    def move(self, pairs: Sequence[tuple[bytes, bytes, int, int]]) -> None:
        """Record renamed files as (old path, new path, size, mtime_ns); ids and vectors stay."""
        ...

    def mark_gone(self, paths: Iterable[bytes]) -> None:
        """Hide pictures whose files vanished; kept until `compact`. Failures of such paths are dropped."""
        ...

    def filled_from(self, origin: str) -> None:
        """Keep the name of the folder (`index/origin.py`) whose pictures these are; nothing for an
        index that lies in its folder's usual place."""
        ...

    def restore(self, items: Sequence[Stored]) -> None:
        """Insert or replace pictures by path as another index kept them: unit vector, norm and gone mark bit
        for bit, under new ids; clears a failure of the same path. Paths are unique within a call. The caller
        (`index/transfer.py`) has checked that vectors are finite and of unit length.
        """
        ...


class VectorStore(Protocol):
    """The seam behind which an index lives: on this disk, or on a cluster."""

    manifest: Manifest

    @property
    def pictures(self) -> str | None:
        """Template of the addresses at which pictures can be seen (`pictures/address.py`), if the back end
        keeps one. Always None on this disk: an index may have come with a stranger's folder.
        """
        ...

    def set_pictures(self, template: str | None) -> None:
        """Keep (None: forget) such a template, already checked by the caller. UsageError on this disk."""
        ...

    @property
    def origin(self) -> str | None:
        """The folder that it was filled from; empty when that is not known. None in the usual place on this
        disk, where an index belongs to the folder that it is asked with.
        """
        ...

    def writer(self) -> AbstractContextManager[Writer]:
        """The one writer; leaving it brings derived files up to date. Raises IndexBusy."""
        ...

    def known(self) -> dict[bytes, FileState]:
        """State of every path, live, gone or failed."""
        ...

    def scan(
        self,
        query: Array,
        k: int,
        *,
        where: Expr | None = None,
        exclude_hashes: Collection[bytes] = (),
    ) -> list[Scored]:
        """The k live pictures with the highest cosine; ties by path.

        Parameters
        ----------
        query : float32 [D], unit length
        """
        ...

    def background(self, query: Array) -> tuple[float, float]:
        """Mean and standard deviation of the cosine between the query and the live pictures."""
        ...

    def get(self, picture_id: int) -> Array:
        """The raw feature of one picture, float32 [D]."""
        ...

    def vectors(self, picture_ids: Sequence[int]) -> Array:
        """Unit vectors, float32 [n, D], in the order asked."""
        ...

    def stored(self, picture_ids: Sequence[int]) -> list[Stored]:
        """Pictures as they are kept, live and gone, in the order asked; ids that are no more are left out.

        Raises IndexCorrupt when one of them is damaged; asked alone, each tells for itself.
        """
        ...

    def row(self, picture_id: int) -> PictureRow:
        """One picture by its id, live or gone, without walking the others. UsageError for an unknown id."""
        ...

    def find(self, path: bytes) -> PictureRow | None:
        """The live picture at this path."""
        ...

    def by_hash(self, content_hash: bytes) -> list[PictureRow]:
        """Live pictures with this content."""
        ...

    def failures(self) -> list[Failure]:
        """Files that could not be read."""
        ...

    def info(self) -> dict[str, Any]:
        """Counts and sizes: pictures, failed, gone, bytes, backbone, preprocess, dim, dtype, location, ..."""
        ...

    def check(self, *, repair: bool = True) -> CheckReport:
        """Verify everything and rebuild what is derived."""
        ...

    def compact(self) -> int:
        """Forget vanished pictures and give space back; returns bytes freed."""
        ...

    def settle(self, *, written: bool = True) -> None:
        """Wait until an approximate index, if there is one, finds what was written as it will from now on.

        With `written` false nothing was: unless something else is still to be indexed, nothing happens.
        """
        ...

    def close(self) -> None:
        """Release files."""
        ...
