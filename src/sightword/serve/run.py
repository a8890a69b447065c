"""Run a server in this process until it is told to end."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from sightword.errors import SightwordError, UsageError

__all__ = ["bind", "run", "url_of"]

_SHUTDOWN_SECONDS = 35  # longer than a request may take


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises
    ------
    SightwordError
        The port is taken, or may not be used.
    UsageError
        The host is not this machine.
    """
    try:
        family, kind, proto, _, address = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError):
        raise UsageError(f"{host!r} is no address of this machine.", "Try --host 127.0.0.1.") from None
    sock = socket.socket(family, kind, proto)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(256)
    except OSError as error:
        sock.close()
        reason = error.strerror or error
        raise SightwordError(
            f"Port {port} of {host} cannot be used: {reason}.", "Choose another with --port."
        ) from None
    sock.set_inheritable(True)
    return sock


def url_of(sock: socket.socket, host: str) -> str:
    """The address to open in a browser."""
    port = sock.getsockname()[1]
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)
    name = f"[{name}]" if ":" in name and not name.startswith("[") else name
    return f"http://{name}:{port}/"


def run(app: FastAPI, sock: socket.socket, started: Callable[[], None]) -> None:
    """Serve until Ctrl-C or SIGTERM; requests that were accepted are answered first.

    Parameters
    ----------
    app : FastAPI
    sock : socket
        From `bind`.
    started : callable
        Called when requests are accepted.
    """

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                started()

    config = uvicorn.Config(
        app,
        http="h11",
        loop="asyncio",
        ws="none",
        log_level="warning",
        access_log=False,  # queries are nobody's business
        server_header=False,
        date_header=True,
        proxy_headers=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        limit_concurrency=1024,
        h11_max_incomplete_event_size=32 << 10,
    )
    Server(config).run([sock])
