"""Which engine does the work, and how it is started: late, when there is something to do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from sightword.errors import UsageError
from sightword.pictures.limits import process_count
from sightword.scale.need import need_ray
from sightword.scale.pipeline import BulkEngine, LocalEngine, Pipeline, Shards

if TYPE_CHECKING:
    from sightword.backbones.base import Backbone

__all__ = ["ENGINES", "EngineChoice", "open_engine"]

ENGINES = ("local", "ray")


@dataclass(frozen=True)
class EngineChoice:
    """Where pictures are decoded and encoded.

    Attributes
    ----------
    name : {"local", "ray"}
    address : str or None
        Of a running Ray cluster; None starts one on this machine.
    device : str or None
        torch backbones: ``cuda``, ``mps``, ``cpu``.
    cards : float or None
        Graphics cards of one encoder on Ray; by default one when `device` is ``cuda``.
    batch : int or None
        Pictures encoded at once.
    workers : int or None
        Decoding processes of the local engine.
    cpus : int or None
        Cores of a cluster of one's own.
    dashboard : bool
        Show Ray's dashboard.
    object_store : int or None
        Bytes of shared memory of a cluster of one's own.
    """

    name: str = "local"
    address: str | None = None
    device: str | None = None
    cards: float | None = None
    batch: int | None = None
    workers: int | None = None
    cpus: int | None = None
    dashboard: bool = False
    object_store: int | None = None

    def check(self) -> None:
        """What can be said before any work.

        Raises
        ------
        UsageError, ModelUnavailable
        """
        if self.name not in ENGINES:
            raise UsageError(f"There is no engine {self.name!r}.", f"Choose one of {', '.join(ENGINES)}.")
        if self.name == "local":
            for option, value in (("--address", self.address), ("--gpus", self.cards)):
                if value is not None:
                    raise UsageError(f"{option} belongs to a cluster.", "Add --engine ray.")
        elif find_spec("ray") is None:
            need_ray()
        if self.batch is not None and self.batch < 1:
            raise UsageError(f"A batch of {self.batch} encodes nothing.", "Give 1 or more.")

    @property
    def cards_each(self) -> float:
        """Graphics cards of one encoder."""
        if self.cards is not None:
            return self.cards
        return 1.0 if (self.device or "").startswith("cuda") else 0.0


def open_engine(
    choice: EngineChoice, backbone: Backbone, stack: ExitStack, told: Callable[[str], None]
) -> BulkEngine:
    """The engine of that choice; Ray is started by the first run and ends with the stack."""
    if choice.name == "local":
        return LocalEngine(choice.workers or process_count(), choice.batch or 32, backbone)
    return _Late(choice, stack, told)


class _Late:
    """Ray, connected when there is work."""

    def __init__(self, choice: EngineChoice, stack: ExitStack, told: Callable[[str], None]) -> None:
        self._choice = choice
        self._stack = stack
        self._told = told
        self._engine: BulkEngine | None = None

    def run(self, pipeline: Pipeline, shards: Shards, stop: threading.Event) -> Iterator[dict[str, Any]]:
        """See `BulkEngine`."""
        if self._engine is None:
            from sightword.scale.ray_engine import RayEngine
            from sightword.scale.ray_session import ray_session

            choice = self._choice
            self._told(f"Joining the Ray cluster at {choice.address}." if choice.address else "Starting Ray.")
            ray = self._stack.enter_context(
                ray_session(
                    choice.address,
                    cpus=choice.cpus,
                    dashboard=choice.dashboard,
                    object_store=choice.object_store,
                    told=self._told,
                )
            )
            self._engine = RayEngine(ray, cards_each=choice.cards_each, batch=choice.batch, told=self._told)
        yield from self._engine.run(pipeline, shards, stop)
