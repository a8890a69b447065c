"""Where pictures can be seen that are not on this machine: a template, and the address of one picture.

Nothing here or elsewhere in this package ever opens such an address; it is written into JSON, a page or a
contact sheet, and a person's browser may follow it. The template therefore names one origin, for good: no
picture's name can lead anywhere else, and a page's policy can name that origin alone.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import quote_from_bytes, urlsplit

from sightword.errors import UsageError

__all__ = ["SLOT", "PictureAddress", "parse_address"]

SLOT = "{path}"
_EXAMPLE = f"Such as https://pictures.example.org/{SLOT}"
_LONGEST = 2000
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
# What RFC 3986 allows in a path or query, percent signs included.
_REST = re.compile(r"[A-Za-z0-9._~:/?@!$&'()*+,;=%\[\]-]*")


@dataclass(frozen=True)
class PictureAddress:
    """A template that was checked; made by `parse_address`.

    Attributes
    ----------
    template : str
    origin : str or None
        Such as ``https://pictures.example.org``; None for a path on the server that shows the page.
    """

    template: str
    origin: str | None

    def of(self, path: bytes) -> str:
        """The address of a picture.

        Parameters
        ----------
        path : bytes
            Relative to the folder; ``/`` stays, every other byte that is not a letter, a digit or one of
            ``_.-~`` is percent-encoded.

        Examples
        --------
        >>> parse_address("https://pictures.example.org/{path}").of(b"a b/caf\\xc3\\xa9?.jpg")
        'https://pictures.example.org/a%20b/caf%C3%A9%3F.jpg'
        """
        return self.template.replace(SLOT, quote_from_bytes(path, safe="/"))


def parse_address(template: str) -> PictureAddress:
    """Check a template.

    Parameters
    ----------
    template : str
        ``http`` or ``https``, or a path that begins with one ``/``, with ``{path}`` once behind the server's
        name.

    Raises
    ------
    UsageError
        It is none of these; names another kind of address, a user or a password; or could lead to different
        servers for different pictures.
    """
    if len(template) > _LONGEST:
        raise UsageError(f"The address of pictures is longer than {_LONGEST} characters.", _EXAMPLE)
    if template.count(SLOT) != 1:
        raise UsageError(f"The address of pictures {template!r} must have {SLOT} in it, once.", _EXAMPLE)
    try:
        parts = urlsplit(template)
        port = parts.port
    except ValueError:
        raise UsageError(f"{template!r} is no address.", _EXAMPLE) from None
    if parts.scheme not in ("http", "https") and not (not parts.scheme and re.match(r"/(?!/)", template)):
        raise UsageError(
            f"Pictures can be shown from http and https addresses, not from {template!r}.", _EXAMPLE
        )
    if parts.username is not None or parts.password is not None:
        raise UsageError("The address of pictures must not hold a user or a password.", _EXAMPLE)
    if SLOT in parts.netloc or SLOT in parts.fragment:
        raise UsageError(
            f"In {template!r}, {SLOT} must stand behind the server's name and before any #.", _EXAMPLE
        )
    # A canonical beginning: HTTPS://Example.ORG:443 is the origin https://example.org for browsers.
    origin = (
        _origin(parts.scheme, parts.netloc, parts.hostname or "", port, template) if parts.scheme else None
    )
    server = f"{parts.scheme}://{parts.netloc}" if parts.scheme else ""
    # urlsplit silently drops some characters: what is checked must be what is used.
    if not template.lower().startswith(server.lower()) or not _REST.fullmatch(
        template[len(server) :].replace(SLOT, "")
    ):
        raise UsageError(
            f"{template!r} holds characters that no address has.", "Percent-encode them, blanks as %20."
        )
    return PictureAddress((origin or "") + template[len(server) :], origin)


def _origin(scheme: str, netloc: str, host: str, port: int | None, template: str) -> str:
    """Scheme, name and port; nothing that could end a policy's word can be in it."""
    name = f"[{host}]" if netloc.startswith("[") else host
    if not (_NAME.fullmatch(host) if name == host else _is_ipv6(host)):
        raise UsageError(
            f"{template!r} names no server.",
            "Names of other alphabets are written as xn--; see your provider.",
        )
    usual = {"http": 80, "https": 443}[scheme]
    return f"{scheme}://{name}" if port in (None, usual) else f"{scheme}://{name}:{port}"


def _is_ipv6(host: str) -> bool:
    try:
        return "%" not in host and ipaddress.ip_address(host).version == 6
    except ValueError:
        return False
