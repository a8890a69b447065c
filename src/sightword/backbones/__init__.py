"""READ: frozen dual encoders. Pictures -> features; words with slots -> features."""

from __future__ import annotations

from pathlib import Path

from sightword.backbones.base import Backbone, BackboneSpec, PreprocessSpec
from sightword.backbones.registry import resolve
from sightword.errors import UsageError

__all__ = ["Backbone", "BackboneSpec", "PreprocessSpec", "load_backbone"]


def load_backbone(
    name: str = "starter",
    *,
    runtime: str = "openvino",
    threads: int | None = None,
    precision: str | None = None,
    cache: Path | None = None,
) -> Backbone:
    """Load a backbone; its towers are compiled when first used.

    Parameters
    ----------
    name : str
        ``starter`` (shipped), the path of a backbone directory, or a name installed by
        ``sightword models add``.
    runtime : {"openvino"}
        What computes.
    threads : int, optional
        Inference threads; None takes all cores.
    precision : {"bf16", "f32", "f16"}, optional
        None takes bf16 where the CPU does it, else f32.
    cache : Path, optional
        Directory for compiled graphs.

    Raises
    ------
    ModelUnavailable
        There is no such backbone, or its directory is damaged; the hint says what to do.
    UsageError
        A runtime, precision or thread count that does not exist.
    """
    if runtime != "openvino":
        raise UsageError(f"The runtime {runtime!r} does not exist in this version.", "Use 'openvino'.")
    from sightword.backbones.openvino_runtime import OpenVINOBackbone

    return OpenVINOBackbone(resolve(name), threads=threads, precision=precision, cache=cache)
