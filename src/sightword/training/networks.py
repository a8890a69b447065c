"""The two shapes of phi: Pic2Word's, and the one that SEARLE, LinCIR and masked training share.

``config.json`` remembers the activation; dropout exists only while training.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sightword.backbones.base import Array
from sightword.training.need import need_torch

if TYPE_CHECKING:
    import torch

__all__ = ["layers_of", "make_network", "make_phi", "pic2word_network"]


def make_phi(dim: int, hidden: int, out: int, *, dropout: float = 0.5) -> torch.nn.Sequential:
    """SEARLE's and LinCIR's phi: Linear(D, H), GELU, dropout, Linear(H, H), GELU, dropout, Linear(H, k W).

    The papers' H is 4 D.
    """
    nn = need_torch().nn
    return nn.Sequential(
        nn.Linear(dim, hidden),
        nn.GELU(),
        nn.Dropout(dropout),
        nn.Linear(hidden, hidden),
        nn.GELU(),
        nn.Dropout(dropout),
        nn.Linear(hidden, out),
    )


def pic2word_network(dim: int, hidden: int, out: int, *, dropout: float = 0.1) -> torch.nn.Sequential:
    """Pic2Word's M: Linear(D, H), dropout, ReLU, Linear(H, H), dropout, ReLU, Linear(H, k W); H is 512."""
    nn = need_torch().nn
    return nn.Sequential(
        nn.Linear(dim, hidden),
        nn.Dropout(dropout),
        nn.ReLU(),
        nn.Linear(hidden, hidden),
        nn.Dropout(dropout),
        nn.ReLU(),
        nn.Linear(hidden, out),
    )


def make_network(
    activation: str, dim: int, hidden: int, out: int, *, dropout: float, seed: int, device: str = "cpu"
) -> torch.nn.Sequential:
    """Either of them, with weights that depend on nothing but `seed`.

    Parameters
    ----------
    activation : {"relu", "gelu"}
        ``relu`` is Pic2Word's.
    dim, hidden, out : int
        D, H and k W.
    """
    torch = need_torch()
    make = pic2word_network if activation == "relu" else make_phi
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make(dim, hidden, out, dropout=dropout).to(device)


def layers_of(network: torch.nn.Sequential) -> list[tuple[Array, Array]]:
    """(weight, bias) of each linear layer, as `save_phi` takes them."""
    torch = need_torch()
    return [
        (
            layer.weight.detach().cpu().numpy().astype(np.float32),
            layer.bias.detach().cpu().numpy().astype(np.float32),
        )
        for layer in network
        if isinstance(layer, torch.nn.Linear)
    ]
