"""Learning from triplets on frozen features: what Combiner, CIRPLANT, ARTEMIS, MAAF and ``tuned`` share.

    q_i = compose(reference_i, words_i),   S_ij = score(q_i, target_j),   L = mean_i CE(S_i, i)

Features of pictures and words are computed once (``training/triplet_features.py``); a method adds one
`torch.nn.Module` that follows `Composed`. **False negatives**: target j of a batch is no negative of query i
when it is a right answer of i (the same picture as target i, or one of the triplet's ``also``); such places
are masked out of the sum. That is ours: the published codes take every other row for wrong. Triplets with the
same words are ordinary negatives, and so is query i's own reference where it is some row's target: an answer
that only repeats the reference is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import torch

__all__ = ["Batch", "Composed"]


@dataclass(frozen=True)
class Batch:
    """The query side of B triplets; everything is on the job's device.

    Attributes
    ----------
    reference : float32 Tensor [B, D]
        Raw (unnormalised) features of the reference pictures.
    text : float32 Tensor [B, D]
        Raw features of the words alone, without a prompt.
    words : float32 Tensor [B, L, W], optional
        Rows of the backbone's token table for the words (no special tokens), zero beyond `lengths`; words
        beyond the network's ``longest`` are cut off.
    lengths : int64 Tensor [B], optional
        At least 1.
    patches : float32 Tensor [B, N, Dp], optional
        Patch features of the reference.
    extra : float32 Tensor [B, K, D], optional
        Whatever else was computed once per (reference, text); ``tuned`` keeps its parts here.
    """

    reference: torch.Tensor
    text: torch.Tensor
    words: torch.Tensor | None = None
    lengths: torch.Tensor | None = None
    patches: torch.Tensor | None = None
    extra: torch.Tensor | None = None


class Composed(Protocol):
    """A network that learns from triplets: a `torch.nn.Module` with these members.

    Attributes
    ----------
    kind : str
        ``config.json``'s ``kind`` and ``method``; `sightword.methods.catalog.SUPERVISED` maps it to the
        numpy class that asks.
    needs : frozenset of {"words", "patches", "extra"}
        Which optional parts of `Batch` are computed.
    """

    kind: str
    needs: frozenset[str]

    def scores(self, batch: Batch, targets: torch.Tensor) -> torch.Tensor:
        """S, float32 [B, M]: every query of the batch against every target, temperature included.

        Row i, column j: query i with the raw feature ``targets[j]`` of a picture, float32 [M, D]. In training
        M is B and the right answers stand on the diagonal; when held-out triplets are measured, targets are a
        whole gallery. A method whose query does not depend on the target computes
        ``scale * unit(queries) @ unit(targets).T``; ARTEMIS computes it pair by pair.
        """
        ...

    def regulariser(self, batch: Batch) -> torch.Tensor | None:
        """A term that is added to the loss, or None (``tuned`` stays near its zero-shot answer)."""
        ...

    def settings(self) -> dict[str, object]:
        """What ``config.json`` keeps under ``network``: widths, layers, heads."""
        ...

    def tensors(self) -> dict[str, torch.Tensor]:
        """What ``model.safetensors`` keeps, named as the numpy class reads it."""
        ...
