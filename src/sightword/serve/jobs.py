"""Keep indexes fresh: refreshes that can be asked for and followed, and watching."""

from __future__ import annotations

import logging
import threading
import uuid
from collections import OrderedDict
from dataclasses import asdict, dataclass, field
from typing import Any

from sightword.errors import IndexBusy, IndexOfAnotherFolder, SightwordError
from sightword.serve.library import Shelf
from sightword.serve.metrics import Metrics
from sightword.serve.schemas import JobOut
from sightword.update import Progress, UpdateReport

__all__ = ["Job", "Jobs"]

_KEPT = 200
_BUSY_SECONDS = 0.2

_log = logging.getLogger("sightword.serve")


@dataclass
class Job(Progress):
    """One refresh of one index, and how far it is."""

    index: str
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    state: Any = "queued"
    doing: str = ""
    seen: int = 0
    done: int = 0
    all: int | None = None
    report: dict[str, Any] | None = None
    error: str | None = None
    ended: threading.Event = field(default_factory=threading.Event)

    def description(self, text: str) -> None:
        """See `Progress`."""
        # The update names the folder's whole path here; a visitor need not know it.
        self.doing = "looking for changes" if text.startswith("looking") else text

    def found(self, count: int) -> None:
        """See `Progress`."""
        self.seen = count

    def already(self, count: int) -> None:
        """See `Progress`."""

    def total(self, count: int) -> None:
        """See `Progress`."""
        self.all = count

    def advance(self, count: int = 1) -> None:
        """See `Progress`."""
        self.done += count

    def out(self) -> JobOut:
        """As it goes over the wire."""
        return JobOut(
            id=self.id,
            index=self.index,
            state=self.state,
            doing=self.doing,
            found=self.seen,
            done=self.done,
            total=self.all,
            report=self.report,
            error=self.error,
        )


class Jobs:
    """Refreshes of all indexes: one at a time for each, and at most one more waiting.

    Parameters
    ----------
    metrics : Metrics
    near : bool
        Only this machine can ask: errors may name its folders.
    """

    def __init__(self, metrics: Metrics, *, near: bool) -> None:
        self._metrics = metrics
        self._near = near
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._queues: dict[str, list[Job]] = {}
        self._latest: dict[str, Job] = {}
        self._threads: list[threading.Thread] = []

    def refresh(self, shelf: Shelf) -> Job:
        """Start a refresh that sees everything which is in the folder now.

        One that is waiting already will see it; one that is running may have passed by.
        """
        with self._lock:
            queue = self._queues.setdefault(shelf.id, [])
            if len(queue) > 1:
                return queue[1]
            job = Job(shelf.id)
            self._jobs[job.id] = self._latest[shelf.id] = job
            while len(self._jobs) > _KEPT and next(iter(self._jobs.values())).ended.is_set():
                self._jobs.popitem(last=False)
            queue.append(job)
            if len(queue) == 1:
                self._start(lambda: self._work(shelf), f"refresh-{shelf.id}")
            return job

    def get(self, job_id: str) -> Job | None:
        """A job by its id; the last 200 are remembered."""
        return self._jobs.get(job_id)

    def current(self, shelf: Shelf) -> Job | None:
        """What the index is doing, or did last."""
        with self._lock:
            queue = self._queues.get(shelf.id)
            return queue[0] if queue else self._latest.get(shelf.id)

    def watch(self, shelf: Shelf) -> None:
        """Refresh now, then follow the folder."""
        shelf.watched = True
        job = self.refresh(shelf)

        def follow() -> None:
            job.ended.wait()
            try:
                # An empty folder has no index yet: look again until there is one.
                while not shelf.engine.indexed and not self._stop.wait(2.0):
                    self.refresh(shelf).ended.wait()
                if not self._stop.is_set():
                    shelf.engine.watch(stop=self._stop)
            except SightwordError as error:
                shelf.error = self._sentence(shelf, error)
            except Exception:
                _log.exception("Watching %s ended.", shelf.id)
            finally:
                shelf.watched = False

        self._start(follow, f"watch-{shelf.id}")

    def close(self) -> None:
        """Stop: what was read is committed, the rest is left for the next start."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _start(self, work: Any, name: str) -> None:
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = threading.Thread(target=work, name=f"sightword-{name}")
        self._threads.append(thread)
        thread.start()

    def _work(self, shelf: Shelf) -> None:
        while True:
            with self._lock:
                job = self._queues[shelf.id][0]
            try:
                self._run(shelf, job)
            except Exception:
                _log.exception("Refreshing %s failed.", shelf.id)
                job.error = job.error or "It failed; the server's log says how."
                job.state = "failed"
            finally:  # or nothing of this folder would ever be refreshed again
                self._metrics.jobs.labels(job.state).inc()
                with self._lock:
                    queue = self._queues[shelf.id]
                    queue.pop(0)
                    job.ended.set()
                    more = bool(queue)
            if not more:
                return

    def _run(self, shelf: Shelf, job: Job) -> None:
        job.state = "running"
        try:
            report = self._updated(shelf, job)
        except SightwordError as error:
            job.error, job.state = self._sentence(shelf, error), "failed"
            shelf.strange = job.error if isinstance(error, IndexOfAnotherFolder) else None
            shelf.error = None if shelf.facts()["pictures"] and not shelf.strange else job.error
        else:
            shelf.error = shelf.strange = None
            # Every batch was committed before it was counted: what the report tells is on the disk.
            kept = asdict(report)
            kept.pop("problems")
            job.report, job.state = kept, "stopped" if report.interrupted else "finished"

    def _sentence(self, shelf: Shelf, error: SightwordError) -> str:
        """What is told to whoever asks; a stranger need not know machines, folders and users."""
        _log.warning("Refreshing %s: %s", shelf.id, error)
        if self._near:
            return error.message
        if isinstance(error, IndexOfAnotherFolder):
            return error.public
        message = error.message
        for place in shelf.places():
            message = message.replace(place, shelf.name)
        return message

    def _updated(self, shelf: Shelf, job: Job) -> UpdateReport:
        while True:
            try:
                return shelf.engine.update(progress=job, stop=self._stop)
            except IndexBusy as busy:
                job.doing = f"waiting for {busy.holder}"
                if self._stop.wait(_BUSY_SECONDS):
                    raise
