"""The folders that a server answers for."""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import numpy as np

from sightword.errors import IndexProblem, UsageError
from sightword.index.milvus.address import Address
from sightword.pictures.names import display, path_b64
from sightword.serve.problems import Refused
from sightword.serve.schemas import PictureOut

if TYPE_CHECKING:
    from sightword.index.base import PictureRow
    from sightword.pictures.address import PictureAddress
    from sightword.search import Engine

__all__ = ["Library", "Shelf", "version_of"]

_FEW_FOR_FOLDERS = 200_000
"""Naming all folders reads every path; beyond this many pictures the person types the folder instead."""
_MOST_FOLDERS = 200


class Shelf:
    """One folder with its engine.

    Attributes
    ----------
    id : str
        Short and safe for addresses, made of the folder's name.
    name : str
        For people.
    engine : Engine
    error : str or None
        Why its index cannot be used.
    strange : str or None
        The index was found to be that of another folder: its rows are not the files that lie here.
    watched : bool
    methods : set of str
        Names that have been found to be methods.
    address : PictureAddress or None
        Where its pictures can be seen, as it was known when the server started.
    """

    def __init__(self, shelf_id: str, engine: Engine) -> None:
        self.id = shelf_id
        self.engine = engine
        self.name = display(engine.folder.resolve().name) or "/"
        self.error: str | None = None
        self.strange: str | None = None
        self.watched = False
        self.methods: set[str] = set()
        self.address = self._known_address()
        self._count = (0, 0.0)
        self._folders: tuple[tuple[int, int], list[str]] | None = None

    def _known_address(self) -> PictureAddress | None:
        try:
            return self.engine.address
        except IndexProblem as error:
            self.error = error.message
            return None

    @property
    def place(self) -> str | None:
        """Where the pictures are; of an index without a folder its address, without a user's name."""
        if self.engine.has_folder:
            return str(self.engine.folder.resolve())
        return self.engine.index.public if isinstance(self.engine.index, Address) else None

    def places(self) -> list[str]:
        """The names of folder and index that strangers need not know, the longest first."""
        index, found = self.engine.index, set[str]()
        if self.engine.has_folder:
            found |= {str(self.engine.folder), str(self.engine.folder.resolve())}
        if isinstance(index, Address):
            found |= {index.plain, index.public}
        return sorted((place for place in found if len(place) > 1), key=len, reverse=True)

    def facts(self) -> dict[str, Any]:
        """Counts of the index; zeros when there is none yet."""
        try:
            if self.engine.indexed:
                return self.engine.info()
        except IndexProblem as error:
            self.error = error.message
        return {"pictures": 0, "failed": 0, "bytes": 0}

    def count(self) -> int:
        """Pictures in the index, at most a second ago: counting a million for every question takes longer."""
        count, when = self._count
        if not count or monotonic() - when > 1.0:
            count = int(self.facts()["pictures"])
            self._count = count, monotonic()
        return count

    def check(self) -> None:
        """Refused (409) when rows and files do not belong together: a hit would show another picture."""
        if self.strange:
            raise Refused(409, self.strange, kind="index")

    def row(self, number: int) -> PictureRow:
        """A live picture.

        Raises
        ------
        Refused
            404.
        """
        try:
            row = self.engine.store.row(number)
            live = self.engine.store.find(row.path)
        except (UsageError, IndexProblem):
            live = None
        if live is None or live.id != number:
            raise Refused(404, f"There is no picture {self.id}.{number}.", kind="picture")
        return live

    def picture(self, row: PictureRow) -> PictureOut:
        """A row as it goes over the wire."""
        return PictureOut(
            id=f"{self.id}.{row.id}",
            index=self.id,
            path=row.path.decode("utf-8", "replace"),
            path_b64=path_b64(row.path),
            width=row.width,
            height=row.height,
            format=row.format,
            size=row.size,
            taken=None if row.taken is None else _local_time(row.taken),
            modified=row.mtime_ns / 1e9,
            version=version_of(row.content_hash),
            url=self.url(row),
        )

    def url(self, row: PictureRow) -> str | None:
        """Where a picture can be seen, if that is elsewhere."""
        return None if self.address is None else self.address.of(row.path)

    def folders(self, pictures: int, generation: int) -> list[str]:
        """Subfolders with pictures, those with most first; none for very large folders."""
        if pictures > _FEW_FOR_FOLDERS or not pictures:
            return []
        if self._folders is None or self._folders[0] != (pictures, generation):
            live = (path for path, state in self.engine.store.known().items() if state.status == "live")
            counts = Counter(path.rpartition(b"/")[0] for path in live)
            named = [display(path) for path, _ in counts.most_common(_MOST_FOLDERS) if path]
            self._folders = (pictures, generation), sorted(named)
        return self._folders[1]

    def sample(self, count: int, seed: int) -> list[PictureRow]:
        """Pictures that differ from each other: the best answers to random directions."""
        if not self.engine.indexed:
            return []
        store, rng = self.engine.store, np.random.default_rng(seed)
        found: dict[bytes, PictureRow] = {}
        for _ in range(2 * count):
            direction = rng.normal(size=store.manifest.dim).astype(np.float32)
            for item in store.scan(direction / np.linalg.norm(direction), 3):
                if item.picture.content_hash not in found:
                    found[item.picture.content_hash] = item.picture
                    break
            if len(found) >= count:
                break
        return list(found.values())


class Library:
    """All shelves of a server, by id.

    Parameters
    ----------
    engines : list of Engine
        In the order given; the first is asked when a request names none.
    """

    def __init__(self, engines: list[Engine]) -> None:
        self.shelves: dict[str, Shelf] = {}
        for engine in engines:
            shelf_id = self._free(_slug(engine.folder))
            self.shelves[shelf_id] = Shelf(shelf_id, engine)

    def shelf(self, shelf_id: str | None) -> Shelf:
        """One folder; the first when none is named.

        Raises
        ------
        Refused
            404.
        """
        if shelf_id is None:
            return next(iter(self.shelves.values()))
        if shelf_id not in self.shelves:
            hint = f"There are {', '.join(self.shelves)}."
            raise Refused(404, f"There is no index {shelf_id}.", hint, kind="usage")
        return self.shelves[shelf_id]

    def locate(self, image_id: str) -> tuple[Shelf, PictureRow]:
        """The shelf and the row of a picture.

        Raises
        ------
        Refused
            404, 409.
        """
        shelf_id, _, number = image_id.rpartition(".")
        shelf = self.shelf(shelf_id)
        shelf.check()
        return shelf, shelf.row(int(number))

    def origins(self) -> frozenset[str]:
        """Other servers whose pictures the page may show."""
        addresses = (shelf.address for shelf in self.shelves.values())
        return frozenset(each.origin for each in addresses if each is not None and each.origin is not None)

    def _free(self, slug: str) -> str:
        name, number = slug, 2
        while name in self.shelves:
            name, number = f"{slug[:36]}-{number}", number + 1
        return name


def version_of(content_hash: bytes) -> str:
    """What names a content in addresses; short, and not the hash that the index goes by."""
    return hashlib.sha256(b"sightword thumbnail" + content_hash).hexdigest()[:16]


def _slug(folder: Path) -> str:
    name = os.fsencode(folder.resolve().name).decode("utf-8", "replace").lower()
    return re.sub(r"[^a-z0-9]+", "-", name).strip("-")[:40].strip("-") or "pictures"


def _local_time(seconds: float) -> Any:
    from datetime import datetime, timezone

    try:
        return datetime.fromtimestamp(seconds, timezone.utc).replace(tzinfo=None)
    except (OverflowError, OSError, ValueError):
        return None
