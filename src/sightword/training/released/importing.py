"""``sightword models import``: a released checkpoint -> our directory, checked against the original layout.

No released file names its backbone, and sizes do not tell: 768 numbers fit several CLIPs. Without a name the
one that the paper used is taken, by the size of the features.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sightword.backbones.base import BackboneSpec
from sightword.backbones.opening import need_torch
from sightword.backbones.spec import hash_file
from sightword.errors import ModelMismatch, ModelUnavailable, UsageError
from sightword.methods.combiner import PARTS, CombinerNetwork, shape_problem
from sightword.methods.phi import CONFIG, WEIGHTS
from sightword.training.directory import check_free, write_directory
from sightword.training.released.layouts import Released, recognise
from sightword.training.released.meaning import Meaning
from sightword.training.released.reference import difference
from sightword.training.save import save_phi

__all__ = ["METHODS", "USUAL_BACKBONES", "Imported", "import_released", "read_released"]

METHODS = ("pic2word", "searle", "lincir", "combiner")
USUAL_BACKBONES = {
    ("searle", 512): "ViT-B-32/openai",
    ("searle", 768): "ViT-L-14/openai",
    ("pic2word", 768): "ViT-L-14/openai",
    ("searle", 1024): "ViT-H-14/laion2b_s32b_b79k",
    ("searle", 1280): "ViT-bigG-14/laion2b_s39b_b160k",
    ("combiner", 640): "RN50x4/openai",
}
"""By layout and feature width: the backbones that the papers' weights belong to."""
TOLERANCE = 1e-5


@dataclass(frozen=True)
class Imported:
    """What was written.

    Attributes
    ----------
    directory : Path
    method : str
    backbone : str
    difference : float
        The largest between our answers and the original network's, relative to the largest answer.
    meaning : Meaning, optional
        Whether a phi's words mean their pictures on this backbone; `import_released` does not look.
    """

    directory: Path
    method: str
    backbone: str
    difference: float
    meaning: Meaning | None = None


def read_released(path: Path) -> Released:
    """Open a checkpoint, as data only.

    Raises
    ------
    ModelUnavailable
        It is damaged, holds code, or is no layout that is known.
    """
    need_torch(f"Reading {path.name}", ("torch",))
    from sightword.backbones.torch_clip.checkpoint import read_checkpoint

    return recognise(read_checkpoint(path), str(path))


def method_of(found: Released, path: Path, method: str | None) -> str:
    """Which method a checkpoint belongs to; SEARLE and LinCIR share a layout, so the file's name decides.

    Raises
    ------
    UsageError
        The given method has another layout.
    """
    natural = "lincir" if found.layout == "searle" and "lincir" in path.name.lower() else found.layout
    if method is None:
        return natural
    if method != found.layout and {method, found.layout} != {"lincir", "searle"}:
        raise UsageError(f"{path} is laid out as {found.layout}, not as {method}.", "Leave --as out.")
    return method


def import_released(
    path: Path,
    spec: BackboneSpec,
    directory: Path,
    *,
    found: Released | None = None,
    method: str | None = None,
) -> Imported:
    """Write a directory from a released checkpoint.

    Parameters
    ----------
    path : Path
    spec : BackboneSpec
        The backbone it was trained for.
    directory : Path
    found : Released, optional
        If the file was read already.
    method : {"pic2word", "searle", "lincir", "combiner"}, optional
        None tells it by the layout and the file's name.

    Raises
    ------
    ModelMismatch
        The backbone's features or words have another width.
    ModelUnavailable
        What was written answers differently than the original network.
    """
    found = found or read_released(path)
    method = method_of(found, path, method)
    _check_widths(found, spec, path)
    check_free(directory)
    facts = {"file": path.name, "sha256": hash_file(path), "layout": found.layout, "epoch": found.epoch}
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".import-", dir=directory.parent) as place:
        draft = Path(place) / "draft"
        _save(draft, found, spec, method, facts)
        off = difference(draft, found)
        if not off <= TOLERANCE:
            raise ModelUnavailable(
                f"What was made of {path} answers differently (by {off:.1e} of the largest answer).",
                "Please report this.",
            )
        if directory.exists():
            shutil.rmtree(directory)
        draft.rename(directory)
    return Imported(directory, method, spec.name, off)


def _save(draft: Path, found: Released, spec: BackboneSpec, method: str, facts: dict[str, Any]) -> None:
    if found.layout == "combiner":
        _save_combiner(draft, found, spec, facts)
        return
    save_phi(
        draft,
        found.layers,
        method=method,
        activation=found.activation,
        tokens=1,
        spec=spec,
        training={"imported": facts},
        description=f"Converted from `{facts['file']}`, a checkpoint in the layout of {found.layout}.",
        licence="other",
    )


def _check_widths(found: Released, spec: BackboneSpec, path: Path) -> None:
    wanted = spec.dim if found.layout == "combiner" else spec.token_dim
    if (found.dim, found.width) != (spec.dim, wanted):
        what = "features" if found.layout == "combiner" else "words"
        usual = USUAL_BACKBONES.get((found.layout, found.dim))
        raise ModelMismatch(
            f"{path} takes features of {found.dim} numbers and gives {what} of {found.width}; "
            f"{spec.name} has {spec.dim} and {wanted}.",
            f"It may belong to {usual}: --backbone {usual}" if usual else "Choose another --backbone.",
        )


def _save_combiner(draft: Path, found: Released, spec: BackboneSpec, facts: dict[str, Any]) -> None:
    from safetensors.numpy import save

    if problem := shape_problem(found.tensors, spec.dim):
        raise ModelUnavailable(f"The Combiner cannot be used: {problem}.")
    config = {
        "schema": 1,
        "kind": "combiner",
        "method": "combiner",
        "dim": spec.dim,
        "backbone": {"name": spec.name, "weights_hash": spec.weights_hash},
        "licence": "other",
    }
    write_directory(
        draft,
        {
            WEIGHTS: save({name: np.ascontiguousarray(found.tensors[name]) for name in PARTS}),
            CONFIG: json.dumps(config, indent=1) + "\n",
            "README.md": f"# Combiner for {spec.name}\n\nConverted from `{facts['file']}`.\n",
            "training.json": json.dumps({"imported": facts}, indent=1) + "\n",
        },
        check=CombinerNetwork.load,
    )
