"""One graph (``.onnx`` or OpenVINO's ``.xml``) compiled for this machine's CPU."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from sightword.backbones.base import Array
from sightword.backbones.external_data import check_external_data
from sightword.errors import ModelUnavailable, UsageError

__all__ = ["PRECISIONS", "Tower", "compiled", "default_precision", "find_graph"]

PRECISIONS = ("f32", "bf16", "f16")


@lru_cache(maxsize=1)
def core() -> Any:
    """OpenVINO's core; one per process, because making one scans for plug-ins."""
    # The package imports its converter when it can, and with it a telemetry client, urllib and ssl: 0.1 s of
    # every start for nothing that is used here. A converter that seems missing is skipped.
    converter = "openvino.tools.ovc"
    hidden = converter not in sys.modules and "openvino" not in sys.modules
    if hidden:
        sys.modules[converter] = None  # type: ignore[assignment]
    try:
        import openvino
    finally:
        if hidden:
            del sys.modules[converter]
    return openvino.Core()


@lru_cache(maxsize=1)
def supported_precisions() -> tuple[str, ...]:
    """Inference precisions this CPU runs natively."""
    capabilities = {str(item).lower() for item in core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")}
    return tuple(
        item for item in PRECISIONS if item == "f32" or {"f16": "fp16"}.get(item, item) in capabilities
    )


def default_precision() -> str:
    """bf16 where the CPU does it (about 5x torch's float32 here), else f32."""
    return "bf16" if "bf16" in supported_precisions() else "f32"


def check_precision(precision: str | None) -> str:
    """Resolve and validate a precision name; ``None`` means `default_precision`."""
    if precision is None:
        return default_precision()
    if precision not in PRECISIONS:
        raise UsageError(f"Precision {precision!r} is not known.", f"Choose one of {', '.join(PRECISIONS)}.")
    if precision not in supported_precisions():
        raise UsageError(
            f"This CPU does not compute in {precision}.",
            f"Choose one of {', '.join(supported_precisions())}.",
        )
    return precision


def find_graph(directory: Path, stem: str) -> Path:
    """``<stem>.onnx`` or ``<stem>.xml`` in a backbone directory."""
    for suffix in (".onnx", ".xml"):
        path = directory / f"{stem}{suffix}"
        if path.is_file():
            return path
    raise ModelUnavailable(f"{directory} has neither {stem}.onnx nor {stem}.xml.", "Add the backbone again.")


def compiled(
    path: Path,
    threads: int | None,
    precision: str,
    cache: Path | None,
    read: Callable[[Path], Any] = str,
    streams: int = 1,
) -> Any:
    """A graph as OpenVINO runs it; the parameters are those of `Tower` and `streams.StreamedTower`.

    Raises
    ------
    ModelUnavailable
        The file is damaged, or this OpenVINO cannot run it.
    """
    config: dict[str, Any] = {
        "INFERENCE_PRECISION_HINT": precision,
        "PERFORMANCE_HINT": "LATENCY" if streams == 1 else "THROUGHPUT",
        "NUM_STREAMS": str(streams),
        # A pinned thread waits for its core while another is free; beside a busy process that cost 1-2 s.
        "ENABLE_CPU_PINNING": "NO",
    }
    if threads is not None:
        config["INFERENCE_NUM_THREADS"] = str(threads)
    if cache is not None:
        config["CACHE_DIR"] = str(cache)
    if path.suffix == ".onnx":
        check_external_data(path)
    try:
        # From the path, not from a read model: only so can a cached copy skip the reading.
        return core().compile_model(read(path), "CPU", config)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        raise ModelUnavailable(f"{path} cannot be compiled: {reason}", "Add the backbone again.") from None


class Tower:
    """A compiled graph; only its first output is looked at.

    Calls from several threads take turns: the CPU's cores are already shared inside one call.

    Parameters
    ----------
    path : Path
        The graph.
    width : int or None
        D, checked against what comes out; None takes any shape.
    threads : int, optional
        Inference threads; None lets OpenVINO take all cores.
    precision : str
        One of `PRECISIONS`.
    cache : Path, optional
        Where compiled graphs are kept between processes.
    read : callable, optional
        From the path to the model that is compiled instead of the file as it is.
    """

    def __init__(
        self,
        path: Path,
        width: int | None,
        threads: int | None,
        precision: str,
        cache: Path | None,
        read: Callable[[Path], Any] = str,
    ) -> None:
        self._compiled = compiled(path, threads, precision, cache, read)
        self._path = path
        self._width = width
        self._request = self._compiled.create_infer_request()
        self._lock = threading.Lock()

    def __call__(self, *inputs: np.ndarray[Any, Any]) -> Array:
        """Run once.

        Parameters
        ----------
        *inputs : arrays
            In the order of the graph's inputs; the first axis is the batch.

        Returns
        -------
        float32 [B, D], or the shape of the read graph's output
        """
        with self._lock:
            result = self._request.infer(list(inputs), share_inputs=True)[0]
            output = np.array(result, dtype=np.float32)  # a copy: the request reuses its buffer
        if self._width is not None and (output.ndim != 2 or output.shape[1] != self._width):
            raise wrong_width(self._path, output.shape, self._width)
        return output


def wrong_width(path: Path, shape: tuple[int, ...], width: int) -> ModelUnavailable:
    """The error of a graph whose features are not what the backbone's card says."""
    return ModelUnavailable(f"{path} answers with shape {shape}, not with {width} columns.")
