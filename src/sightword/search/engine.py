"""The folder that can be asked: a store of vectors, a backbone and methods, brought together."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from sightword.errors import IndexForAnotherBackbone, IndexMissing, UsageError
from sightword.search.hits import Hit, fold
from sightword.search.query import MinScore, Query
from sightword.search.references import Reference, References

if TYPE_CHECKING:
    from sightword.backbones.base import Array, Backbone
    from sightword.index.base import Scored, VectorStore
    from sightword.index.where import Expr
    from sightword.methods.base import Method
    from sightword.pictures.types import RGB
    from sightword.search.explain import Explanation
    from sightword.update import UpdateReport
    from sightword.update.progress import Progress

__all__ = ["Engine", "open"]

MARGIN = 32
"""Pictures looked at beyond k, so that folding near-duplicates rarely needs a second scan."""


def open(  # noqa: A001  (the name programs rely on: sightword.open)
    folder: str | os.PathLike[str],
    *,
    index: str | os.PathLike[str] | None = None,
    backbone: str | Backbone = "starter",
    method: str = "default",
) -> Engine:
    """Open a folder of pictures for searching.

    Parameters
    ----------
    folder : str or Path
        The folder; its subfolders belong to it.
    index : str or Path, optional
        Where the index is kept; ``.sightword`` in the folder if not given.
    backbone : str or Backbone
        Name, directory, or a loaded backbone.
    method : str
        What queries use whose method is ``default``.

    Returns
    -------
    Engine

    Raises
    ------
    UsageError
        The folder does not exist.
    """
    return Engine(folder, index=index, backbone=backbone, method=method)


@dataclass(frozen=True)
class Composed:
    """A query as a vector, with what went into it."""

    vector: Array
    method: str
    references: list[Reference]
    without: list[str | Reference]


class Engine:
    """One folder, ready to answer; use :func:`sightword.open` to make one.

    Nothing is loaded before it is needed. An engine may be used from several threads.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        index: str | os.PathLike[str] | None = None,
        backbone: str | Backbone = "starter",
        method: str = "default",
    ) -> None:
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise UsageError(f"There is no folder {os.fspath(folder)!r}.")
        self.method = method
        self._index = None if index is None else Path(index)
        self._backbone_name = backbone if isinstance(backbone, str) else backbone.spec.name
        self._backbone: Backbone | None = None if isinstance(backbone, str) else backbone
        self._store: VectorStore | None = None
        self._methods: dict[str, Method] = {}
        self._lock = threading.RLock()
        self._references = References(self)

    # What it is made of ------------------------------------------------------------------------------------

    @property
    def backbone(self) -> Backbone:
        """The encoder; loaded on first use."""
        with self._lock:
            if self._backbone is None:
                from sightword.backbones import load_backbone

                self._backbone = load_backbone(self._backbone_name)
            return self._backbone

    @property
    def store(self) -> VectorStore:
        """The index.

        Raises
        ------
        IndexMissing
            The folder was never indexed.
        IndexForAnotherBackbone
            It holds other vectors.
        """
        with self._lock:
            if self._store is None:
                self._store = self._open_store(create=False)
            return self._store

    @property
    def indexed(self) -> bool:
        """Whether there is an index that can be asked."""
        try:
            return self.store is not None
        except IndexMissing:
            return False

    def load_method(self, name: str) -> Method:
        """A method, loaded once; ``weighted:0.3`` and ``slerp:0.3`` carry the share of the words."""
        with self._lock:
            if name not in self._methods:
                from sightword.methods import load_method

                plain, options = _split_weight(name)
                self._methods[name] = load_method(plain, backbone=self.backbone, **options)
            return self._methods[name]

    # What it does ------------------------------------------------------------------------------------------

    def prepare(self, query: Query | None = None, **asked: Any) -> Query:
        """Check everything about a query that can be checked before any work: method, filter, files."""
        query = as_query(query, asked)
        _parse_where(query.where)
        self.load_method(self.method_for(query))
        self._references.check(
            [*query.images, *(item for item in query.without if not isinstance(item, str))]
        )
        return query

    def update(
        self, *, prune: bool = False, progress: Progress | None = None, stop: threading.Event | None = None
    ) -> UpdateReport:
        """Bring the index up to date with the folder, and make it if there is none.

        Parameters
        ----------
        prune : bool
            Also hide pictures when more than 30 % of them vanished at once (normally an unplugged drive).
        progress : Progress, optional
            Told how far it is.
        stop : threading.Event, optional
            Once set, what is done is kept and the rest is left.

        Raises
        ------
        IndexBusy
            Another process is writing.
        """
        from sightword.update import update

        with self._lock:
            if self._store is None:
                self._store = self._open_store(create=True)
        spec = self.backbone.spec.preprocess
        return update(
            self._store,
            self.folder,
            lambda: self.backbone,
            spec=spec,
            prune=prune,
            progress=progress,
            stop=stop,
        )

    def search(self, query: Query | None = None, **asked: Any) -> list[Hit]:
        """Find the pictures that answer a query; a folder that was never indexed is indexed first.

        Parameters
        ----------
        query : Query, optional
        **asked
            Instead of a query: the fields of :class:`Query`.

        Returns
        -------
        list of Hit
            Best first, at most k; empty when nothing satisfies the query.
        """
        query = self.prepare(query, **asked)
        if not self.indexed:
            self.update()
        composed = self.compose(query)
        mean, std = self.store.background(composed.vector)
        return [
            self._hit(rank, group, mean, std)
            for rank, group in enumerate(self.ranked(query, composed, mean, std), start=1)
        ]

    def explain(self, query: Query | None = None, **asked: Any) -> Explanation:
        """Say what the pictures of a query became in words, and how far picture and text each pulled."""
        from sightword.search.pulls import explain

        query = self.prepare(query, **asked)
        return explain(self, query)

    def info(self) -> dict[str, Any]:
        """Counts and sizes of the index: ``pictures``, ``failed``, ``bytes``, ``backbone``, ..."""
        return self.store.info()

    def thumbnail(self, picture: Any, size: int) -> RGB | None:
        """A small upright copy, uint8 [h, w, 3] with sides of at most `size`; None if unreadable."""
        return self._references.thumbnail(picture, size)

    def close(self) -> None:
        """Release files and worker processes."""
        with self._lock:
            self._references.close()
            if self._store is not None:
                self._store.close()
                self._store = None

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    # The steps of a search ---------------------------------------------------------------------------------

    def method_for(self, query: Query) -> str:
        """``text`` for words alone, ``image`` for pictures alone, else what the query or the engine says."""
        if not query.images:
            return "text"
        # A prompt has words of its own: "a drawing of {*}" asks for more than the picture.
        if not query.text and not query.prompt:
            return "image"
        return self.method if query.method == "default" else query.method

    def compose(self, query: Query) -> Composed:
        """Turn a query into one unit vector."""
        from sightword.methods.base import ComposeInput
        from sightword.search.language import warn_unknown

        warn_unknown(self.backbone, [query.text, *(item for item in query.without if isinstance(item, str))])
        pictures = [item for item in query.without if not isinstance(item, str)]
        seen = self._references.look([*query.images, *pictures])
        references, unwanted = seen[: len(query.images)], iter(seen[len(query.images) :])
        without = [item if isinstance(item, str) else next(unwanted) for item in query.without]
        asked = ComposeInput(
            images=[item.feature for item in references],
            text=query.text,
            without=[item if isinstance(item, str) else item.feature for item in without],
            prompts=query.prompts,
        )
        method = self.method_for(query)
        vector = self.load_method(method).compose(self.backbone, [asked])[0]
        return Composed(vector, method, references, without)

    def ranked(self, query: Query, composed: Composed, mean: float, std: float) -> list[list[Scored]]:
        """The k best groups of near-duplicates, each with its leader first."""
        exclude = set()
        if not query.include_reference:
            exclude = {item.content_hash for item in composed.references if item.content_hash}
        where = _parse_where(query.where)
        least = query.min_score.cosine(mean, std) if isinstance(query.min_score, MinScore) else -np.inf
        want = query.k + MARGIN
        while True:
            scored = self.store.scan(composed.vector, want, where=where, exclude_hashes=exclude)
            exhausted = len(scored) < want or scored[-1].score < least
            scored = [item for item in scored if item.score >= least]
            groups = self._grouped(scored) if query.fold else [[item] for item in scored]
            if exhausted or len(groups) > query.k:
                return self._cut(scored, groups, query.k)
            want *= 4

    def _grouped(self, scored: Sequence[Scored]) -> list[list[Scored]]:
        if not scored:
            return []
        vectors = self.store.vectors([item.picture.id for item in scored])
        return fold(scored, [item.picture.content_hash for item in scored], vectors)

    @staticmethod
    def _cut(scored: Sequence[Scored], groups: list[list[Scored]], k: int) -> list[list[Scored]]:
        """The first k groups, with the duplicates that rank before the next group.

        So what is listed depends on the ranking alone, not on how far the scan happened to go.
        """
        if len(groups) <= k:
            return groups
        end = next(i for i, item in enumerate(scored) if item is groups[k][0])
        before = {item.picture.id for item in scored[:end]}
        return [[item for item in group if item.picture.id in before] for group in groups[:k]]

    def _hit(self, rank: int, group: Sequence[Scored], mean: float, std: float) -> Hit:
        picture, score = group[0].picture, group[0].score
        relative = Path(os.fsdecode(picture.path))
        return Hit(
            path=self.folder / relative,
            score=score,
            z=round((score - mean) / std, 4) if std > 0 else 0.0,
            rank=rank,
            width=picture.width,
            height=picture.height,
            taken=None if picture.taken is None else _local_time(picture.taken),
            id=picture.id,
            relative=relative,
            size=picture.size,
            modified=picture.mtime_ns / 1e9,
            format=picture.format,
            duplicates=tuple(self.folder / os.fsdecode(item.picture.path) for item in group[1:]),
        )

    def _open_store(self, create: bool) -> VectorStore:
        from sightword.index.base import Manifest
        from sightword.index.store import open_store, require

        spec = self.backbone.spec
        manifest = Manifest(spec.name, spec.weights_hash, preprocess="product", dim=spec.dim)
        store = open_store(self.folder, index=self._index, create=manifest if create else None)
        try:
            require(store.manifest, spec)
        except IndexForAnotherBackbone:
            store.close()
            raise
        return store


def as_query(query: Query | None, asked: dict[str, Any]) -> Query:
    """A query, or one made from keyword arguments."""
    if query is None:
        try:
            return Query(**asked)
        except TypeError as error:
            raise UsageError(f"A query does not have that: {error}.") from None
    if asked:
        raise UsageError("Give a query or its fields, not both.")
    return query


def _parse_where(where: str | Expr | None) -> Expr | None:
    if not isinstance(where, str):
        return where
    from sightword.index.where import parse_where

    return parse_where(where)


def _split_weight(name: str) -> tuple[str, dict[str, float]]:
    plain, _, weight = name.partition(":")
    option = {"weighted": "weight", "slerp": "fraction"}.get(plain)
    if option is None or not weight:
        return name, {}
    try:
        return plain, {option: float(weight)}
    except ValueError:
        raise UsageError(
            f"In {name!r}, {weight!r} is not a number.", f"Write for instance {plain}:0.3."
        ) from None


def _local_time(seconds: float) -> datetime:
    # Cameras write local time without a zone; the index keeps it as if it were UTC.
    return datetime.fromtimestamp(seconds, timezone.utc).replace(tzinfo=None)
