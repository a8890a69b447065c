"""The folder that can be asked: a store of vectors, a backbone and methods, brought together."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from sightword.errors import IndexMissing, UsageError
from sightword.pictures.scan import ScanProblem, scan
from sightword.prompts import Prompt
from sightword.search.composing import (
    Composed,
    check_prompts,
    check_sides,
    compose,
    method_for,
    split_weight,
    told_name,
)
from sightword.search.hits import Hit
from sightword.search.places import NOWHERE, places
from sightword.search.query import Query, as_query, parsed_where
from sightword.search.ranking import checked_address, known_address, make_hit, ranked
from sightword.search.references import References
from sightword.search.reranking import reranked

if TYPE_CHECKING:
    from sightword.backbones.base import Backbone
    from sightword.index.base import VectorStore
    from sightword.index.milvus.address import Address
    from sightword.methods.base import Method
    from sightword.methods.explain import WordReader
    from sightword.pictures.address import PictureAddress
    from sightword.pictures.types import RGB
    from sightword.search.explain import Explanation
    from sightword.update import Progress, UpdateReport

__all__ = ["Engine", "open"]


def open(  # noqa: A001  (programs say sightword.open)
    folder: str | os.PathLike[str] | Address,
    *,
    index: str | os.PathLike[str] | Address | None = None,
    backbone: str | Backbone = "starter",
    method: str = "default",
    pictures: str | None = None,
) -> Engine:
    """Open a folder of pictures for searching.

    Parameters
    ----------
    folder : str or Path
        The folder; its subfolders belong to it. Or an index whose pictures are elsewhere, by its directory or
        ``milvus://HOST/COLLECTION``: it is then searched as it is.
    index : str or Path, optional
        Where the index is kept: a directory, or ``milvus://HOST/COLLECTION``; ``.sightword`` in the folder if
        not given.
    backbone : str or Backbone
        Name, directory, or a loaded backbone.
    method : str
        What queries use whose method is ``default``.
    pictures : str, optional
        Where the pictures can be seen, such as ``https://pictures.example.org/{path}``; hits then have a
        ``url``. An index on a cluster may know it itself. Never opened by this package.

    Returns
    -------
    Engine

    Raises
    ------
    UsageError
        The folder does not exist.
    ModelUnavailable
        No backbone has a method of this name.
    """
    return Engine(folder, index=index, backbone=backbone, method=method, pictures=pictures)


class Engine:
    """One folder, ready to answer; use :func:`sightword.open` to make one.

    Nothing is loaded before it is needed. An engine may be used from several threads.

    Attributes
    ----------
    folder : Path
        Where the pictures are; a place at which nothing can be when only an index was named.
    has_folder : bool
        Whether there is a folder. Without one nothing is updated, and no picture of the index is read.
    index : Path, Address or None
        Where the index is kept, when that is not its usual place.
    method : str
        What queries use whose method is ``default``.
    references : References
        Turns the pictures of queries into features.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str] | Address,
        *,
        index: str | os.PathLike[str] | Address | None = None,
        backbone: str | Backbone = "starter",
        method: str = "default",
        pictures: str | None = None,
    ) -> None:
        self._address = checked_address(pictures)
        self._address_asked = pictures is not None
        self.folder, self.index = places(folder, index)
        self.has_folder = NOWHERE not in self.folder.parents
        if method != "default":
            from sightword.methods.names import check_name

            check_name(split_weight(method)[0])
        self.method = method
        self.references = References(self)
        self._backbone_name = backbone if isinstance(backbone, str) else backbone.spec.name
        self._backbone: Backbone | None = None if isinstance(backbone, str) else backbone
        self._store: VectorStore | None = None
        self._methods: dict[str, Method] = {}
        self._reader: WordReader | None = None
        self._warming: threading.Thread | None = None
        self._lock = threading.RLock()
        self._reading = threading.Lock()
        self._closed = False

    # What it is made of ------------------------------------------------------------------------------------

    @property
    def backbone(self) -> Backbone:
        """The encoder; loaded on first use."""
        with self._lock:
            if self._backbone is None:
                self._check_open()
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
        return self._open_store(create=False)

    @property
    def address(self) -> PictureAddress | None:
        """Where the pictures can be seen: what was given, else what the index knows."""
        if not self._address_asked and self.indexed:
            self._address, self._address_asked = known_address(self.store), True
        return self._address

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
            self._check_open()
            if name not in self._methods:
                from sightword.methods import load_method

                plain, options = split_weight(name)
                self._methods[name] = load_method(plain, backbone=self.backbone, **options)
            return self._methods[name]

    # What it does ------------------------------------------------------------------------------------------

    def search(self, query: Query | str | None = None, **asked: Any) -> list[Hit]:
        """Find the pictures that answer a query; a folder that was never indexed is indexed first.

        Parameters
        ----------
        query : Query or str, optional
            A string is the text.
        **asked
            Instead of a query, or beside its text: the fields of :class:`Query`.

        Returns
        -------
        list of Hit
            Best first, at most k; empty when nothing satisfies the query.

        Raises
        ------
        SightwordError
            The query is wrong, a picture cannot be read, a model or the index cannot be used.
        """
        query = self.prepare(query, **asked)
        if not self.indexed:
            self.update()
        if not self.indexed:
            return []  # a folder without pictures
        composed = self.compose(query)
        background = self.store.background(composed.vector)
        groups = ranked(self.store, query, composed, background)
        address = self.address
        return [
            make_hit(self.folder if self.has_folder else Path(), rank, group, background, address)
            for rank, group in enumerate(groups, start=1)
        ]

    def explain(
        self, query: Query | str | None = None, *, progress: Progress | None = None, **asked: Any
    ) -> Explanation:
        """Say what the pictures of a query became in words, and how far picture and text each pulled.

        The first time for a backbone 10,000 words are encoded, of which `progress` tells.
        """
        from sightword.search.pulls import explain

        return explain(self, self.prepare(query, **asked), progress)

    def word_reader(self, progress: Progress | None = None) -> WordReader:
        """What tells the words near a feature; made once."""
        with self._reading:  # not the lock of everything: encoding the words takes seconds
            if self._reader is None:
                from sightword.config import cache_home
                from sightword.methods.explain import WordReader
                from sightword.update.progress import reporter

                report = None if progress is None else reporter(progress, "learning the model's words")
                self._reader = WordReader(self.backbone, cache_home() / "words", report=report)
            return self._reader

    def prepare(self, query: Query | str | None = None, **asked: Any) -> Query:
        """Check all of a query that can be checked before any work: method, filter, files."""
        query = as_query(query, asked)
        parsed_where(query)
        # Also a method that words alone will not use: a typing error must not pass unseen.
        self.load_method(self.method if query.method == "default" else query.method)
        check_sides(query)
        check_prompts(query)
        self.load_method(self.method_for(query))
        self.references.check([*query.images, *(item for item in query.without if not isinstance(item, str))])
        return query

    def warm(self, query: Query) -> None:
        """Start loading, beside other work, the text tower that this query will need."""
        if self._warming is None and (query.text or query.prompt or query.without):
            # Not a daemon: a process must not end while the runtime is inside its compiler.
            self._warming = threading.Thread(target=self._load_text_tower)
            self._warming.start()

    def _load_text_tower(self) -> None:
        # What goes wrong here goes wrong again, and is told, where the answer is awaited.
        with suppress(Exception):
            self.backbone.encode_prompts([Prompt(("a photo",))])

    def method_for(self, query: Query) -> str:
        """``text`` for words alone, ``image`` for pictures alone, else what the query or the engine says."""
        return method_for(query, self.method)

    def method_name(self, query: Query) -> str:
        """The same, and what ``default`` stands for."""
        return told_name(self, self.method_for(query))

    def reranked(self, query: Query) -> dict[str, Any] | None:
        """What a method that looks at each candidate does with this query; None for other methods.

        Returns
        -------
        dict or None
            ``first``, the method whose best pictures are ranked anew, and ``depth``, how many at least.
        """
        method = self.load_method(self.method_for(query))
        return reranked(method) if query.images and query.text else None

    def compose(self, query: Query) -> Composed:
        """Turn a query into one unit vector."""
        return compose(self, query)

    def update(
        self, *, prune: bool = False, progress: Progress | None = None, stop: threading.Event | None = None
    ) -> UpdateReport:
        """Bring the index up to date with the folder, and make it if there is none but are pictures.

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
        from sightword.update import UpdateReport, update

        if not self.has_folder:
            _ = self.store  # says so if there is none
            return UpdateReport()
        if not self.indexed:
            problems: list[ScanProblem] = []
            if next(scan(self.folder, problems), None) is None:  # an index of nothing is only litter
                return UpdateReport(problems=tuple(problems))
            self.load_method(self.method)  # if that cannot answer, reading the folder would be for nothing
        store, spec = self._open_store(create=True), self.backbone.spec.preprocess
        options = {"spec": spec, "prune": prune, "progress": progress, "stop": stop}
        return update(store, self.folder, lambda: self.backbone, **options)  # type: ignore[arg-type]

    def watch(
        self,
        *,
        stop: threading.Event,
        report: Callable[[UpdateReport], None] | None = None,
        prune: bool = False,
    ) -> None:
        """Update now and after every change in the folder, until `stop` is set.

        Parameters
        ----------
        stop : threading.Event
        report : callable, optional
            Called after every update that did something.
        prune : bool
            As for :meth:`update`.
        """
        from sightword.watch import watch

        if not self.has_folder:
            stop.wait()
            return
        store, spec = self._open_store(create=True), self.backbone.spec.preprocess
        watch(store, self.folder, lambda: self.backbone, stop=stop, report=report, spec=spec, prune=prune)

    def info(self) -> dict[str, Any]:
        """Counts and sizes of the index: ``pictures``, ``failed``, ``bytes``, ``backbone``, ..."""
        return self.store.info()

    def thumbnail(self, picture: Any, size: int) -> RGB | None:
        """A small upright copy, uint8 [h, w, 3] with sides of at most `size`; None if unreadable."""
        self._check_open()
        return self.references.thumbnail(picture, size)

    def close(self) -> None:
        """Release files and worker processes; the engine cannot be used any more."""
        if self._warming is not None:
            self._warming.join()
        with self._lock:
            self._closed = True
            self.references.close()
            if self._store is not None:
                self._store.close()
                self._store = None

    def __enter__(self) -> Engine:
        self._check_open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def _check_open(self) -> None:
        if self._closed:
            raise UsageError(
                f"This engine for {self.folder} was closed.",
                "Open the folder again: sightword.open(FOLDER).",
            )

    def _open_store(self, create: bool) -> VectorStore:
        with self._lock:
            self._check_open()
            if self._store is None:
                from sightword.search.storing import open_for

                self._store = open_for(self.folder, self.index, self.backbone.spec, create=create)
            return self._store
