"""Run a server in this process until it is told to end."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from sightword.errors import SightwordError, UsageError

__all__ = ["Certificate", "bind", "run", "url_of"]

_PEM = "Give --tls-cert CERT.pem and --tls-key KEY.pem; the key has no passphrase."

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


@dataclass(frozen=True)
class Certificate:
    """What the server shows to prove who it is, for https.

    Attributes
    ----------
    chain : Path
        PEM: the certificate, then those that vouch for it.
    key : Path, optional
        PEM: its key, unless that is in `chain`.
    """

    chain: Path
    key: Path | None = None

    def check(self) -> None:
        """Try it.

        Raises
        ------
        UsageError
            A file is missing, is not PEM, needs a passphrase, or the two do not belong together.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        named = f"{self.chain}" if self.key is None else f"{self.chain} with the key {self.key}"
        try:
            # Without a password of ours OpenSSL would ask on the terminal.
            context.load_cert_chain(self.chain, self.key, password=lambda: b"")
        except FileNotFoundError:
            missing = next(
                (p for p in (self.chain, self.key) if p is not None and not p.is_file()), self.chain
            )
            raise UsageError(f"There is no file {missing}.", _PEM) from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
            raise UsageError(
                f"{named} is no certificate for https ({str(reason).replace('_', ' ').lower()}).", _PEM
            ) from None


def url_of(sock: socket.socket, host: str, *, tls: bool = False) -> str:
    """The address to open in a browser."""
    port = sock.getsockname()[1]
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)
    name = f"[{name}]" if ":" in name and not name.startswith("[") else name
    return f"{'https' if tls else 'http'}://{name}:{port}/"


def run(
    app: FastAPI, sock: socket.socket, started: Callable[[], None], certificate: Certificate | None = None
) -> None:
    """Serve until Ctrl-C or SIGTERM; requests that were accepted are answered first.

    Parameters
    ----------
    app : FastAPI
    sock : socket
        From `bind`.
    started : callable
        Called when requests are accepted.
    certificate : Certificate, optional
        Speak https with it.
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
        ssl_certfile=None if certificate is None else str(certificate.chain),
        ssl_keyfile=None if certificate is None or certificate.key is None else str(certificate.key),
    )
    Server(config).run([sock])
