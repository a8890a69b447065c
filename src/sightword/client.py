"""Ask a server of `sightword serve` from Python, with nothing but the standard library.

>>> from sightword.client import Client
>>> with Client("http://127.0.0.1:8765") as client:                    # doctest: +SKIP
...     for hit in client.search(images="beach.jpg", text="at night").hits:
...         print(hit.score, hit.path)
"""

from __future__ import annotations

import http.client
import json
import os
import re
import secrets
import ssl
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from sightword.errors import PictureError, SightwordError, UsageError

__all__ = ["KIND_PREFIX", "Answer", "Client", "Index", "Job", "RemoteHit", "ServerError"]

Picture = str | bytes | os.PathLike[str]
Made = TypeVar("Made")

KIND_PREFIX = "urn:sightword:"
"""Before the kind in the ``type`` of a problem (RFC 9457)."""

_EXIT_CODES = {"usage": 2, "index": 3, "model": 4, "picture": 1}

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,39}\.[0-9]{1,15}")


class ServerError(SightwordError):
    """The server refused a request, or there is none.

    Attributes
    ----------
    status : int
        Of HTTP; 0 when nobody answered.
    kind : str
        ``usage``, ``picture``, ``model``, ``index``; empty when it is none of these.
    exit_code : int
        What ``sightword search`` ends with when the same goes wrong on this machine.
    """

    def __init__(self, message: str, hint: str | None = None, status: int = 0, kind: str = "") -> None:
        super().__init__(message, hint)
        self.status = status
        self.kind = kind
        self.exit_code = _EXIT_CODES.get(kind, 1)


@dataclass(frozen=True)
class RemoteHit:
    """One picture that was found; `path` lies inside the server's folder. See `sightword.Hit`."""

    id: str
    index: str
    path: str
    score: float
    z: float
    rank: int
    width: int
    height: int
    format: str
    size: int
    modified: float
    taken: str | None = None
    path_b64: str | None = None
    duplicates: Sequence[str] = ()
    url: str | None = None


@dataclass(frozen=True)
class Answer:
    """What one method found.

    Attributes
    ----------
    method : str
        What ``default`` stood for.
    hits : list of RemoteHit
    index : str
    pictures : int
        In that index.
    complete : bool
        False while pictures are still being read.
    notes : list of str
        Sentences such as words that the model does not know.
    explanation : dict or None
        As ``sightword search --explain --json`` has it.
    """

    method: str
    hits: list[RemoteHit]
    index: str
    pictures: int
    complete: bool
    notes: list[str]
    explanation: dict[str, Any] | None = None


@dataclass(frozen=True)
class Job:
    """A refresh; ``finished`` means that what it read is on the server's disk."""

    id: str
    index: str
    state: str
    done: int = 0
    total: int | None = None
    report: dict[str, Any] | None = None
    error: str | None = None


@dataclass(frozen=True)
class Index:
    """One of the server's folders."""

    id: str
    name: str
    pictures: int
    failed: int
    backbone: str
    dim: int


