"""A connection to Ray: a cluster of this machine's own, or one at an address."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from sightword.errors import SightwordError, UsageError
from sightword.scale.need import need_ray

__all__ = ["ray_session"]

_REACH_SECONDS = 10.0
_ANSWER_SECONDS = 30.0

_HINT = "Start one with `ray start --head`, or leave --address out to use this machine alone."


@contextmanager
def ray_session(
    address: str | None = None,
    *,
    cpus: int | None = None,
    dashboard: bool = False,
    object_store: int | None = None,
    told: Callable[[str], None] = lambda text: None,
) -> Iterator[Any]:
    """Connect, yield Ray, disconnect.

    A cluster of one's own listens on the loopback interface only and ends with this process. Usage statistics
    are never sent.

    Parameters
    ----------
    address : str, optional
        ``HOST:PORT`` of a running cluster, or ``auto`` for the one on this machine; None starts one for the
        time being.
    cpus : int, optional
        Cores of an own cluster; by default all.
    dashboard : bool
        Show Ray's dashboard on an own cluster; needs ``ray[default]``.
    object_store : int, optional
        Bytes of shared memory of an own cluster.
    told : callable
        Told where the dashboard is, in one sentence.

    Raises
    ------
    ModelUnavailable
        Ray is not installed.
    UsageError
        The address is none.
    SightwordError
        Nobody answers there, or Ray cannot start.
    """
    if address is None:
        # Ray's name for "several machines"; without it every port is opened on the loopback interface.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
        os.environ.pop("RAY_ADDRESS", None)
    else:
        _check_reachable(address)
    if not os.environ.get("SIGHTWORD_DEBUG"):  # the C++ side has no other switch
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if address not in (None, "auto") and find_spec("ray") is not None:
            _check_ray(str(address))  # before Ray is imported: it reads its settings then
        ray = need_ray()
        _hush()
        if dashboard and address is None:
            _need_dashboard()
        own: dict[str, Any] = {"num_cpus": cpus, "include_dashboard": dashboard}
        if object_store is not None:
            own["object_store_memory"] = object_store
        try:
            context = ray.init(
                address=address or "local",
                log_to_driver=False,
                logging_level=logging.ERROR,
                **({} if address else own),
            )
        except Exception as error:
            lines = str(error).strip().splitlines()
            reason = " ".join(line.strip() for line in lines[:2]).rstrip(".") or type(error).__name__
            what = f"The Ray cluster at {address} cannot be joined" if address else "Ray cannot be started"
            raise SightwordError(f"{what} ({reason}).", _HINT if address else None) from None
    if dashboard and context.dashboard_url:
        told(f"Ray's dashboard: http://{context.dashboard_url}")
    try:
        yield ray
    finally:
        with warnings.catch_warnings(), contextlib.suppress(Exception):
            warnings.simplefilter("ignore")
            ray.shutdown()


def _hush() -> None:
    """Ray Data tells of every step on standard error; its own log file keeps all of it."""
    for handler in logging.getLogger("ray.data").handlers:
        if isinstance(handler, logging.StreamHandler) and not os.environ.get("SIGHTWORD_DEBUG"):
            handler.setLevel(logging.CRITICAL + 1)


def _check_reachable(address: str) -> None:
    """Somebody must listen there: Ray itself would try for minutes."""
    if address == "auto":
        return
    host, separator, port = address.rpartition(":")
    if "://" in address or not (separator and host and port.isdigit() and int(port) < 1 << 16):
        raise UsageError(
            f"{address!r} is no address of a Ray cluster.",
            "Give HOST:PORT (6379 unless it was chosen) or auto, on a machine that belongs to the cluster.",
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), _REACH_SECONDS).close()
    except OSError as error:
        reason = error.strerror or str(error) or "no answer"
        raise SightwordError(f"No Ray cluster answers at {address} ({reason}).", _HINT) from None


def _check_ray(address: str) -> None:
    """Whoever listens must be Ray, of this version; asked by a process that can be ended."""
    asked = [sys.executable, "-m", "ray.scripts.scripts", "health-check", "--address", address]
    try:
        answer = subprocess.run(asked, capture_output=True, text=True, timeout=_ANSWER_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        reason = f"no answer that Ray would give within {_ANSWER_SECONDS:g} s"
        raise SightwordError(f"No Ray cluster answers at {address} ({reason}).", _HINT) from None
    if answer.returncode and "AuthenticationError" in answer.stderr and "RAY_AUTH_MODE" not in os.environ:
        os.environ["RAY_AUTH_MODE"] = "token"  # Ray finds the token where it keeps it, or says where that is
    elif answer.returncode:
        lines = [line.strip() for line in answer.stderr.splitlines() if line.strip()]
        reason = next((line for line in lines if "ersion" in line), lines[-1] if lines else "no reason given")
        raise SightwordError(f"The Ray cluster at {address} cannot be joined ({reason.rstrip('.')}).", _HINT)


def _need_dashboard() -> None:
    if find_spec("aiohttp_cors") is None:  # comes with ray[default] only
        raise UsageError("Ray's dashboard is not installed.", "Run `pip install 'ray[default]'`.")
