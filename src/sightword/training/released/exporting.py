"""``sightword models export PHI --format``: a phi of ours -> the layout that the papers' scripts load."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np

from sightword.backbones.opening import need_torch
from sightword.errors import ModelUnavailable, UsageError
from sightword.methods.phi import Phi
from sightword.training.released.layouts import phi_tensors, pic2word_tensors

__all__ = ["FORMATS", "export_phi"]

FORMATS = {"searle": "gelu", "lincir": "gelu", "pic2word": "relu"}
"""Layouts, and the activation that the scripts behind them build."""


def export_phi(phi: Phi, layout: str, path: Path, name: str = "phi") -> Path:
    """Write a phi as a checkpoint of another project.

    Parameters
    ----------
    phi : Phi
    layout : {"searle", "lincir", "pic2word"}
    path : Path
        The file; one that is there already is refused.
    name : str
        Pic2Word's layout carries a name.

    Raises
    ------
    UsageError
        The file exists, or the layout does not exist.
    ModelUnavailable
        That layout cannot hold this network.
    """
    if layout not in FORMATS:
        raise UsageError(f"The format {layout!r} does not exist.", f"Choose one of {', '.join(FORMATS)}.")
    if path.exists():
        raise UsageError(f"{path} is there already.", "Choose another file.")
    if phi.tokens != 1 or phi.activation != FORMATS[layout]:
        fits = [key for key, kind in FORMATS.items() if phi.tokens == 1 and kind == phi.activation]
        raise ModelUnavailable(
            f"{name} makes {phi.tokens} word(s) with {phi.activation}; the layout of {layout} holds one word "
            f"with {FORMATS[layout]}.",
            f"It fits --format {' or '.join(fits)}." if fits else "Share it: `sightword models push`.",
        )
    need_torch("Writing a checkpoint", ("torch",))
    import torch

    if layout == "pic2word":
        inner = {k: _tensor(v) for k, v in pic2word_tensors(phi.layers).items()}
        checkpoint = {"epoch": 0, "name": name, "state_dict_img2text": inner}
    else:
        checkpoint = {"epoch": 0, "Phi": {k: _tensor(v) for k, v in phi_tensors(phi.layers).items()}}
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(prefix=".export-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            torch.save(checkpoint, stream)
        Path(draft).chmod(0o644)
        Path(draft).replace(path)
    finally:
        Path(draft).unlink(missing_ok=True)
    return path


def _tensor(values: object) -> object:
    import torch

    return torch.from_numpy(np.array(values, np.float32))
