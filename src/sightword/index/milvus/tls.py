"""Why a connection with or without TLS does not come about; the client library only says that it has not."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from dataclasses import replace

from sightword.errors import IndexProblem, SightwordError, UsageError
from sightword.index.milvus.address import Address

__all__ = ["diagnose", "refuse_plain", "speaks_tls"]

_NOT_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "PACKET_LENGTH_TOO_LONG")
"""What is said of an answer that is no record of TLS."""


def speaks_tls(address: Address, seconds: float) -> bool | None:
    """Whether the server answers a greeting in TLS, whoever it claims to be.

    Parameters
    ----------
    address : Address
    seconds : float
        For each step of the handshake.

    Returns
    -------
    bool or None
        None when nothing can be concluded: it does not answer in time, or hangs up.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        _greet(address, context, seconds)
    except ssl.SSLError as error:
        reason = error.reason or ""
        if reason in _NOT_TLS:
            return False
        return True if "ALERT" in reason else None  # an alert is a refusal in TLS
    except (OSError, ValueError):  # the latter of names that cannot be a machine's
        return None
    return True


def refuse_plain(address: Address, seconds: float) -> None:
    """Tell that a server without TLS is asked with it.

    Raises
    ------
    IndexProblem
        It does not speak TLS. Nothing is said where that is not certain: the client then tries.
    """
    if speaks_tls(address, seconds) is False:
        raise IndexProblem(
            f"The Milvus server {address.server} does not speak TLS, for which the address asks.",
            f"Write {replace(address, tls=False)}, or have TLS switched on there.",
        )


def diagnose(address: Address, files: Mapping[str, str], seconds: float) -> SightwordError | None:
    """What is wrong with TLS when a server that listens cannot be talked to; None when it is something else.

    Parameters
    ----------
    address : Address
    files : mapping
        Certificates, by the names that the client library gives them.
    seconds : float
        As for `speaks_tls`.
    """
    if not address.tls:
        if not speaks_tls(address, seconds):
            return None
        return IndexProblem(
            f"The Milvus server {address.server} speaks TLS, for which the address does not ask.",
            f"Write {replace(address, tls=True)}.",
        )
    try:
        context = _context(files)
    except (ssl.SSLError, OSError) as error:
        return UsageError(
            f"The certificates for {address.server} cannot be used ({_reason(error)}).",
            "SIGHTWORD_MILVUS_CA, _CERT and _KEY name PEM files, the last two a certificate and its own key.",
        )
    try:
        _greet(address, context, seconds, listen=True)
    except ssl.SSLCertVerificationError as error:
        why = error.verify_message.rstrip(".")
        return IndexProblem(
            f"The Milvus server {address.server} does not prove who it is ({why}).", _step(error)
        )
    except ssl.SSLError as error:
        if "CERTIFICATE" in (error.reason or ""):
            return IndexProblem(
                f"The Milvus server {address.server} wants to see a certificate of ours that it knows.",
                "export SIGHTWORD_MILVUS_CERT=OURS.pem SIGHTWORD_MILVUS_KEY=KEY.pem (and _CA)",
            )
    except (OSError, ValueError):
        pass
    return None


def _context(files: Mapping[str, str]) -> ssl.SSLContext:
    """As the client library checks: its own certificates, or the system's."""
    ca = files.get("server_pem_path") or files.get("ca_pem_path")
    context = ssl.create_default_context(cafile=ca)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if "client_pem_path" in files:
        context.load_cert_chain(files["client_pem_path"], files["client_key_path"])
    return context


def _greet(address: Address, context: ssl.SSLContext, seconds: float, *, listen: bool = False) -> None:
    """Shake hands; with `listen` also wait for what the server says of our certificate, which comes later."""
    context.set_alpn_protocols(["h2"])
    with (
        socket.create_connection((address.host, address.port), timeout=seconds) as raw,
        context.wrap_socket(raw, server_hostname=address.host) as channel,
    ):
        if listen:
            channel.recv(1)


def _step(error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code in (62, 63, 64):  # X509_V_ERR_*_MISMATCH: of a name, of an address of mail, of an IP
        return "Name the server in the address as its certificate does."
    return "Say which certificates its own descends from: export SIGHTWORD_MILVUS_CA=FILE.pem"


def _reason(error: OSError) -> str:
    reason = getattr(error, "reason", None) or error.strerror or "unreadable"
    return str(reason).replace("_", " ").lower()
