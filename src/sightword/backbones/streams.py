"""The same graph for many pictures: several inferences side by side instead of one that uses all cores.

Threads that share an inference wait for each other at the end of every layer, and while decoders use the
cores as well they wait long. Inferences of one thread each wait for nobody.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np

from sightword.backbones.base import Array
from sightword.backbones.towers import compiled, wrong_width
from sightword.pictures.limits import process_count

__all__ = ["PORTION", "StreamedTower", "stream_count"]

PORTION = 8
"""Pictures in one inference at most."""

_SMALL, _SMALL_PORTION = 64 << 20, 4
"""A tower whose weights leave the cache to the pictures takes few of them at once: indexing with the starter
is 3 % quicker with 4 than with 8, while a ViT-B/32 encodes 6 % more slowly (both by hand)."""

_MOST = 4
"""Streams at most: what an update encodes at once is four portions."""


def stream_count(threads: int | None) -> int:
    """How many inferences run side by side on so many threads; None for all cores."""
    return max(1, min(threads or process_count(), _MOST))


class StreamedTower:
    """A compiled graph that many pictures go through.

    Parameters
    ----------
    path : Path
        The graph; it has one input, and its first output is looked at.
    width : int
        D, checked against what comes out.
    threads, precision, cache
        See `sightword.backbones.towers.Tower`.
    """

    def __init__(
        self, path: Path, width: int, threads: int | None, precision: str, cache: Path | None
    ) -> None:
        streams = stream_count(threads)
        self._compiled = compiled(path, threads, precision, cache, streams=streams)
        import openvino

        self._path, self._width = path, width
        self._portion = _SMALL_PORTION if _weight_bytes(path) <= _SMALL else PORTION
        self._queue: Any = openvino.AsyncInferQueue(self._compiled, streams)
        self._queue.set_callback(_keep)
        self._lock = threading.Lock()

    def __call__(self, pixels: Array) -> Array:
        """Pixels float32 [B, 3, S, S] -> features float32 [B, D].

        Raises
        ------
        ModelUnavailable
            The graph answers with another width.
        """
        found = np.empty((len(pixels), self._width), np.float32)
        wrong: list[tuple[int, ...]] = []
        with self._lock:
            try:
                for start in range(0, len(pixels), self._portion):
                    part, place = (array[start : start + self._portion] for array in (pixels, found))
                    self._queue.start_async([part], (place, wrong), share_inputs=True)
            finally:
                self._queue.wait_all()  # what runs reads `pixels` and writes `found`, also after an interrupt
        if wrong:
            raise wrong_width(self._path, wrong[0], self._width)
        return found


def _weight_bytes(path: Path) -> int:
    """Size of a graph's files: weights lie inside it or beside it."""
    return sum(each.stat().st_size for each in path.parent.glob(f"{path.stem}.*"))


def _keep(request: Any, place: tuple[Array, list[tuple[int, ...]]]) -> None:
    """Copy what an inference found; its buffer serves the next one."""
    target, wrong = place
    result = request.get_output_tensor(0).data
    if result.shape == target.shape:
        target[:] = result
    else:
        wrong.append(result.shape)
