"""Who may ask: a page that the person visits elsewhere must not see the private pictures here.

Before a request reaches the API it must name this server in ``Host`` (a rebound DNS name does not), must not
come from another site (``Sec-Fetch-Site``, ``Origin``), and, when it changes or uploads something, must come
from our own page or carry the key. There is no CORS. Every answer forbids to be framed, sniffed or embedded.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import socket
import threading
from collections import OrderedDict
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from sightword.serve.gate import Bucket
from sightword.serve.metrics import Metrics
from sightword.serve.problems import Refused
from sightword.serve.settings import Settings, is_loopback

__all__ = ["COOKIE", "Guard", "protection"]

COOKIE = "sightword_session"
_MOST_SESSIONS = 256
_SAFE = frozenset({"GET", "HEAD"})
_OPEN_PATHS = frozenset({"/", "/healthz", "/readyz", "/v1/session"})

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src {images}; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), interest-cohort=()",
}


def protection(origins: Iterable[str] = ()) -> dict[str, str]:
    """Headers of every answer; `origins` are other servers whose pictures the page may show."""
    images = " ".join(["'self'", "blob:", "data:", *sorted(origins)])
    return {"content-security-policy": _POLICY.format(images=images), **_HEADERS}


class Guard:
    """Checks one request after the other.

    Parameters
    ----------
    settings : Settings
    metrics : Metrics
    """

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._further = {name.lower() for name in settings.allowed_hosts}
        self._names = {settings.host.lower().strip("[]")}
        self._loopback = is_loopback(settings.host)
        self._usual_port = 443 if settings.tls else 80
        # Behind a reverse proxy the page is https although we are not; the other way round it is a stranger.
        self._schemes = ("https",) if settings.tls else ("http", "https")
        if self._loopback:
            self._names |= {"localhost", "127.0.0.1", "::1"}
        else:
            self._names.add(socket.gethostname().lower())
        self._rate = Bucket(settings.rate, settings.burst)
        self._wrong = Bucket(settings.wrong_keys / 60, settings.wrong_keys)
        self._sessions: OrderedDict[bytes, None] = OrderedDict()
        self._lock = threading.Lock()

    def check(self, method: str, path: str, headers: Headers, address: str) -> None:
        """Let a request pass.

        Raises
        ------
        Refused
        """
        self._check_host(headers)
        self._check_site(method, path, headers)
        if (seconds := self._rate.take(address)) > 0:
            self._refuse(
                "rate", 429, "Too many requests.", "Ask more slowly.", {"Retry-After": f"{int(seconds) + 1}"}
            )
        by_header = self._check_key(path, headers, address)
        if method not in _SAFE and not by_header:
            self._check_origin(headers)

    def session(self, key: str, address: str) -> str:
        """A new session for the right key.

        Raises
        ------
        Refused
        """
        if not self._right(key, address):
            self._refuse("key", 401, "This is not the key.", "It was given to `sightword serve --api-key`.")
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._sessions[_digest(token)] = None
            while len(self._sessions) > _MOST_SESSIONS:
                self._sessions.popitem(last=False)
        return token

    def _check_host(self, headers: Headers) -> None:
        hosts = headers.getlist("host")
        name, port = _split(hosts[0]) if len(hosts) == 1 else ("", None)
        if name and self._named(name, port):
            return
        self._refuse(
            "host", 421, "The Host header does not name this server.", "Name it with --allow-host if it does."
        )

    def _named(self, name: str, port: int | None) -> bool:
        if name in self._further:
            return True  # a reverse proxy has a port of its own
        if (self._usual_port if port is None else port) != self._settings.port:
            return False
        # DNS rebinding needs a name; an address of ours cannot be rebound.
        return name in self._names or (not self._loopback and _is_address(name))

    def _check_site(self, method: str, path: str, headers: Headers) -> None:
        site = headers.get("sec-fetch-site", "none").lower()
        opened = method in _SAFE and path == "/" and headers.get("sec-fetch-mode") == "navigate"
        if site not in ("same-origin", "none") and not opened:
            self._refuse("site", 403, "Another web site asked for this.")
        origin = headers.get("origin")
        if origin is not None and not self._same_origin(origin, headers):
            self._refuse("origin", 403, "Another web site asked for this.")

    def _check_origin(self, headers: Headers) -> None:
        if headers.get("origin") is None:
            hint = "Send the server's key, or its own address as Origin."
            self._refuse("origin", 403, "This request does not say where it comes from.", hint)

    def _same_origin(self, origin: str, headers: Headers) -> bool:
        try:
            parts = urlsplit(origin)
        except ValueError:  # such as an open bracket
            return False
        return (
            parts.scheme in self._schemes
            and parts.netloc.lower() == headers.get("host", "").lower()
            and not (parts.path or parts.query or parts.fragment)
        )

    def _check_key(self, path: str, headers: Headers, address: str) -> bool:
        """Whether a right key came in a header; refuses when one is needed and none came."""
        if self._settings.api_key is None:
            return False
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        given = headers.get("x-api-key") or (bearer.strip() if scheme.lower() == "bearer" else "")
        if given:
            if self._right(given, address):
                return True
            self._refuse("key", 401, "This is not the key.", headers={"WWW-Authenticate": "Bearer"})
        if path in _OPEN_PATHS or path.startswith("/assets/") or self._known(headers):
            return False
        self._refuse(
            "key",
            401,
            "This server needs a key.",
            "Send it as Authorization: Bearer KEY.",
            {"WWW-Authenticate": "Bearer"},
        )
        raise AssertionError  # unreachable

    def _right(self, key: str, address: str) -> bool:
        # Digests have one length, so the comparison tells nothing about the key's.
        right = hmac.compare_digest(_digest(key), _digest(self._settings.api_key or secrets.token_hex()))
        # The right key always opens: whoever else guesses from the same address must not lock its owner out.
        if not right and self._wrong.take(address) > 0:
            self._refuse("key", 429, "Too many wrong keys.", "Wait a minute.", {"Retry-After": "60"})
        return right

    def _known(self, headers: Headers) -> bool:
        for part in headers.get("cookie", "").split(";"):
            name, _, token = part.strip().partition("=")
            if name == COOKIE and _digest(token) in self._sessions:
                return True
        return False

    def _refuse(
        self,
        reason: str,
        status: int,
        detail: str,
        hint: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        self._metrics.rejected.labels(reason).inc()
        raise Refused(status, detail, hint, headers)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _split(host: str) -> tuple[str, int | None]:
    """A Host header as (name in lower case without brackets, port)."""
    try:
        parts = urlsplit(f"//{host}")
        if parts.netloc != host or parts.username is not None:
            return "", None
        return (parts.hostname or "").lower(), parts.port
    except ValueError:
        return "", None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