class Client:
    """A connection to a server.

    Parameters
    ----------
    url : str
    api_key : str, optional
    timeout : float
        Seconds to wait for an answer.

    Raises
    ------
    UsageError
        The address is not one.
    """

    def __init__(
        self, url: str = "http://127.0.0.1:8765", *, api_key: str | None = None, timeout: float = 60.0
    ) -> None:
        parts = urlsplit(url if "//" in url else f"http://{url}")
        try:
            usable = parts.scheme in ("http", "https") and parts.hostname and (parts.port or True)
        except ValueError:
            usable = False
        if not usable:
            raise UsageError(f"{url!r} is no address of a server.", "Such as http://127.0.0.1:8765.")
        self.url = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        self._base = parts.path.rstrip("/")
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.netloc, timeout=timeout)
        self._headers = {"Accept": "application/json", "Origin": f"{parts.scheme}://{parts.netloc}"}
        if api_key is not None:
            self._headers["Authorization"] = f"Bearer {api_key}"

    def search(
        self,
        images: Picture | Iterable[Picture] = (),
        text: str = "",
        *,
        without: str | Picture | Iterable[Picture] = (),
        method: str = "default",
        explain: bool = False,
        **asked: Any,
    ) -> Answer:
        """Search.

        Parameters
        ----------
        images : str, Path, bytes, or several
            Files (they are sent), their bytes, or ids of indexed pictures such as ``holiday.12``.
        text : str
        without : str, Path, bytes, or several
            Words (a str), or pictures (a Path, bytes, an id).
        method : str
        explain : bool
        **asked
            Further fields of the request: index, where, k, min_score, prompt, balance,
            include_reference, fold.

        Raises
        ------
        ServerError
            The server refused; its sentence is the message.
        PictureError
            A file cannot be read.
        """
        ids, files = _sorted(_several(images))
        unwanted = _several(without)
        words = [item for item in unwanted if isinstance(item, str) and not _ID.fullmatch(item)]
        bad_ids, bad_files = _sorted([item for item in unwanted if item not in words])
        body = {"images": ids, "text": text, "without": words, "without_images": bad_ids, "methods": [method]}
        body |= {"explain": explain} | {name: value for name, value in asked.items() if value is not None}
        pictures = [("image", *file) for file in files] + [("without_image", *file) for file in bad_files]
        told = self._post("/v1/search", body, pictures)
        result = told["results"][0]
        return Answer(
            method=result["method"],
            hits=[_made(RemoteHit, hit) for hit in result["hits"]],
            index=told["index"],
            pictures=told["pictures"],
            complete=told["complete"],
            notes=told["notes"],
            explanation=result["explanation"],
        )

    def embed(self, texts: Sequence[str] = (), images: Iterable[Picture] = ()) -> list[list[float]]:
        """Unit vectors of texts, then of indexed pictures, then of files."""
        ids, files = _sorted(_several(images))
        body = {"texts": list(texts), "images": ids}
        told = self._post("/v1/embed", body, [("image", *file) for file in files])
        return [item["vector"] for item in told["embeddings"]]

    def indexes(self) -> list[Index]:
        """The server's folders."""
        return [_made(Index, item) for item in self._json("GET", "/v1/indexes")]

    def methods(self) -> list[str]:
        """Names of the methods."""
        return [item["name"] for item in self._json("GET", "/v1/methods")]

    def refresh(self, index: str, *, wait: float | None = None) -> Job:
        """Have the server look for changes in a folder.

        Parameters
        ----------
        index : str
        wait : float, optional
            Return when the job has ended, or after so many seconds; at once by default.
        """
        job = _made(Job, self._json("POST", f"/v1/indexes/{quote(index, safe='')}/refresh", b""))
        deadline = time.monotonic() + (wait or 0)
        while job.state in ("queued", "running") and time.monotonic() < deadline:
            time.sleep(0.1)
            job = self.job(job.id)
        return job

    def job(self, job_id: str) -> Job:
        """How far a refresh is."""
        return _made(Job, self._json("GET", f"/v1/jobs/{quote(job_id, safe='')}"))

    def image(self, image_id: str) -> bytes:
        """The file of an indexed picture."""
        return self._ask("GET", f"/v1/images/{quote(image_id, safe='')}")

    def thumbnail(self, image_id: str, size: int = 512) -> bytes:
        """A small JPEG of an indexed picture."""
        return self._ask("GET", f"/v1/images/{quote(image_id, safe='')}/thumb?size={size}")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def _post(self, path: str, body: dict[str, Any], pictures: Sequence[tuple[str, str, bytes]]) -> Any:
        if not pictures:
            return self._json("POST", path, json.dumps(body).encode(), "application/json")
        data, kind = _form(body, pictures)
        return self._json("POST", path, data, kind)

    def _json(self, method: str, path: str, body: bytes | None = None, kind: str | None = None) -> Any:
        try:
            return json.loads(self._ask(method, path, body, kind))
        except ValueError:
            raise ServerError(f"What answers at {self.url} is no Sightword server.") from None

    def _ask(self, method: str, path: str, body: bytes | None = None, kind: str | None = None) -> bytes:
        headers = self._headers | ({"Content-Type": kind} if kind else {})
        for fresh in (False, True):
            try:
                self._connection.request(method, self._base + path, body, headers)
                answer = self._connection.getresponse()
                data = answer.read()
                break
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                self._connection.close()  # an idle connection that the server has closed
                if fresh:
                    raise ServerError(f"The server at {self.url} broke off.") from None
            except (OSError, http.client.HTTPException) as error:
                self._connection.close()
                if isinstance(error, ssl.SSLError):
                    raise ServerError(
                        f"The server at {self.url} does not prove who it is "
                        f"({getattr(error, 'verify_message', '') or error.reason or error}).",
                        "SSL_CERT_FILE=CERT.pem trusts a certificate of your own.",
                    ) from None
                late = isinstance(error, TimeoutError)
                raise ServerError(
                    f"The server at {self.url} did not answer in time."
                    if late
                    else f"No server answers at {self.url}.",
                    None if late else "Start one with `sightword serve FOLDER`.",
                ) from None
        if answer.status >= 400:
            raise _refusal(self.url, answer.status, data)
        return data


