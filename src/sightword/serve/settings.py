"""What a server is told at its start, and every limit that it keeps."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

__all__ = ["Settings", "is_loopback"]


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server bound to this name.

    Examples
    --------
    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class Settings:
    """Where the server listens, who may ask, and how much.

    Attributes
    ----------
    host, port
        What the server is bound to; requests must name it in their ``Host``.
    api_key : str or None
        When given, everything but the empty page needs it.
    allowed_hosts : tuple of str
        Further names for ``Host``, such as that of a reverse proxy.
    tls : bool
        Whether the server speaks https itself.
    insecure : bool
        Listen beyond this machine although there is no key.
    method : str
        What ``default`` stands for.
    watch : bool
        Follow the folders.
    max_upload : int
        Bytes of one request's body.
    max_json : int
        Bytes of a body of JSON.
    max_file : int
        Bytes of one uploaded picture.
    max_files : int
        Pictures in one request.
    max_pixels : int
        Pixels of one picture, checked before it is decoded.
    decode_seconds : float
        Time for decoding one picture.
    workers : int
        Requests that are worked on at once.
    waiting : int
        Requests that may wait beyond that; more are answered with 429.
    timeout : float
        Seconds until a request is given up.
    body_seconds : float
        Seconds a client may take to send its request.
    rate, burst : float
        Requests per second of one address in the long run, and at once.
    wrong_keys : int
        Wrong keys per minute of one address.
    batching : bool
        Encode what concurrent requests need together.
    thumbnail_bytes : int
        Memory for thumbnails.
    """

    host: str = "127.0.0.1"
    port: int = 8765
    api_key: str | None = field(default=None, repr=False)
    allowed_hosts: tuple[str, ...] = ()
    tls: bool = False
    insecure: bool = False
    method: str = "default"
    watch: bool = False
    max_upload: int = 64 << 20
    max_json: int = 1 << 20
    max_file: int = 32 << 20
    max_files: int = 8
    max_pixels: int = 100_000_000
    decode_seconds: float = 20.0
    workers: int = 32
    waiting: int = 96
    timeout: float = 30.0
    body_seconds: float = 60.0
    rate: float = 200.0
    burst: float = 400.0
    wrong_keys: int = 10
    batching: bool = True
    thumbnail_bytes: int = 48 << 20
