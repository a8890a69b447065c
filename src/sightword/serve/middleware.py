"""Around every request: the guard, limits on its body, security headers, and a count of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from time import perf_counter
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sightword.serve.metrics import Metrics
from sightword.serve.problems import Refused, mistake
from sightword.serve.security import Guard
from sightword.serve.settings import Settings

__all__ = ["Doorway"]


class Doorway:
    """ASGI middleware; see the module.

    Parameters
    ----------
    app : ASGIApp
    settings : Settings
    guard : Guard
    metrics : Metrics
    headers : mapping
        Of every answer that does not say otherwise.
    """

    def __init__(
        self, app: ASGIApp, settings: Settings, guard: Guard, metrics: Metrics, headers: Mapping[str, str]
    ) -> None:
        self._app = app
        self._settings = settings
        self._guard = guard
        self._metrics = metrics
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status, begun = perf_counter(), 500, False

        async def answer(message: Message) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                status, begun = message["status"], True
                self._protect(scope, message)
            await send(message)

        try:
            try:
                headers = Headers(scope=scope)
                address = scope["client"][0] if scope.get("client") else "unknown"
                self._guard.check(scope["method"], scope["path"], headers, address)
                receive = self._limited(headers, receive)
            except Refused as refused:
                await refused.response()(scope, receive, answer)
                return
            await self._app(scope, receive, answer)
        except Exception as error:
            if begun:
                raise
            await mistake(error)(scope, receive, answer)  # here, so that it gets the headers of every answer
        finally:
            # The route's template, not the path: labels must not grow with the pictures.
            route = getattr(scope.get("route"), "path", "other")
            method = scope["method"] if scope["method"] in ("GET", "HEAD", "POST", "DELETE") else "other"
            self._metrics.requests.labels(method, route, str(status)).inc()
            self._metrics.request_seconds.labels(route).observe(perf_counter() - started)

    def _protect(self, scope: Scope, message: Message) -> None:
        headers = MutableHeaders(raw=message.setdefault("headers", []))
        for name, value in self._headers.items():
            headers.setdefault(name, value)
        headers.setdefault("cache-control", "no-store")

    def _limited(self, headers: Headers, receive: Receive) -> Receive:
        """Receive at most so many bytes, within so many seconds.

        Raises
        ------
        Refused
            At once, when the client announces more.
        """
        form = headers.get("content-type", "").lower().startswith("multipart/")
        limit = self._settings.max_upload if form else self._settings.max_json
        told = headers.get("content-length", "0")
        if told.isdigit() and int(told) > limit:
            raise self._too_large(limit)
        seen, deadline = 0, perf_counter() + self._settings.body_seconds

        async def limited() -> Message:
            nonlocal seen
            if seen < 0:  # all of the body is here: what comes now is the end of the connection
                return await receive()
            try:
                message: dict[str, Any] = dict(
                    await asyncio.wait_for(receive(), max(0.01, deadline - perf_counter()))
                )
            except asyncio.TimeoutError:
                self._metrics.rejected.labels("slow").inc()
                raise Refused(408, "The request did not arrive in time.") from None
            seen += len(message.get("body", b""))
            if seen > limit:
                raise self._too_large(limit)
            if not message.get("more_body", False):
                seen = -1
            return message

        return limited

    def _too_large(self, limit: int) -> Refused:
        self._metrics.rejected.labels("size").inc()
        return Refused(
            413, f"The request is larger than {limit >> 20} MiB.", "Send fewer or smaller pictures."
        )
