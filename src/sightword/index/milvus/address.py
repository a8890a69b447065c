"""Where an index on a cluster is: ``milvus://[USER@]HOST[:PORT]/[DATABASE/]COLLECTION[?option=value]``.

An address names no secret: it is typed, logged, shown by ``ps`` and written into bug reports. The password
or token comes from the environment (`sightword.index.milvus.credentials`).
"""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from sightword.errors import UsageError

__all__ = ["Address", "Layout", "is_address", "parse_address", "refuse_half"]

_SCHEMES = ("milvus", "milvus+tls")
_PORT = 19530
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")
_HOST = re.compile(r"[A-Za-z0-9._:-]+")
_USER = re.compile(r"[A-Za-z0-9._@+-]{1,64}")
_INDEXES = ("auto", "flat", "hnsw", "ivf_flat", "ivf_sq8")
_LEVELS = ("bounded", "session", "strong")
_HINT = "It is written milvus://[USER@]HOST[:PORT]/COLLECTION, with ?option=value behind it if need be."
_BARE = re.compile(r"(?P<rest>(?:[^/@]*@)?(?:[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:]+\]):[0-9]{1,5}(?:/.*)?)")
_SLIPPED = re.compile(r"(?P<scheme>milvus(?:\+tls)?):/(?P<rest>[^/].*)", re.IGNORECASE)
_OTHER = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+)://(?P<rest>.+)")
_SERVERS = ("http", "https", "grpc", "tcp")


@dataclass(frozen=True)
class Layout:
    """How a collection is laid out; read when it is made, `replicas` and `consistency` when it is opened.

    Attributes
    ----------
    index : {"auto", "flat", "hnsw", "ivf_flat", "ivf_sq8"}
        ``auto`` decides by the number of pictures (`sightword.index.milvus.layout`).
    shards : int
        Write channels.
    replicas : int
        Copies in memory, each on query nodes of its own.
    consistency : {"bounded", "session", "strong"}
        What a search must have seen; see docs/cluster.md.
    """

    index: str = "auto"
    shards: int = 1
    replicas: int = 1
    consistency: str = "bounded"


@dataclass(frozen=True)
class Address:
    """A collection on a server; `str` gives the address again, without options that are the default.

    Attributes
    ----------
    host : str
    port : int
    database : str
        Empty for the default one.
    collection : str
    user : str
        Empty when the environment says it, or nobody is asked.
    tls : bool
    layout : Layout
    """

    host: str
    port: int
    collection: str
    database: str = ""
    user: str = ""
    tls: bool = False
    layout: Layout = field(default_factory=Layout)

    @property
    def server(self) -> str:
        """``host:port``, for sentences."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def uri(self) -> str:
        """What the client library is given."""
        return f"{'https' if self.tls else 'http'}://{self.server}"

    @property
    def plain(self) -> str:
        """The address without options."""
        return self.public.replace("://", f"://{self.user}@", 1) if self.user else self.public

    @property
    def public(self) -> str:
        """The address without options and without a user's name: what strangers may see."""
        database = f"{self.database}/" if self.database else ""
        return f"{_SCHEMES[self.tls]}://{self.server}/{database}{self.collection}"

    def __str__(self) -> str:
        default = Layout()
        options = [
            f"{name}={value}" for name, value in vars(self.layout).items() if value != getattr(default, name)
        ]
        return self.plain + ("?" + "&".join(options) if options else "")


def is_address(text: object) -> bool:
    """Whether a text is meant as the address of an index on a cluster, and not as a path."""
    return isinstance(text, str) and text.lower().startswith(tuple(f"{scheme}://" for scheme in _SCHEMES))


def refuse_half(text: str, command: str = "{}") -> None:
    """Refuse what is meant as an address but does not begin like one: a directory of that name would be made.

    Parameters
    ----------
    text : str
        Where somebody wants an index. Nothing is said of a path that is there, or that begins with ``./``.
    command : str
        What to type instead, with ``{}`` for the address.

    Raises
    ------
    UsageError
        With the command. It repeats nothing that stands before an @, and behind a ? only options of ours.
    """
    found = _BARE.fullmatch(text) or _SLIPPED.fullmatch(text) or _OTHER.fullmatch(text)
    if found is None or is_address(text) or os.path.lexists(text):
        return
    said = found.groupdict()
    scheme, rest = (said.get("scheme") or "").lower(), _unspoken(found["rest"])
    if scheme and scheme not in _SERVERS and "mil" not in scheme:
        raise UsageError(
            f"No index can be kept at a place that begins with {scheme}://.",
            "Name a directory, or milvus://HOST:PORT/COLLECTION.",
        )
    place, question, options = rest.partition("?")
    server, _, names = place.partition("/")
    meant = f"{_SCHEMES['tls' in scheme or scheme == 'https']}://{server}/{names or 'COLLECTION'}"
    meant += question + options
    path = "" if scheme or rest != found["rest"] else f" (a directory of this name: ./{rest})"
    raise UsageError(
        "This looks like the address of a server, but does not begin with milvus://.",
        f"Write: {command.replace('{}', shlex.quote(meant))}{path}",
    )


