"""``README.md`` of an exported backbone: what it is, where it came from, how it was checked."""

from __future__ import annotations

from pathlib import Path

from sightword.backbones.base import BackboneSpec

__all__ = ["write_card"]

TEXT = """---
library_name: sightword
tags: [composed-image-retrieval, clip]
---
# {name}

A dual encoder in sightword's portable layout: `backbone.json` describes it, `image.onnx` and `text.onnx` are
its towers, `token_embedding.safetensors` and `tokenizer.json` its words. The text tower takes embeddings, so
that pseudo-words can stand in a prompt.

| | |
|---|---|
| from | {source} |
| licence of the weights | {licence} |
| features | {dim} dimensions |
| words | {token_dim} dimensions, context {context} |
| text tower | mask {mask}, pooling {pool}, padded to {pad_to}, {activation} |
| pictures | {size} x {size}, {resize}, {interpolation} |
| smallest cosine to the original when it was exported | {cosine:.6f} |

Use it: `sightword models add DIRECTORY`, then `--backbone {name}`.
"""


def write_card(directory: Path, spec: BackboneSpec, cosine: float) -> None:
    """Write the card.

    Parameters
    ----------
    directory : Path
    spec : BackboneSpec
    cosine : float
        The smallest one to the torch model's answers.
    """
    text = TEXT.format(
        name=spec.name,
        source=spec.source,
        licence=spec.licence,
        dim=spec.dim,
        token_dim=spec.token_dim,
        context=spec.context,
        mask=spec.mask,
        pool=spec.pool,
        pad_to=spec.pad_to,
        activation=spec.activation,
        size=spec.preprocess.size,
        resize=spec.preprocess.resize,
        interpolation=spec.preprocess.interpolation,
        cosine=cosine,
    )
    (directory / "README.md").write_text(text, encoding="utf-8")
