"""The page and its files; all of them lie in the package and nothing is loaded from elsewhere."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path as FilePath

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from sightword.serve.problems import Refused
from sightword.serve.state import problems

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

PAGE = FilePath(__file__).parent / "page"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@lru_cache(maxsize=64)
def _file(name: str) -> tuple[bytes, str, str]:
    """Content, type and tag of a file of the page. Only names that are in the folder exist."""
    known = {path.name: path for path in PAGE.iterdir() if path.suffix in _TYPES}
    if name not in known:
        raise Refused(404, "There is nothing at this address.")
    data = known[name].read_bytes()
    return data, _TYPES[known[name].suffix], f'"{hashlib.sha256(data).hexdigest()[:16]}"'


def _answer(request: Request, name: str) -> Response:
    data, kind, tag = _file(name)
    headers = {"etag": tag, "cache-control": "no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(data, media_type=kind, headers=headers)


@router.get("/", responses=problems())
async def page(request: Request) -> Response:
    """The page."""
    return _answer(request, "index.html")


@router.get("/docs", responses=problems())
async def docs(request: Request) -> Response:
    """The API for people, drawn from its own description."""
    return _answer(request, "docs.html")


@router.get("/assets/{name}", responses=problems())
async def asset(request: Request, name: str = Path(max_length=64)) -> Response:
    """Styles, scripts, the icon."""
    return _answer(request, name)
