"""Pictures, by id: the file, a small copy, what is known of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse

from sightword.pictures.names import display
from sightword.serve.decoding import fitting
from sightword.serve.files import open_picture, read_picture
from sightword.serve.library import version_of
from sightword.serve.schemas import ImageId, PictureOut
from sightword.serve.state import problems, state_of

__all__ = ["router"]

router = APIRouter(prefix="/v1/images", tags=["pictures"])

_CHUNK = 1 << 18
_SHOWN = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp", "image/avif", "image/bmp"})
# Whatever else a file may be besides a picture, it is shown in a box without scripts.
_BOXED = {"content-security-policy": "default-src 'none'; sandbox"}
_FOUND = problems(404, 422, 503)


@router.get(
    "/{image_id}",
    summary="The file",
    response_class=Response,
    responses={
        **_FOUND,
        200: {"content": {"image/*": {"schema": {"type": "string", "format": "binary"}}}},
        304: {"description": "Not modified."},
    },
)
async def image(request: Request, image_id: ImageId, download: bool = Query(False)) -> Response:
    """The picture's file as it is, with all that the camera wrote into it."""
    state = state_of(request)

    def work() -> Response:
        shelf, row = state.library.locate(image_id)
        tag = f'"{version_of(row.content_hash)}-{row.mtime_ns:x}"'
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"etag": tag})
        opened = open_picture(shelf.engine.folder, row, shelf.url(row))
        how = "attachment" if download or opened.media_type not in _SHOWN else "inline"
        name = quote(display(row.path.rpartition(b"/")[2]), safe="")
        headers = {
            **_BOXED,
            "content-disposition": f"{how}; filename*=UTF-8''{name}",
            "content-length": str(opened.size),
            "cache-control": "private, no-cache",
            "etag": tag,
        }
        return StreamingResponse(
            _chunks(opened.descriptor, opened.size), media_type=opened.media_type, headers=headers
        )

    return await state.errands.run(work)


def _chunks(descriptor: int, size: int) -> Iterator[bytes]:
    """The file, and no more than was announced."""
    with os.fdopen(descriptor, "rb") as file:
        left = size
        while left > 0 and (chunk := file.read(min(_CHUNK, left))):
            left -= len(chunk)
            yield chunk


@router.get(
    "/{image_id}/thumb",
    summary="A small copy",
    response_class=Response,
    responses={
        **_FOUND,
        200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}},
        304: {"description": "Not modified."},
    },
)
async def thumb(
    request: Request,
    image_id: ImageId,
    size: int = Query(512, ge=1, le=4096, description="Longest side; rounded up to 128, 256, ... 2048."),
    v: str | None = Query(
        None, max_length=40, description="The picture's version; makes the answer cacheable."
    ),
) -> Response:
    """A JPEG, upright, without any metadata of the file."""
    state = state_of(request)

    def work() -> Response:
        shelf, row = state.library.locate(image_id)
        version, fitted = version_of(row.content_hash), fitting(size)
        tag = f'"{version}-{fitted}"'
        lasting = "max-age=604800, immutable" if v == version else "no-cache"
        headers = {**_BOXED, "etag": tag, "cache-control": f"private, {lasting}"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        data = state.thumbnails.get(
            row.content_hash, fitted, lambda: read_picture(shelf.engine.folder, row, shelf.url(row))
        )
        return Response(data, media_type="image/jpeg", headers=headers)

    return await state.errands.run(work)


@router.get(
    "/{image_id}/meta", summary="What is known of a picture", response_model=PictureOut, responses=_FOUND
)
async def meta(request: Request, image_id: ImageId) -> PictureOut:
    """Size, date, place in its folder."""
    state = state_of(request)

    def work() -> PictureOut:
        shelf, row = state.library.locate(image_id)
        return shelf.picture(row)

    return await state.errands.run(work)
