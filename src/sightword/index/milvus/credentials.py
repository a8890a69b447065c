"""Who we are to the server, from the environment: never from an address, a command line or a folder's file.

========================== ====================================================================
SIGHTWORD_MILVUS_USER      user name; the address may say it instead (``milvus://USER@HOST/...``)
SIGHTWORD_MILVUS_PASSWORD  its password
SIGHTWORD_MILVUS_TOKEN     instead of both: an API key, or ``user:password``
SIGHTWORD_MILVUS_CA        file of certificates that the server's must descend from (PEM)
SIGHTWORD_MILVUS_CERT      our own certificate, where the server wants one (PEM); needs ...
SIGHTWORD_MILVUS_KEY       ... its key (PEM)
SIGHTWORD_MILVUS_TIMEOUT   seconds that one question may take before it is asked again (default 10)
========================== ====================================================================
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sightword.errors import UsageError
from sightword.index.milvus.address import Address

__all__ = ["Credentials", "read_credentials"]

_PREFIX = "SIGHTWORD_MILVUS_"
_TIMEOUT = 10.0


@dataclass(frozen=True)
class Credentials:
    """What is needed to connect; its text shows no secret.

    Attributes
    ----------
    token : str
        What the server is told; empty for nobody in particular.
    files : mapping
        Certificates, by the names that the client library gives them.
    timeout : float
        Seconds of one attempt.
    """

    token: str = field(default="", repr=False)
    files: Mapping[str, str] = field(default_factory=dict)
    timeout: float = _TIMEOUT

    def arguments(self, address: Address) -> dict[str, Any]:
        """Arguments of the client library."""
        return {"token": self.token, **({"secure": True, **self.files} if address.tls else {})}


def read_credentials(address: Address, environ: Mapping[str, str] | None = None) -> Credentials:
    """Read the environment.

    Raises
    ------
    UsageError
        What is there does not fit together; the sentence repeats no secret.
    """
    environ = os.environ if environ is None else environ

    def said(name: str) -> str:
        return environ.get(_PREFIX + name, "")

    user = address.user or said("USER")
    token, password = said("TOKEN"), said("PASSWORD")
    if not token and user and not password:
        raise UsageError(
            f"There is no password for the user {user!r} of {address.server}.",
            f"Set {_PREFIX}PASSWORD in the environment.",
        )
    if not token and password and not user:
        raise UsageError(
            f"{_PREFIX}PASSWORD is set, but no user is named.",
            f"Set {_PREFIX}USER, or write milvus://USER@{address.server}/...",
        )
    return Credentials(
        token=token or (f"{user}:{password}" if user else ""),
        files=_files(address, said("CA"), said("CERT"), said("KEY")),
        timeout=_seconds(said("TIMEOUT")),
    )


def _files(address: Address, ca: str, cert: str, key: str) -> dict[str, str]:
    if not (ca or cert or key):
        return {}
    if not address.tls:
        raise UsageError(
            "Certificates are set in the environment, but the address asks for a connection without TLS.",
            f"Write milvus+tls://{address.server}/...",
        )
    if bool(cert) != bool(key) or (cert and not ca):
        raise UsageError(f"{_PREFIX}CERT, {_PREFIX}KEY and {_PREFIX}CA go together.")
    for path in filter(None, (ca, cert, key)):
        if not Path(path).is_file():
            raise UsageError(f"There is no file {path!r}, which the environment names for TLS.")
    if cert:
        return {"ca_pem_path": ca, "client_pem_path": cert, "client_key_path": key}
    return {"server_pem_path": ca}


def _seconds(text: str) -> float:
    try:
        seconds = float(text) if text else _TIMEOUT
    except ValueError:
        seconds = math.nan
    if not 0.1 <= seconds <= 3600:
        raise UsageError(f"{_PREFIX}TIMEOUT is {text!r}.", "It is a number of seconds from 0.1 to 3600.")
    return seconds
