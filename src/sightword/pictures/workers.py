"""The program's side of one decoding worker: start it, ask it, time it, end it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from sightword.errors import SightwordError
from sightword.pictures.wire import receive, send

__all__ = ["Worker"]

# -I: nothing from the current folder or the environment; then exactly the import path of this process.
_START = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); "
    "from importlib import import_module; import_module(sys.argv[2]).main()"
)
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
_PIPE_BYTES = 1 << 18  # a whole response fits: the worker goes on to the next picture without waiting
# Ctrl-C goes to the foreground group of the terminal; the workers are not in it. Not a new session where
# that can be helped: Linux shares the CPU between sessions, and `nice` would not reach them.
_OWN_GROUP: dict[str, Any]
if os.name != "posix":
    _OWN_GROUP = {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
elif sys.version_info >= (3, 11):
    _OWN_GROUP = {"process_group": 0}
else:
    _OWN_GROUP = {"start_new_session": True}

_START_SECONDS = 60.0  # a twentieth of a second is usual; machines can be very busy
_ROOT = str(Path(__file__).resolve().parents[2])


class Worker:
    """One worker process.

    Parameters
    ----------
    settings : dict
        Sent first; see `worker.main`.
    program : str
        Module whose ``main`` the process runs.

    Raises
    ------
    SightwordError
        The process could not be started.
    """

    def __init__(self, settings: dict[str, Any], program: str) -> None:
        self.timed_out = False
        self._deadline: float | None = None
        self._lock = threading.Lock()
        where = [_ROOT, *(entry for entry in sys.path if entry and entry != _ROOT)]
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-c", _START, json.dumps(where), program],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=None if os.environ.get("SIGHTWORD_DEBUG") else subprocess.DEVNULL,
                env={**os.environ, **_ONE_THREAD},
                **_OWN_GROUP,
            )
        except OSError as error:
            raise _not_started(str(error)) from None
        _widen(self._process)
        self._ready = False
        self.ask(settings)

    def ask(self, head: dict[str, Any], body: bytes = b"") -> None:
        """Send a request; a dead worker is noticed by `hear`."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError, ValueError):
            send(self._process.stdin, head, body)

    def hear(self, seconds: float) -> tuple[dict[str, Any], bytes] | None:
        """Wait for the next response; None when the worker died or took longer than this.

        Raises
        ------
        SightwordError
            The worker died before it was ready: something is wrong with the installation, not a picture.
        """
        assert self._process.stdout is not None
        try:
            if not self._ready:
                self._wait_until(_START_SECONDS)
                if receive(self._process.stdout) is None:
                    raise _not_started(self.end())
                self._ready = True
            self._wait_until(seconds)
            return receive(self._process.stdout)
        except (OSError, ValueError):  # the pipe was closed by `end`
            return None
        finally:
            self._wait_until(None)

    def _wait_until(self, seconds: float | None) -> None:
        with self._lock:
            self._deadline = None if seconds is None else time.monotonic() + seconds

    def check_time(self) -> None:
        """End the worker if `hear` waits past its time; called from another thread."""
        with self._lock:
            if self._deadline is not None and time.monotonic() > self._deadline:
                self.timed_out = True
                self._process.kill()

    def kill(self) -> None:
        """End the process; `hear` returns None."""
        self._process.kill()

    def end(self) -> str:
        """Make sure that the process is gone and say how it went, for use in a sentence."""
        with contextlib.suppress(OSError):
            self._process.kill()
        code = self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                if pipe is not None:
                    pipe.close()
        if code >= 0:
            return f"exit code {code}"
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
        return f"signal {-code}"


def _not_started(detail: str) -> SightwordError:
    return SightwordError(
        f"The process that decodes pictures could not be started ({detail}).",
        "Set SIGHTWORD_DEBUG=1 to see its messages, or run `sightword doctor`.",
    )


def _widen(process: subprocess.Popen[bytes]) -> None:
    if sys.platform.startswith("linux") and process.stdout is not None:
        import fcntl

        with contextlib.suppress(OSError):
            fcntl.fcntl(process.stdout, 1031, _PIPE_BYTES)  # F_SETPIPE_SZ
