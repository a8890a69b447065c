"""Pictures decoded by worker processes: a crash, a hang or a bomb costs one file and nothing else."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sightword.errors import PictureError
from sightword.pictures.limits import Limits, process_count
from sightword.pictures.types import DecodedPicture, Preset, UnreadablePicture
from sightword.pictures.workers import Worker

if TYPE_CHECKING:
    from sightword.backbones.base import PreprocessSpec

__all__ = ["DecodePool"]

_FEW = 8
"""Up to this many files one worker is quicker than starting several."""

_AT_ONCE = 2
"""Requests that a worker holds, so that it never waits for the next."""

_TICK = 0.1


@dataclass
class _Task:
    key: bytes
    path: bytes
    data: bytes = b""
    """Content given instead of a path."""
    deaths: int = 0


class _Done:
    """A serving thread has finished."""


class DecodePool:
    """Decodes files in worker processes with limits on memory and time.

    Parameters
    ----------
    spec : PreprocessSpec
        The backbone's; the workers send squares of this size.
    preset : {"product", "clip"}
    workers : int, optional
        Processes; by default one for each core this process may use.
    limits : Limits
    ahead : int
        Decoded pictures held ready at most; beyond that the workers wait.
    program : str
        Module that the workers run; tests put one with faults here.

    Examples
    --------
    ::

        with DecodePool(backbone.spec.preprocess) as pool:
            for picture in pool.run([(b"cat.jpg", b"/pictures/cat.jpg")]):
                ...
    """

    def __init__(
        self,
        spec: PreprocessSpec,
        preset: Preset = "product",
        *,
        workers: int | None = None,
        limits: Limits | None = None,
        ahead: int = 64,
        program: str = "sightword.pictures.worker",
    ) -> None:
        self._limits = limits or Limits()
        self._count = max(1, workers or process_count())
        self._ahead = ahead
        self._program = program
        self._side = spec.size
        self._settings: dict[str, Any] = {
            "preset": preset,
            "max_pixels": self._limits.max_pixels,
            "memory": self._limits.bytes,
            "seconds": self._limits.seconds,
            "size": spec.size,
            "resize": spec.resize,
            "interpolation": spec.interpolation,
        }
        self._workers: list[Worker | None] = [None] * self._count
        self._running = threading.Lock()

    def __enter__(self) -> DecodePool:
        """The pool; its processes start with the first files."""
        return self

    def __exit__(self, *_: object) -> None:
        """`close`."""
        self.close()

    def close(self) -> None:
        """End all workers."""
        for slot, worker in enumerate(self._workers):
            if worker is not None:
                worker.end()
                self._workers[slot] = None

    def run(
        self, files: Sequence[tuple[bytes, bytes]], stop: threading.Event | None = None
    ) -> Generator[DecodedPicture | UnreadablePicture, None, None]:
        """Decode files; the results come in any order.

        Parameters
        ----------
        files : sequence of (name, path)
            The name comes back as ``path`` of the result, the path is opened.
        stop : threading.Event, optional
            When set, no further results are delivered.

        Yields
        ------
        DecodedPicture or UnreadablePicture
            Exactly one for each file.

        Raises
        ------
        SightwordError
            Workers cannot be started at all.
        """
        return self._run([_Task(key, path) for key, path in files], stop)

    def run_bytes(
        self, pictures: Sequence[tuple[bytes, bytes]], stop: threading.Event | None = None
    ) -> Generator[DecodedPicture | UnreadablePicture, None, None]:
        """`run` for pictures that are in memory, as (name, content); the name comes back as ``path``."""
        return self._run([_Task(name, b"", data) for name, data in pictures], stop)

    def _run(
        self, tasks: Sequence[_Task], stop: threading.Event | None = None
    ) -> Generator[DecodedPicture | UnreadablePicture, None, None]:
        with self._running:
            count = 1 if len(tasks) <= _FEW else self._count
            results: queue.Queue[Any] = queue.Queue(self._ahead)
            halt = threading.Event()
            feed = _Feed(tasks)
            threads = [
                threading.Thread(target=self._serve, args=(slot, feed, results, halt), daemon=True)
                for slot in range(count)
            ]
            threads.append(threading.Thread(target=self._watch, args=(halt,), daemon=True))
            for thread in threads:
                thread.start()
            try:
                while count and not (stop is not None and stop.is_set()):
                    with contextlib.suppress(queue.Empty):
                        result = results.get(timeout=_TICK)
                        if result is _Done:
                            count -= 1
                        elif isinstance(result, BaseException):
                            raise result
                        else:
                            yield result
            finally:
                halt.set()
                if count:  # left early: the workers hold answers that nobody will hear
                    for worker in self._workers:
                        if worker is not None:
                            worker.kill()
                # Left early, somebody may still be waiting to put a result down.
                while count and any(thread.is_alive() for thread in threads):
                    with contextlib.suppress(queue.Empty):
                        results.get(timeout=0.01)
                for thread in threads:
                    thread.join()

    def read(self, path: bytes) -> DecodedPicture:
        """Decode one file.

        Raises
        ------
        PictureError
            With the reason.
        """
        return self._one(_Task(path, path))

    def read_bytes(self, data: bytes) -> DecodedPicture:
        """Decode a picture that is in memory, such as an upload; its ``path`` is empty."""
        return self._one(_Task(b"", b"", data))

    def _one(self, task: _Task) -> DecodedPicture:
        (result,) = self._run([task])
        if isinstance(result, UnreadablePicture):
            raise PictureError(result.reason)
        return result

    def _watch(self, halt: threading.Event) -> None:
        while not halt.wait(_TICK):
            for worker in self._workers:
                if worker is not None:
                    worker.check_time()

    def _serve(self, slot: int, feed: _Feed, results: queue.Queue[Any], halt: threading.Event) -> None:
        """Keep one worker busy until the files are used up."""
        waiting: deque[_Task] = deque()  # to be sent again, after a death
        sent: deque[_Task] = deque()
        try:
            while not halt.is_set():
                worker = self._workers[slot]
                # A file that has already cost a worker its life goes alone, to be sure who did it.
                room = 1 if (waiting and waiting[0].deaths) or (sent and sent[0].deaths) else _AT_ONCE
                while len(sent) < room and (task := waiting.popleft() if waiting else feed.take()):
                    if worker is None:
                        worker = self._workers[slot] = Worker(self._settings, self._program)
                    worker.ask({"path": task.path.decode("latin-1")}, task.data)
                    sent.append(task)
                if worker is None or not sent:
                    break
                reply = worker.hear(self._limits.seconds)
                if reply is not None:
                    results.put(self._result(sent.popleft(), *reply))
                    continue
                how = worker.end()
                self._workers[slot] = None
                if halt.is_set():
                    break
                culprit = sent.popleft()
                culprit.deaths += 1
                waiting.extendleft(reversed(sent))
                sent.clear()
                if worker.timed_out:
                    results.put(_lost(culprit, f"took longer than {self._limits.seconds:g} s"))
                elif culprit.deaths > 1:
                    results.put(_lost(culprit, f"crashed the process that did it ({how})"))
                else:
                    # Perhaps the system chose that process when memory ran out: one more chance.
                    waiting.appendleft(culprit)
        except BaseException as error:
            results.put(error)
        finally:
            results.put(_Done)

    def _result(self, task: _Task, head: dict[str, Any], pixels: bytes) -> DecodedPicture | UnreadablePicture:
        state = {"path": task.key, "size": head["size"], "mtime_ns": head["mtime_ns"]}
        if "reason" in head:
            return UnreadablePicture(**state, reason=head["reason"], vanished=head.get("vanished", False))
        return DecodedPicture(
            **state,
            content_hash=bytes.fromhex(head["hash"]),
            width=head["width"],
            height=head["height"],
            format=head["format"],
            taken=head["taken"],
            pixels=np.frombuffer(pixels, np.uint8).reshape(self._side, self._side, 3),
        )


class _Feed:
    """Hands tasks to several threads, each task once."""

    def __init__(self, tasks: Iterable[_Task]) -> None:
        self._tasks = iter(tasks)
        self._lock = threading.Lock()

    def take(self) -> _Task | None:
        with self._lock:
            return next(self._tasks, None)


def _lost(task: _Task, what: str) -> UnreadablePicture:
    """The result for a file whose worker did not answer."""
    reason = f"Reading the picture {what}."
    if not task.path:
        return UnreadablePicture(task.key, len(task.data), 0, reason)
    try:
        state = Path(os.fsdecode(task.path)).stat()
    except OSError:
        return UnreadablePicture(task.key, 0, 0, reason, vanished=True)
    return UnreadablePicture(task.key, state.st_size, state.st_mtime_ns, reason)
