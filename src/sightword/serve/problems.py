"""Errors as RFC 9457 problem details: one sentence, and a hint where there is one."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from sightword.client import KIND_PREFIX
from sightword.errors import (
    IndexProblem,
    ModelUnavailable,
    PictureError,
    SightwordError,
    UsageError,
)
from sightword.serve.sentences import sentence_of

__all__ = ["MEDIA_TYPE", "Refused", "add_handlers", "document", "mistake", "problem"]

MEDIA_TYPE = "application/problem+json"

_STATUS: tuple[tuple[type[SightwordError], int, str], ...] = (
    (UsageError, 422, "usage"),
    (PictureError, 422, "picture"),
    (ModelUnavailable, 422, "model"),
    (IndexProblem, 409, "index"),
)
_THINGS = {"job_id": "job", "image_id": "picture", "index_id": "index"}

_log = logging.getLogger("sightword.serve")


class Refused(Exception):
    """A request that is not answered.

    Parameters
    ----------
    status : int
        Of HTTP.
    detail : str
        One sentence.
    hint : str, optional
        What to do.
    headers : dict, optional
    kind : str, optional
        See `problem`.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        hint: str | None = None,
        headers: dict[str, str] | None = None,
        kind: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.hint = hint
        self.headers = headers or {}
        self.kind = kind

    def response(self) -> JSONResponse:
        """The answer."""
        return JSONResponse(document(self), self.status, self.headers, media_type=MEDIA_TYPE)


def problem(
    status: int,
    detail: str,
    hint: str | None = None,
    headers: dict[str, str] | None = None,
    kind: str | None = None,
) -> JSONResponse:
    """A problem document; `kind` (usage, picture, model, index) is what the status alone does not say."""
    return JSONResponse(_body(status, detail, hint, kind), status, headers, media_type=MEDIA_TYPE)


def document(error: Refused | SightwordError) -> dict[str, Any]:
    """What is told of an error, as plain values: RFC 9457's fields, and a hint where there is one."""
    if isinstance(error, Refused):
        return _body(error.status, error.detail, error.hint, error.kind)
    hint = error.hint and error.hint.replace("--where ", "")
    status, kind = next(
        ((status, kind) for cls, status, kind in _STATUS if isinstance(error, cls)), (422, None)
    )
    return _body(status, error.message, hint, kind)


def _body(status: int, detail: str, hint: str | None, kind: str | None) -> dict[str, Any]:
    body: dict[str, Any] = {
        "type": f"{KIND_PREFIX}{kind}" if kind else "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    return {**body, "hint": hint} if hint else body


def mistake(error: Exception) -> JSONResponse:
    """The answer to an error that is ours; its details stay in the log, as they can name paths."""
    _log.error("A request failed.", exc_info=error)
    return problem(500, "Something that should not happen did; the server's log says what.")


def add_handlers(app: FastAPI) -> None:
    """Let every error leave as a problem."""

    async def refused(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, Refused)
        return error.response()

    async def told(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, SightwordError)
        told = document(error)
        return JSONResponse(told, told["status"], media_type=MEDIA_TYPE)

    async def invalid(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, (RequestValidationError, ValidationError))
        errors = error.errors()
        if errors and errors[0]["loc"][:1] == ("path",):
            thing = _THINGS.get(str(errors[0]["loc"][-1]), "thing")
            return problem(404, f"There is no {thing} of that name.")
        return problem(422, sentence_of(errors), kind="usage")

    async def known(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        sentences = {404: "There is nothing at this address.", 405: "This address does not take that method."}
        detail = sentences.get(error.status_code, str(error.detail))
        return problem(error.status_code, detail, headers=dict(error.headers or {}))

    async def unexpected(_: Request, error: Exception) -> JSONResponse:
        return mistake(error)

    app.add_exception_handler(Refused, refused)
    app.add_exception_handler(SightwordError, told)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(ValidationError, invalid)
    app.add_exception_handler(HTTPException, known)
    app.add_exception_handler(Exception, unexpected)