def _refusal(url: str, status: int, data: bytes) -> ServerError:
    try:
        told = json.loads(data)
        kind = str(told.get("type", "")).partition(KIND_PREFIX)[2]
        return ServerError(str(told["detail"]), told.get("hint"), status, kind)
    except (ValueError, KeyError, TypeError, AttributeError):
        return ServerError(f"The server at {url} answered {status}.", None, status)


def _several(given: Picture | Iterable[Picture]) -> list[Picture]:
    return [given] if isinstance(given, (str, bytes, os.PathLike)) else list(given)


def _sorted(items: Iterable[Picture]) -> tuple[list[str], list[tuple[str, bytes]]]:
    """Ids, and files with their names."""
    ids: list[str] = []
    files: list[tuple[str, bytes]] = []
    for item in items:
        if isinstance(item, bytes):
            files.append(("picture", item))
        elif isinstance(item, str) and _ID.fullmatch(item) and not Path(item).is_file():
            ids.append(item)
        else:
            try:
                files.append((Path(os.fsdecode(item)).name, Path(item).read_bytes()))
            except OSError as error:
                raise PictureError(f"{os.fspath(item)} cannot be read: {error.strerror or error}.") from None
    return ids, files


def _form(body: dict[str, Any], pictures: Sequence[tuple[str, str, bytes]]) -> tuple[bytes, str]:
    """A multipart body and its content type; lists become repeated fields."""
    boundary = secrets.token_hex(16)
    parts: list[bytes] = []

    def add(disposition: str, data: bytes) -> None:
        head = f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n"
        parts.extend([head.encode("utf-8", "replace"), data, b"\r\n"])

    for name, value in body.items():
        for each in value if isinstance(value, (list, tuple)) else [value]:
            text = str(each).lower() if isinstance(each, bool) else str(each)
            add(f'name="{name}"', text.encode("utf-8", "replace"))
    for name, file, data in pictures:
        shown = re.sub(r'[\x00-\x1f"\\]', "_", file)  # only for the server's sentences
        add(f'name="{name}"; filename="{shown}"', data)
    parts.append(f"--{boundary}--\r\n".encode())
    return b"".join(parts), f"multipart/form-data; boundary={boundary}"


def _made(kind: type[Made], told: dict[str, Any]) -> Made:
    """A dataclass from JSON; fields that a newer server adds are left out."""
    return kind(**{field.name: told[field.name] for field in fields(kind) if field.name in told})  # type: ignore[arg-type]
