"""A request becomes queries, one for each method, and their hits an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from sightword.errors import ModelUnavailable, SightwordError, UsageError
from sightword.methods.catalog import list_methods
from sightword.methods.vectors import mean_unit, unit
from sightword.pictures.names import display
from sightword.search import Query
from sightword.search.pulls import explain as explain_query
from sightword.search.ranking import make_hit, ranked
from sightword.serve.library import Library, Shelf, version_of
from sightword.serve.notes import collected
from sightword.serve.problems import Refused, document
from sightword.serve.schemas import (
    Explanation,
    HitOut,
    MethodResult,
    Problem,
    ReferenceOut,
    Reranked,
    SearchRequest,
    SearchResponse,
)

if TYPE_CHECKING:
    from sightword.search import Engine, Hit
    from sightword.search.composing import Composed

__all__ = ["Uploads", "answer", "check_method"]


@dataclass(frozen=True)
class Uploads:
    """Pictures that came with a request, as the bytes of their files."""

    images: Sequence[bytes] = ()
    without: Sequence[bytes] = ()


def answer(library: Library, request: SearchRequest, uploads: Uploads, *, complete: bool) -> SearchResponse:
    """Search; runs in a thread.

    Raises
    ------
    Refused, SightwordError
        One sentence each.
    """
    shelf = library.shelf(request.index or _named_by(request))
    shelf.check()
    images = [*(_number(library, shelf, item) for item in request.images), *uploads.images]
    without = [
        *request.without,
        *(_number(library, shelf, item) for item in request.without_images),
        *uploads.without,
    ]
    for method in request.methods:
        check_method(shelf, method)
    queries = [_query(request, method, images, without) for method in request.methods]
    if not shelf.engine.indexed:
        return _empty(shelf, request)
    with collected() as notes:
        results = _results(shelf, queries, request.balance, request.explain)
    return SearchResponse(
        index=shelf.id,
        results=results,
        references=[_reference(shelf, item) for item in images],
        notes=notes,
        pictures=shelf.count(),
        complete=complete,
    )


def check_method(shelf: Shelf, name: str) -> None:
    """Refuse what is not a method by name: a path must not reach the loader.

    Raises
    ------
    ModelUnavailable
    """
    base = name.partition(":")[0].removesuffix("+pdv")
    if base in shelf.methods:
        return  # listing them reads files
    known = {info.name for info in list_methods(shelf.engine.backbone)} | {"default"}
    if base not in known:
        raise ModelUnavailable(f"There is no method {name}.", f"Choose one of {', '.join(sorted(known))}.")
    shelf.methods.add(base)


def _query(request: SearchRequest, method: str, images: list[Any], without: list[Any]) -> Query:
    return Query(
        images=images,
        text=request.text,
        without=without,
        where=request.where or None,
        k=request.k,
        min_score=request.min_score,
        method=method,
        prompt=request.prompt or None,
        include_reference=request.include_reference,
        fold=request.fold,
    )


def _results(shelf: Shelf, queries: list[Query], balance: float | None, explain: bool) -> list[MethodResult]:
    """What each method found; one that cannot answer must not take the others' answers away.

    Raises
    ------
    Refused, SightwordError
        None of them can answer: what the first one says.
    """
    results: list[MethodResult] = []
    failed: list[Refused | SightwordError] = []
    for query in queries:
        try:
            results.append(_result(shelf, query, balance, explain))
        except (Refused, SightwordError) as error:
            failed.append(error)
            results.append(_unanswered(query, error))
    if len(failed) == len(queries):
        raise failed[0]
    return results


def _unanswered(query: Query, error: Refused | SightwordError) -> MethodResult:
    told = Problem(**document(error))
    name = query.method
    return MethodResult(method=name, asked=name, mean=0, std=0, seconds=0, hits=[], error=told)


def _result(shelf: Shelf, query: Query, balance: float | None, explain: bool) -> MethodResult:
    engine, started = shelf.engine, perf_counter()
    query = engine.prepare(query)
    composed = _balanced(engine, query, engine.compose(query), balance)
    background = engine.store.background(composed.vector)
    groups = ranked(engine.store, query, composed, background)
    hits = [
        make_hit(engine.folder, rank, group, background, shelf.address)
        for rank, group in enumerate(groups, start=1)
    ]
    versions = [version_of(group[0].picture.content_hash) for group in groups]
    seconds = perf_counter() - started
    explanation = None
    if explain:
        told = explain_query(engine, query, composed=composed)  # as the slider left it
        explanation = Explanation(**told.as_json(), hits=told.hits)
    told_anew = None if composed.reranking is None else composed.reranking.told()
    return MethodResult(
        method=engine.method_name(query),
        asked=query.method,
        mean=round(background[0], 6),
        std=round(background[1], 6),
        seconds=round(seconds, 6),
        reranked=None if told_anew is None else Reranked(**told_anew),
        hits=[_hit(shelf, hit, version) for hit, version in zip(hits, versions)],
        explanation=explanation,
    )


def _balanced(engine: Engine, query: Query, composed: Composed, balance: float | None) -> Composed:
    """Move a finished query towards its pictures (0) or its words (1); 0.5 leaves it alone.

    Halfway and beyond, so that every method has the same two ends: q' = norm((1 - s) q + s p) with
    s = |2 balance - 1| and p the unit vector of that side. Scores of methods that rank anew move likewise.
    """
    if balance is None or balance == 0.5 or not (query.images and query.text):
        return composed
    share = abs(2 * balance - 1)
    if balance < 0.5:
        side = mean_unit([item.feature for item in composed.references])
    else:
        side = engine.compose(replace(query, images=(), prompt=None, without=())).vector
    vector = np.asarray(unit(((1 - share) * composed.vector + share * side)[None])[0], np.float32)
    reranking = composed.reranking and replace(composed.reranking, side=side, share=share)
    return replace(composed, vector=vector, reranking=reranking)


def _hit(shelf: Shelf, hit: Hit, version: str) -> HitOut:
    from sightword.pictures.names import path_b64

    raw = bytes(hit.relative)
    return HitOut(
        id=f"{shelf.id}.{hit.id}",
        index=shelf.id,
        path=raw.decode("utf-8", "replace"),
        path_b64=path_b64(raw),
        width=hit.width,
        height=hit.height,
        format=hit.format,
        size=hit.size,
        taken=hit.taken,
        modified=hit.modified,
        version=version,
        url=hit.url,
        rank=hit.rank,
        score=hit.score,
        z=hit.z,
        duplicates=[display(path.relative_to(shelf.engine.folder)) for path in hit.duplicates],
    )


def _named_by(request: SearchRequest) -> str | None:
    ids = [*request.images, *request.without_images]
    return ids[0].rpartition(".")[0] if ids else None


def _number(library: Library, shelf: Shelf, image_id: str) -> Any:
    """What the engine takes for an indexed picture: its id, or the bytes of one from another folder."""
    other, row = library.locate(image_id)
    if other is shelf:
        return row.id
    from sightword.serve.files import read_picture

    return read_picture(other.engine.folder, row, other.url(row))


def _reference(shelf: Shelf, item: Any) -> ReferenceOut:
    if isinstance(item, int):
        return ReferenceOut(id=f"{shelf.id}.{item}")
    import hashlib

    rows = shelf.engine.store.by_hash(hashlib.sha256(item).digest())
    return ReferenceOut(id=f"{shelf.id}.{rows[0].id}" if rows else None)


def _empty(shelf: Shelf, request: SearchRequest) -> SearchResponse:
    """The answer of a folder that has not been read yet."""
    if shelf.error:
        raise Refused(409, shelf.error, kind="index")
    if not request.images and not request.text:
        raise UsageError("There is nothing to look for.", "Give a picture, words, or both.")
    results = [
        MethodResult(method=method, asked=method, mean=0, std=0, seconds=0, hits=[])
        for method in request.methods
    ]
    return SearchResponse(
        index=shelf.id, results=results, references=[], notes=[], pictures=0, complete=False
    )
