"""One connection to a server: calls have a time limit, are repeated when it helps, and fail in sentences."""

from __future__ import annotations

import logging.config
import os
import re
import socket
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sightword.errors import IndexProblem, ModelUnavailable, SightwordError
from sightword.index.milvus.address import Address
from sightword.index.milvus.credentials import Credentials, read_credentials
from sightword.index.milvus.faults import is_missing, is_transient, no_database, sentence
from sightword.index.milvus.retry import Transient, retrying
from sightword.index.milvus.tls import diagnose, refuse_plain

__all__ = ["Connection", "client_library"]

OLDEST = (2, 3)
"""The first release with the upsert that replaces a picture in one step."""

_PATIENCE = 6.0
"""How many time limits long a question is asked again: without a query node answers come after 36 s."""

_LONG_PATIENCE = 18.0
"""The same for what a job cannot do without: a server that was killed took 36 s to come back, idle."""

_imported = threading.Lock()


def client_library() -> Any:
    """The module ``pymilvus``; imported here alone, as it takes a second and brings pandas along.

    Raises
    ------
    ModelUnavailable
        It is not installed.
    """
    with _imported, _quiet_import():
        try:
            import pymilvus
        except ImportError:
            raise ModelUnavailable(
                "An index on a cluster needs the package pymilvus, which is not installed.",
                "Install it: pip install 'sightword[milvus]'",
            ) from None
    # What goes wrong is told once, by us; the library would print a trace for every attempt.
    for name in ("pymilvus", "pymilvus.milvus_client"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    return pymilvus


@contextmanager
def _quiet_import() -> Iterator[None]:
    """Keep the import from changing this program.

    The library takes settings from a ``.env`` file somewhere above its own folder, and configures logging
    anew, which closes every handler that is there: a server's log, for one.
    """
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    before = os.environ.get("PYTHON_DOTENV_DISABLED")
    configure = logging.config.dictConfig
    os.environ["PYTHON_DOTENV_DISABLED"] = "1"
    logging.config.dictConfig = lambda config: None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about its own dependencies
            yield
    finally:
        logging.config.dictConfig = configure
        if before is None:
            del os.environ["PYTHON_DOTENV_DISABLED"]
        else:
            os.environ["PYTHON_DOTENV_DISABLED"] = before


class Connection:
    """A client of one server; safe to use from several threads.

    Parameters
    ----------
    address : Address
    credentials : Credentials, optional
        By default the environment's.

    Raises
    ------
    IndexProblem
        Nobody answers, the server does not let us in, or is too old.
    ModelUnavailable
        The client library is not installed.
    """

    def __init__(self, address: Address, credentials: Credentials | None = None) -> None:
        self.address = address
        self.repeated = float("-inf")
        self._credentials = credentials or read_credentials(address)
        self.library = client_library()
        self._knock()
        if address.tls:
            refuse_plain(address, self._credentials.timeout)
        self._client: Any = self._attempt(
            self._connect,
            explain=lambda: diagnose(address, self._credentials.files, self._credentials.timeout),
        )
        self.version = self._check_version()

    def call(
        self,
        method: str,
        /,
        *,
        seconds: float | None = None,
        patience: float | None = None,
        patient: bool = False,
        **arguments: Any,
    ) -> Any:
        """Call a method of the client library's ``MilvusClient``; doing it twice must be as good as once.

        Parameters
        ----------
        method : str
        seconds : float, optional
            Of one attempt.
        patience : float, optional
            Seconds after which no further attempt is made.
        patient : bool
            Without a number: three minutes instead of one (at the usual time limit of 10 s).
        **arguments
            Of the method.

        Raises
        ------
        IndexProblem
            It failed for good.
        """
        seconds = seconds or self._credentials.timeout
        if patience is None:
            patience = (_LONG_PATIENCE if patient else _PATIENCE) * seconds

        def work() -> Any:
            return getattr(self._client, method)(timeout=seconds, **arguments)

        return self._attempt(work, patience)

    def has(self, collection: str) -> bool:
        """Whether there is such a collection."""
        return bool(self.call("has_collection", collection_name=collection))

    def check_database(self) -> None:
        """Tell a database that is not there from a collection that is not.

        Raises
        ------
        IndexProblem
            The address names a database that the server does not have.
        """
        name = self.address.database
        if not name:
            return
        try:
            there = sorted(map(str, self.call("list_databases", patience=0.0)))
        except IndexProblem:  # not everybody may list them
            return
        if name not in there:
            raise no_database(name, self.address.server, self.address.collection, there)

    def close(self) -> None:
        """Hang up; twice does no harm."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _connect(self) -> Any:
        return self.library.MilvusClient(
            uri=self.address.uri,
            db_name=self.address.database,
            timeout=self._credentials.timeout,
            dedicated=True,
            **self._credentials.arguments(self.address),
        )

    def _knock(self) -> None:
        """Tell at once, and not after many tries, that nobody listens there at all."""
        where = (self.address.host, self.address.port)
        try:
            socket.create_connection(where, timeout=self._credentials.timeout).close()
        except (OSError, UnicodeError) as error:  # the latter of names that cannot be a machine's
            unknown = isinstance(error, (socket.gaierror, UnicodeError))
            reason = "there is no such machine" if unknown else "nobody listens there"
            if isinstance(error, TimeoutError):
                reason = "it does not answer"
            raise IndexProblem(
                f"No Milvus server can be reached at {self.address.server}: {reason}.",
                "Start it, or correct the address.",
            ) from None

    def _attempt(
        self,
        work: Any,
        patience: float = 0.0,
        explain: Callable[[], SightwordError | None] = lambda: None,
    ) -> Any:
        """The result of `work`, repeated while that may help; `explain` may know better why it did not."""

        def once() -> Any:
            try:
                return work()
            except Exception as error:  # the library's own, and those of the RPC library below it
                if is_transient(error) and not is_missing(error):
                    self.repeated = time.monotonic()
                    raise Transient from error
                raise sentence(error, self.address.server, self.address.user) from None

        try:
            return retrying(once, patience)
        except Transient as last:
            assert last.__cause__ is not None
            raise explain() or sentence(last.__cause__, self.address.server, self.address.user) from None

    def _check_version(self) -> str:
        version = str(self.call("get_server_version", patience=0.0))
        numbers = re.match(r"v?(\d+)\.(\d+)", version)
        if numbers is not None and (int(numbers[1]), int(numbers[2])) < OLDEST:
            raise IndexProblem(
                f"The server {self.address.server} is Milvus {version}; this release needs 2.3 or newer.",
                "Upgrade the server.",
            )
        return version
