"""How well "a photo of s" finds the picture that s was made from, among held-out ones."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from sightword.backbones.base import Array
from sightword.training.need import need_torch

if TYPE_CHECKING:
    import torch

__all__ = ["inversion_recall", "wilson"]


def inversion_recall(
    network: torch.nn.Module,
    encode: Callable[[torch.Tensor], torch.Tensor],
    pictures: Array,
    tokens: int,
    device: str = "cpu",
) -> dict[str, Any]:
    """Recall of each held-out picture by its own pseudo-word.

    Parameters
    ----------
    network : torch.nn.Module
        phi; measured in eval mode.
    encode : callable
        Pseudo-tokens [B, k, W] -> features of "a photo of s" [B, D].
    pictures : float32 [M, D]
        Raw features.
    tokens : int
        k.

    Returns
    -------
    dict
        ``cosine``, ``recall_at_1``, ``recall_at_10``, ``recall_at_10_interval`` (95 %), ``pictures``.
    """
    torch = need_torch()
    was_training = network.training
    network.eval()
    v = torch.from_numpy(np.ascontiguousarray(pictures, np.float32)).to(device)
    with torch.no_grad():
        texts = torch.cat([encode(network(part).view(len(part), tokens, -1)) for part in v.split(256)])
        unit = torch.nn.functional.normalize
        scores = unit(texts, dim=-1) @ unit(v, dim=-1).T
        own = scores.diagonal()
        rank = (scores > own[:, None]).sum(dim=1)
    network.train(was_training)
    found = int((rank < 10).sum())
    return {
        "cosine": round(float(own.mean()), 5),
        "recall_at_1": round(float((rank < 1).float().mean()), 5),
        "recall_at_10": round(found / len(v), 5),
        "recall_at_10_interval": [round(end, 5) for end in wilson(found, len(v))],
        "pictures": len(v),
    }


def wilson(hits: int, trials: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's interval of a share, 95 % unless told otherwise.

    Examples
    --------
    >>> [round(end, 3) for end in wilson(5, 10)]
    [0.237, 0.763]
    """
    share, extra = hits / trials, z * z / trials
    middle = (share + extra / 2) / (1 + extra)
    half = z * math.sqrt(share * (1 - share) / trials + extra / (4 * trials)) / (1 + extra)
    return max(0.0, middle - half), min(1.0, middle + half)
