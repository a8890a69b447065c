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

from sightword.errors import (
    IndexBusy,
    IndexProblem,
    ModelUnavailable,
    PictureError,
    SightwordError,
    UsageError,
)

__all__ = ["MEDIA_TYPE", "Refused", "add_handlers", "problem", "sentence_of"]

MEDIA_TYPE = "application/problem+json"

_STATUS: tuple[tuple[type[SightwordError], int], ...] = (
    (UsageError, 422),
    (PictureError, 422),
    (ModelUnavailable, 422),
    (IndexBusy, 409),
    (IndexProblem, 409),
)

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
    """

    def __init__(
        self, status: int, detail: str, hint: str | None = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.hint = hint
        self.headers = headers or {}

    def response(self) -> JSONResponse:
        """The answer."""
        return problem(self.status, self.detail, self.hint, self.headers)


def problem(
    status: int, detail: str, hint: str | None = None, headers: dict[str, str] | None = None
) -> JSONResponse:
    """A problem document."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if hint:
        body["hint"] = hint
    return JSONResponse(body, status, headers, media_type=MEDIA_TYPE)


def sentence_of(errors: Any) -> str:
    """The first mistake of a list of pydantic's, as a sentence."""
    first = errors[0] if errors else {"loc": (), "msg": "the request is wrong"}
    place = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path"))
    message = str(first["msg"]).removeprefix("Value error, ").rstrip(".")
    return f"{place}: {message}." if place else f"{message}."


def add_handlers(app: FastAPI) -> None:
    """Let every error leave as a problem."""

    async def refused(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, Refused)
        return error.response()

    async def told(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, SightwordError)
        status = next((status for kind, status in _STATUS if isinstance(error, kind)), 422)
        return problem(status, error.message, error.hint and error.hint.replace("--where ", ""))

    async def invalid(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, (RequestValidationError, ValidationError))
        return problem(422, sentence_of(error.errors()))

    async def known(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        sentences = {404: "There is nothing at this address.", 405: "This address does not take that method."}
        detail = sentences.get(error.status_code, str(error.detail))
        return problem(error.status_code, detail, headers=dict(error.headers or {}))

    async def unexpected(_: Request, error: Exception) -> JSONResponse:
        # The details stay here: they can name paths.
        _log.error("A request failed.", exc_info=error)
        return problem(500, "Something that should not happen did; the server's log says what.")

    app.add_exception_handler(Refused, refused)
    app.add_exception_handler(SightwordError, told)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(ValidationError, invalid)
    app.add_exception_handler(HTTPException, known)
    app.add_exception_handler(Exception, unexpected)
