"""The released networks once more, from their own tensors in torch: what an import is measured against."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sightword.backbones.base import Array
from sightword.methods.combiner import CombinerNetwork
from sightword.methods.phi import Phi
from sightword.training.released.layouts import Released

__all__ = ["difference", "original"]

PROBES = 16


def difference(directory: Path, found: Released) -> float:
    """The largest difference between a written directory and the original network, relative."""
    rng = np.random.default_rng(0)
    # As long as CLIP's raw features, whose length is about ten.
    drawn = rng.normal(0, 10 / np.sqrt(found.dim), (2, PROBES, found.dim)).astype(np.float32)
    images, texts = drawn[0], drawn[1]
    if found.layout == "combiner":
        ours = CombinerNetwork.load(directory)(texts, images)
    else:
        ours = Phi.load(directory)(images)[:, 0]
    theirs = original(found, images, texts)
    return float(np.abs(ours - theirs).max() / max(1.0, float(np.abs(theirs).max())))


def original(found: Released, images: Array, texts: Array) -> Array:
    """The released network's answers, computed in float64.

    Parameters
    ----------
    found : Released
    images, texts : float32 [n, D]
        A phi looks at the images alone.

    Returns
    -------
    float32 [n, W], or [n, D] of unit length for a Combiner
    """
    import torch
    from torch.nn import functional as F

    tensors = {name: torch.from_numpy(value).double() for name, value in found.tensors.items()}
    v, t = torch.from_numpy(images).double(), torch.from_numpy(texts).double()

    def linear(name: str, x: Any) -> Any:
        return F.linear(x, tensors[f"{name}.weight"], tensors[f"{name}.bias"])

    if found.layout == "combiner":
        inner = [linear("text_projection_layer", t), linear("image_projection_layer", v)]
        both = torch.cat([F.relu(x) for x in inner], dim=-1)
        gate = torch.sigmoid(linear("dynamic_scalar.3", F.relu(linear("dynamic_scalar.0", both))))
        mixed = linear("output_layer", F.relu(linear("combiner_layer", both)))
        out = F.normalize(mixed + gate * t + (1 - gate) * v, dim=-1)
    else:
        hidden = {name.rpartition(".")[0] for name in tensors if not name.startswith("fc_out")}
        names = sorted(hidden, key=lambda name: int(name.split(".")[1]))
        names += ["fc_out"] if found.layout == "pic2word" else []
        out = v
        for name in names[:-1]:
            out = (F.relu if found.layout == "pic2word" else F.gelu)(linear(name, out))
        out = linear(names[-1], out)
    return np.asarray(out.numpy(), np.float32)