def _unspoken(rest: str) -> str:
    """What stands behind ``://``, without a user, a fragment, or options that are not ours: secrets all."""
    place, question, options = rest.rpartition("@")[2].partition("#")[0].partition("?")
    if re.search(r"[?#]", rest.rpartition("@")[0]):  # a part of the secret may have an @, and the rest a ?
        return "HOST"
    try:
        _layout(options)
    except UsageError:
        return place
    return place + question + options


def parse_address(text: str) -> Address:
    """Read an address.

    Raises
    ------
    UsageError
        It is no address, or it holds a password. The sentence never repeats one.
    """
    try:
        parts = urlsplit(text)
        port = parts.port if parts.port is not None else _PORT
        host = parts.hostname or ""
    except ValueError:
        raise UsageError("The address of the index cannot be read.", _HINT) from None
    if parts.password is not None:
        raise UsageError(
            "The address of the index holds a password, which others on this machine could read.",
            f"Write milvus://{parts.username or 'USER'}@{host}/... and set SIGHTWORD_MILVUS_PASSWORD.",
        )
    scheme = parts.scheme.lower()
    if scheme not in _SCHEMES or not _HOST.fullmatch(host) or parts.fragment or not 0 < port < 65536:
        raise UsageError(f"{_without_user(parts)!r} is not the address of an index on a cluster.", _HINT)
    if parts.username is not None and not _USER.fullmatch(parts.username):
        raise UsageError("The user's name in the address of the index has characters it cannot have.", _HINT)
    names = parts.path.strip("/").split("/")
    _check_names(names, parts)
    return Address(
        host=host,
        port=port,
        collection=names[-1],
        database=names[0] if len(names) == 2 else "",
        user=parts.username or "",
        tls=scheme == "milvus+tls",
        layout=_layout(parts.query),
    )


def _check_names(names: list[str], parts: SplitResult) -> None:
    """Refuse what is no [DATABASE,] COLLECTION, with an address that could have been meant."""
    begin = f"{parts.scheme}://{parts.netloc}"
    if names == [""]:
        raise UsageError(f"{_without_user(parts)!r} names no collection.", f"Write {begin}/COLLECTION.")
    if len(names) > 2:
        said = f"{_without_user(parts)!r} has more in its path than a database and a collection."
        raise UsageError(said, f"Write {begin}/COLLECTION or {begin}/DATABASE/COLLECTION.")
    for what, name in zip(("collection", "database"), reversed(names)):
        if not _NAME.fullmatch(name):
            proper = "/".join(map(_proper, names))
            raise UsageError(
                f"{unquote(name)!r} cannot be the name of a {what}: letters, digits and _ may be in it (255 "
                "at the most), and no digit at its beginning.",
                f"Write {begin}/{proper}, for instance.",
            )


def _proper(name: str) -> str:
    """A name like this one that can be."""
    proper = re.sub(r"[^A-Za-z0-9_]+", "_", unquote(name))[:250].strip("_")
    return proper if _NAME.fullmatch(proper) else f"_{proper}" if proper else "COLLECTION"


def _without_user(parts: SplitResult) -> str:
    """The text without whatever stands before an @."""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _layout(query: str) -> Layout:
    chosen: dict[str, str | int] = {}
    numbers = {"shards": 16, "replicas": 64}
    words = {"index": _INDEXES, "consistency": _LEVELS}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name in words:
            if value not in words[name]:
                raise UsageError(
                    f"The address of the index says {name}={value}.", f"Choose {', '.join(words[name])}."
                )
            chosen[name] = value
        elif name in numbers:
            if not (value.isascii() and value.isdigit() and 1 <= int(value) <= numbers[name]):
                raise UsageError(
                    f"The address of the index says {name}={value}.",
                    f"It is a whole number from 1 to {numbers[name]}.",
                )
            chosen[name] = int(value)
        else:
            raise UsageError(
                f"The address of the index has an option {name!r}, which does not exist.",
                f"Options: {', '.join(sorted({*words, *numbers}))}.",
            )
    return Layout(**chosen)  # type: ignore[arg-type]
