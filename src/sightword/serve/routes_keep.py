"""Looking after: indexes and their refreshes, sessions, health, metrics."""

from __future__ import annotations

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from sightword.serve.intake import body_schema, parse
from sightword.serve.library import Shelf
from sightword.serve.problems import Refused
from sightword.serve.schemas import IndexId, IndexOut, JobId, JobOut, SampleOut, SessionRequest
from sightword.serve.security import COOKIE
from sightword.serve.settings import is_loopback
from sightword.serve.state import State, problems, state_of

__all__ = ["router"]

router = APIRouter(tags=["keep"])


@router.get("/v1/indexes", summary="The folders", response_model=list[IndexOut], responses=problems(409, 503))
async def indexes(request: Request) -> list[IndexOut]:
    """What is indexed, and how far a refresh is."""
    state = state_of(request)
    return await state.errands.run(
        lambda: [_described(state, shelf) for shelf in state.library.shelves.values()]
    )


def _described(state: State, shelf: Shelf) -> IndexOut:
    facts, job = shelf.facts(), state.jobs.current(shelf)
    state.metrics.pictures.labels(shelf.id).set(facts["pictures"])
    reading = job is not None and job.state in ("queued", "running")
    return IndexOut(
        id=shelf.id,
        name=shelf.name,
        folder=shelf.place if is_loopback(state.settings.host) else None,
        pictures=facts["pictures"],
        failed=facts["failed"],
        bytes=facts["bytes"],
        backbone=state.backbone.spec.name,
        dim=state.backbone.spec.dim,
        watched=shelf.watched,
        # While pictures come in, the list would be made again and again.
        folders=[] if reading else shelf.folders(facts["pictures"], facts["bytes"]),
        job=job.out() if job is not None else None,
        error=shelf.error,
    )


@router.get(
    "/v1/indexes/{index_id}/sample",
    summary="Some pictures to start from",
    response_model=SampleOut,
    responses=problems(404, 409, 422, 503),
)
async def sample(
    request: Request,
    index_id: IndexId,
    k: int = Query(12, ge=1, le=48),
    seed: int = Query(0, ge=0, le=10**9),
) -> SampleOut:
    """Pictures that differ from each other; the same for the same seed."""
    state = state_of(request)

    def work() -> SampleOut:
        shelf = state.library.shelf(index_id)
        return SampleOut(pictures=[shelf.picture(row) for row in shelf.sample(k, seed)])

    return await state.errands.run(work)


@router.post(
    "/v1/indexes/{index_id}/refresh",
    summary="Look for changes in a folder",
    status_code=202,
    response_model=JobOut,
    responses=problems(404, 422),
)
async def refresh(request: Request, response: Response, index_id: IndexId) -> JobOut:
    """Start a job; when it is ``finished``, all that it read is on the disk."""
    state = state_of(request)
    job = state.jobs.refresh(state.library.shelf(index_id))
    response.headers["location"] = f"/v1/jobs/{job.id}"
    return job.out()


@router.get("/v1/jobs/{job_id}", summary="A refresh", response_model=JobOut, responses=problems(404, 422))
async def job(request: Request, job_id: JobId) -> JobOut:
    """How far it is."""
    found = state_of(request).jobs.get(job_id)
    if found is None:
        raise Refused(404, "There is no such job.", "The last 200 are remembered.")
    return found.out()


@router.post(
    "/v1/session",
    summary="Present the key once",
    status_code=204,
    responses=problems(400, 413, 415, 422),
    openapi_extra=body_schema(SessionRequest),
)
async def session(request: Request) -> Response:
    """For the page: answers with a cookie that scripts cannot read."""
    state = state_of(request)
    asked, _ = await parse(request, SessionRequest, state.settings)
    address = request.client.host if request.client else "unknown"
    token = state.guard.session(asked.key, address)
    response = Response(status_code=204)
    secure = request.url.scheme == "https"
    response.set_cookie(COOKIE, token, httponly=True, samesite="strict", secure=secure)
    return response


@router.get("/healthz", summary="Is it alive?", responses=problems())
async def healthz() -> dict[str, str]:
    """Always, while the process answers."""
    return {"status": "ok"}


@router.get("/readyz", summary="Can it answer?", responses=problems(503))
async def readyz(request: Request) -> JSONResponse:
    """Once the encoders are loaded; a folder may still be read then."""
    state = state_of(request)
    if not state.ready.is_set():
        raise Refused(503, "The model is being loaded.", headers={"Retry-After": "1"})
    return JSONResponse({"status": "ready"})


@router.get("/metrics", summary="For Prometheus", response_class=PlainTextResponse, responses=problems())
async def metrics(request: Request) -> Response:
    """Counters and histograms; no texts, no paths."""
    return Response(state_of(request).metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
