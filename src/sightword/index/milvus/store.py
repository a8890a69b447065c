"""The index on a Milvus cluster, behind the same seam as the one on this disk."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from typing import Any

from sightword.backbones.base import Array
from sightword.index.base import (
    CheckReport,
    Failure,
    FileState,
    Manifest,
    PictureRow,
    Scored,
    Stored,
    Writer,
)
from sightword.index.milvus.address import Address
from sightword.index.where import Expr

__all__ = ["MilvusStore"]


class MilvusStore:
    """`VectorStore` in a collection of a Milvus server; make one with `open` or `create`.

    Attributes
    ----------
    address : Address
    manifest : Manifest
    """

    address: Address
    manifest: Manifest

    @classmethod
    def open(cls, address: Address) -> MilvusStore:
        """Open a collection that is there.

        Raises
        ------
        IndexMissing
            There is no such collection.
        IndexCorrupt
            It is not Sightword's, or of a newer version.
        IndexProblem
            The server does not answer, or does not let us in.
        ModelUnavailable
            The extra ``[milvus]`` is not installed.
        """
        raise NotImplementedError

    @classmethod
    def create(cls, address: Address, manifest: Manifest, *, expected: int = 0) -> MilvusStore:
        """Open the collection, and make it before if there is none.

        A collection that was there keeps its manifest: compare with `sightword.index.store.require`.

        Parameters
        ----------
        address : Address
        manifest : Manifest
        expected : int
            About how many pictures will come, for ``index=auto``.
        """
        raise NotImplementedError

    @property
    def pictures(self) -> str | None:
        raise NotImplementedError

    def set_pictures(self, template: str | None) -> None:
        raise NotImplementedError

    def writer(self) -> AbstractContextManager[Writer]:
        raise NotImplementedError

    def known(self) -> dict[bytes, FileState]:
        raise NotImplementedError

    def scan(
        self,
        query: Array,
        k: int,
        *,
        where: Expr | None = None,
        exclude_hashes: Collection[bytes] = (),
    ) -> list[Scored]:
        raise NotImplementedError

    def background(self, query: Array) -> tuple[float, float]:
        raise NotImplementedError

    def get(self, picture_id: int) -> Array:
        raise NotImplementedError

    def vectors(self, picture_ids: Sequence[int]) -> Array:
        raise NotImplementedError

    def stored(self, picture_ids: Sequence[int]) -> list[Stored]:
        raise NotImplementedError

    def row(self, picture_id: int) -> PictureRow:
        raise NotImplementedError

    def find(self, path: bytes) -> PictureRow | None:
        raise NotImplementedError

    def by_hash(self, content_hash: bytes) -> list[PictureRow]:
        raise NotImplementedError

    def failures(self) -> list[Failure]:
        raise NotImplementedError

    def info(self) -> dict[str, Any]:
        raise NotImplementedError

    def check(self, *, repair: bool = True) -> CheckReport:
        raise NotImplementedError

    def compact(self) -> int:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError
