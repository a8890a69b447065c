"""What a server's refusals mean: worth another try, or a sentence for the person."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sightword.errors import IndexMissing, IndexProblem, SightwordError

__all__ = ["is_missing", "is_transient", "no_database", "sentence"]

# Codes of Milvus 2.3 and later: not ready, unavailable, too many requests, rate limit; not loaded yet; no
# replica, channel, segment or node just now.
_TRANSIENT = {1, 2, 4, 8, 101, 103, 400, 401, 500, 501, 503, 600, 601, 602, 900, 901, 902, 903}
_TRANSIENT_CALLS = {"UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "ABORTED", "CANCELLED"}
_TRANSIENT_WORDS = re.compile(
    r"not (?:ready|available|healthy|fully loaded|loaded|found in cache|synced)|unavailable|offline|deadline"
    r"|no (?:available|healthy)|on all shard leaders|rate limit|timed? ?out|session expired|node not match"
    r"|eof|connection (?:refused|reset|error)|Retry (?:run out|timeout)|shard delegator|context canceled",
    re.IGNORECASE,
)
_INPUT = {1100, 1101, 1102}
_COLLECTION_NOT_FOUND = 100
_DATABASE_NOT_FOUND = 800
_DATABASE = re.compile(r"database not found\[database=([^\]]*)\]")
_LONGEST = 200


def is_missing(error: BaseException) -> bool:
    """Whether a collection is not there."""
    return getattr(error, "code", None) == _COLLECTION_NOT_FOUND or "can't find collection" in _words(error)


def no_database(name: str, server: str, collection: str, there: Sequence[str] = ()) -> IndexProblem:
    """The sentence for a database that is not there.

    Parameters
    ----------
    name : str
    server : str
        ``host:port``.
    collection : str
        Which one was meant, for the hint.
    there : sequence of str
        Those that are, if that is known.
    """
    known = f"There are: {', '.join(there)}. " if there else ""
    return IndexProblem(
        f"The Milvus server {server} has no database {name!r}.",
        f"{known}Sightword makes none; for the default one write milvus://{server}/{collection}.",
    )


def is_transient(error: BaseException) -> bool:
    """Whether asking again may help."""
    error = _reason(error)
    call = _call_status(error)
    if call is not None:
        return call in _TRANSIENT_CALLS
    code = getattr(error, "code", None)
    if (
        is_missing(error)
        or code in (*_INPUT, _DATABASE_NOT_FOUND)
        or _unauthenticated(error)
        or _forbidden(error)
    ):
        return False
    return code in _TRANSIENT or _TRANSIENT_WORDS.search(_words(error)) is not None


def sentence(error: BaseException, server: str, user: str) -> SightwordError:
    """The error as a person is told it.

    Parameters
    ----------
    error : exception
        Of the client library.
    server : str
        ``host:port``.
    user : str
        As whom it was asked; may be empty.
    """
    error = _reason(error)
    who = f"the user {user!r}" if user else "anybody without a name and a password"
    if _unauthenticated(error):
        return IndexProblem(
            f"The Milvus server {server} does not let {who} in.",
            "Check SIGHTWORD_MILVUS_USER and SIGHTWORD_MILVUS_PASSWORD, or SIGHTWORD_MILVUS_TOKEN.",
        )
    if _forbidden(error):
        return IndexProblem(
            f"The Milvus server {server} does not allow {who} to do this.",
            "Ask whoever runs it for the rights to read, write, create and load collections.",
        )
    if (name := _missing_database(error)) is not None:
        return no_database(name, server, "COLLECTION")
    if is_missing(error):
        return IndexMissing(f"The server {server} has no such collection any more.", "Index again.")
    if is_transient(error):
        return IndexProblem(
            f"The Milvus server {server} does not answer.",
            "Check that it runs and can be reached; SIGHTWORD_MILVUS_TIMEOUT gives it more time.",
        )
    return IndexProblem(f"The Milvus server {server} refuses: {_short(error)}")


def _reason(error: BaseException) -> BaseException:
    """The failed call itself where the library only says that it could not connect."""
    seen: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in seen:  # the library has errors that are their own cause
        if _call_status(cause) is not None:
            return cause
        seen.append(cause)
        cause = cause.__cause__
    return error


def _call_status(error: BaseException) -> str | None:
    """Name of the status of a failed call (`grpc.RpcError`, which has it as a method)."""
    code: Any = getattr(error, "code", None)
    if callable(code):
        code = code()
    name = getattr(code, "name", None)
    return name if isinstance(name, str) and name.isupper() and not isinstance(code, int) else None


def _missing_database(error: BaseException) -> str | None:
    found = _DATABASE.search(_words(error))
    if found is None and getattr(error, "code", None) != _DATABASE_NOT_FOUND:
        return None
    return found[1] if found else "?"


def _unauthenticated(error: BaseException) -> bool:
    return _call_status(error) == "UNAUTHENTICATED" or "auth check failure" in _words(error)


def _forbidden(error: BaseException) -> bool:
    return _call_status(error) == "PERMISSION_DENIED" or "permission deny" in _words(error)


def _words(error: BaseException) -> str:
    details = getattr(error, "details", None)
    said = details() if callable(details) else getattr(error, "message", None)
    return str(said if said else error)


def _short(error: BaseException) -> str:
    text = " ".join("".join(sign if sign.isprintable() else " " for sign in _words(error)).split())
    return (text[:_LONGEST] + "..." if len(text) > _LONGEST else text).rstrip(".") + "."
