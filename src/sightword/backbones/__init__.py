"""READ: frozen dual encoders. Pictures -> features; words with slots -> features."""

from __future__ import annotations

from pathlib import Path

from sightword.backbones.base import Backbone, BackboneSpec, PreprocessSpec

__all__ = ["Backbone", "BackboneSpec", "PreprocessSpec", "load_backbone"]


def load_backbone(
    name: str = "starter",
    *,
    runtime: str | None = None,
    threads: int | None = None,
    precision: str | None = None,
    cache: Path | None = None,
    device: str | None = None,
    activation: str | None = None,
    local_files_only: bool = False,
) -> Backbone:
    """Load a backbone; its towers are compiled when first used.

    Parameters
    ----------
    name : str
        ``starter`` (shipped), a name installed by ``sightword models add`` or the path of a backbone
        directory; with the extra ``[torch]`` also ``MODEL/TAG`` of open_clip (``ViT-L-14/openai``), a folder
        in open_clip's or transformers' layout, ``MODEL-gelu@FILE`` and ``hf-hub:OWNER/NAME``; see
        docs/backbones.md.
    runtime : {"openvino", "torch"}, optional
        What computes; None takes OpenVINO for backbone directories and torch for everything else.
    threads : int, optional
        Inference threads of OpenVINO; None takes all cores.
    precision : {"bf16", "f32", "f16"}, optional
        None takes, for OpenVINO, bf16 where the CPU does it, else f32; for torch f32.
    cache : Path, optional
        Directory for compiled graphs.
    device : str, optional
        torch only: ``cuda``, ``mps``, ``cpu``; None takes the best one here.
    activation : {"gelu", "quickgelu"}, optional
        torch only: what a checkpoint that does not say it was trained with.
    local_files_only : bool
        Never ask the network.

    Raises
    ------
    ModelUnavailable
        There is no such backbone, or it is damaged; the hint says what to do.
    UsageError
        A runtime, precision, device or thread count that does not exist.
    """
    from sightword.backbones.opening import open_backbone

    return open_backbone(
        name,
        runtime=runtime,
        threads=threads,
        precision=precision,
        cache=cache,
        device=device,
        activation=activation,
        local_files_only=local_files_only,
    )
