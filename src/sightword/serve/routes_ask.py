"""Asking: search, similar pictures, embeddings, methods."""

from __future__ import annotations

from typing import Any

import numpy as np
from fastapi import APIRouter, Query, Request

from sightword.errors import UsageError
from sightword.methods.catalog import default_name, list_methods
from sightword.methods.inversion import Inversion
from sightword.methods.pdv import PDV
from sightword.methods.vectors import unit
from sightword.prompts import Prompt
from sightword.serve.asking import Uploads, answer
from sightword.serve.intake import body_schema, parse
from sightword.serve.schemas import (
    Embedding,
    EmbedRequest,
    EmbedResponse,
    ImageId,
    MethodOut,
    SearchRequest,
    SearchResponse,
)
from sightword.serve.state import State, problems, state_of

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["ask"])

_FILES = ("image", "without_image")
_ASKING = problems(400, 404, 408, 409, 413, 415, 422, 503)


@router.post(
    "/search",
    summary="Search by pictures and words",
    response_model=SearchResponse,
    responses=_ASKING,
    openapi_extra=body_schema(SearchRequest, _FILES),
)
async def search(request: Request) -> SearchResponse:
    """Find pictures that look like the references, changed as the text says.

    Send JSON, or a form with the same fields and uploaded pictures as ``image`` and ``without_image``.
    """
    state = state_of(request)
    asked, pictures = await parse(request, SearchRequest, state.settings, _FILES)
    return await _answered(state, asked, Uploads(pictures["image"], pictures["without_image"]))


@router.get(
    "/images/{image_id}/similar",
    summary="Pictures like one",
    response_model=SearchResponse,
    responses=problems(404, 409, 422, 503),
)
async def similar(request: Request, image_id: ImageId, k: int = Query(30, ge=1, le=1000)) -> SearchResponse:
    """The same as a search with this picture and no words."""
    return await _answered(
        state_of(request), SearchRequest.model_validate({"images": [image_id], "k": k}), Uploads()
    )


async def _answered(state: State, asked: SearchRequest, uploads: Uploads) -> SearchResponse:
    def work() -> SearchResponse:
        with state.metrics.search_seconds.time():
            shelf = state.library.shelf(asked.index)
            job = state.jobs.current(shelf)
            complete = job is None or job.state in ("finished", "failed")
            return answer(state.library, asked, uploads, complete=complete)

    # The first explanation encodes the model's 10,000 words.
    patience = 5 * state.settings.timeout if asked.explain else None
    return await state.gate.run(work, patience)


@router.post(
    "/embed",
    summary="Features of texts and pictures",
    response_model=EmbedResponse,
    responses=_ASKING,
    openapi_extra=body_schema(EmbedRequest, ("image",)),
)
async def embed(request: Request) -> EmbedResponse:
    """Encode texts and pictures with the server's backbone."""
    state = state_of(request)
    asked, pictures = await parse(request, EmbedRequest, state.settings, ("image",))
    if not asked.texts and not asked.images and not pictures["image"]:
        raise UsageError("There is nothing to encode.", "Give texts or pictures.")
    return await state.gate.run(lambda: _embedded(state, asked, pictures["image"]))


def _embedded(state: State, asked: EmbedRequest, uploads: list[bytes]) -> EmbedResponse:
    from sightword.pictures.preprocess import normalise

    backbone = state.backbone
    rows: list[tuple[Any, Any]] = []
    if asked.texts:
        features = backbone.encode_prompts([Prompt((text,)) for text in asked.texts])
        rows += [("text", feature) for feature in features]
    for image_id in asked.images:
        shelf, row = state.library.locate(image_id)
        rows.append(("image", shelf.engine.store.get(row.id)))
    if uploads:
        spec = backbone.spec.preprocess
        squares = [state.decoders.decode(data, spec).pixels for data in uploads]
        rows += [("image", item) for item in backbone.encode_images(normalise(np.stack(squares), spec))]
    vectors = np.stack([feature for _, feature in rows])
    if asked.normalise:
        vectors = unit(vectors)
    return EmbedResponse(
        backbone=backbone.spec.name,
        weights_hash=backbone.spec.weights_hash,
        dim=backbone.spec.dim,
        normalised=asked.normalise,
        embeddings=[
            Embedding(kind=kind, vector=[float(value) for value in vector])
            for (kind, _), vector in zip(rows, vectors)
        ],
    )


@router.get("/methods", summary="Ways to compose", response_model=list[MethodOut], responses=problems(503))
async def methods(request: Request) -> list[MethodOut]:
    """What ``methods`` of a search may name; ``weighted:0.3`` and ``slerp:0.3`` carry the words' share."""
    state = state_of(request)
    return await state.errands.run(lambda: _methods(state))


def _methods(state: State) -> list[MethodOut]:
    engine = next(iter(state.library.shelves.values())).engine
    default = default_name(state.backbone) if engine.method == "default" else engine.method
    found = []
    for info in list_methods(state.backbone):
        method = engine.load_method(info.name) if info.trained else None
        words = isinstance(method, (Inversion, PDV))
        named = {info.name: info.summary}
        if isinstance(method, Inversion):
            named[f"{info.name}+pdv"] = f"{info.name}, refined by prompt directional vectors"
        found += [
            MethodOut(name=name, summary=summary, trained=info.trained, default=name == default, words=words)
            for name, summary in named.items()
        ]
    return found
