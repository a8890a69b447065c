"""torch modules -> ONNX graphs that any batch, and any length that the tower takes, can go through."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from sightword.backbones.patches import TENSOR
from sightword.backbones.torch_clip.looking import Looking
from sightword.errors import ModelUnavailable

__all__ = ["write_image_graph", "write_text_graph"]

OPSET = 18
INLINE = 1 << 30
"""Bytes; larger weights go into a file beside the graph, because a graph itself ends at two gigabytes."""


def write_image_graph(tower: nn.Module, size: int, path: Path) -> None:
    """Write ``image.onnx``: float32 [B, 3, size, size] -> [B, D].

    Of a tower that is `Looking` the tensor that holds the patches is named so, but is no output: who wants it
    cuts the graph there (`sightword.backbones.patch_tower`), and nobody else pays for it.

    Raises
    ------
    ModelUnavailable
        torch cannot express the tower as a graph.
    """
    shapes = {0: torch.export.Dim("batch")}
    more = [TENSOR] if isinstance(tower, Looking) else []
    _write(tower, (torch.randn(2, 3, size, size),), ["pixels"], (shapes,), path, more)


def write_text_graph(tower: nn.Module, width: int, context: int, trims: bool, path: Path) -> None:
    """Write ``text.onnx``: float32 [B, T, W] and int64 [B] -> [B, D].

    Parameters
    ----------
    tower : nn.Module
    width, context : int
        W and the longest T.
    trims : bool
        Whether T may be shorter than the context.
    path : Path

    Raises
    ------
    ModelUnavailable
        torch cannot express the tower as a graph.
    """
    batch = torch.export.Dim("batch")
    long = max(2, context // 2) if trims else context
    words: dict[int, Any] = {0: batch}
    if trims:
        words[1] = torch.export.Dim("tokens", max=context)
    example = (torch.randn(2, long, width), torch.tensor([long - 1, long]))
    _write(tower, example, ["embeddings", "lengths"], (words, {0: batch}), path)


def _write(
    tower: nn.Module, example: Any, names: list[str], shapes: Any, path: Path, inner: Sequence[str] = ()
) -> None:
    try:
        with _quietly():
            program = torch.onnx.export(
                tower,
                example,
                dynamo=True,
                dynamic_shapes=shapes,
                input_names=names,
                output_names=["features", *inner],
                opset_version=OPSET,
                verbose=False,
            )
            _forget_the_source(program.model)
            del program.model.graph.outputs[1:]
            size = sum(p.numel() * p.element_size() for p in tower.parameters())
            program.save(str(path), external_data=size > INLINE)
    except (ImportError, OSError):
        raise
    except Exception as error:
        reason = (str(error).strip().splitlines() or [""])[0]
        raise ModelUnavailable(
            f"{path.name} cannot be made of this tower ({type(error).__name__}: {reason[:160]}).",
            "It runs in torch only.",
        ) from None


def _forget_the_source(model: Any) -> None:
    """Drop the exporter's notes on every node: they name this machine's files and outweigh small weights."""
    model.metadata_props.clear()
    for graph in (model.graph, *model.functions.values()):
        graph.metadata_props.clear()
        for node in graph:
            node.metadata_props.clear()
            node.doc_string = None
            for value in node.outputs:
                value.metadata_props.clear()


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Attention as a graph instead of as one fused call, and none of the exporter's chatter."""
    fused = torch.backends.mha.get_fastpath_enabled()
    disabled = logging.root.manager.disable
    torch.backends.mha.set_fastpath_enabled(False)
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), torch.no_grad():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
        torch.backends.mha.set_fastpath_enabled(fused)
