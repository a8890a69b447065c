"""The losses, as equations; all bring their vectors to unit length themselves unless they say otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sightword.training.need import need_torch

if TYPE_CHECKING:
    import torch

__all__ = ["apart", "info_nce", "matching", "nt_xent", "squared_error"]


def info_nce(pictures: torch.Tensor, texts: torch.Tensor, scale: float) -> torch.Tensor:
    """Symmetric contrastive loss of B pairs [B, D] (Pic2Word, masked pairs).

    ``S = scale V^ P^T,  L = (CE(S, i) + CE(S^T, i)) / 2``
    """
    torch = need_torch()
    functional = torch.nn.functional
    scores = scale * functional.normalize(pictures, dim=-1) @ functional.normalize(texts, dim=-1).T
    target = torch.arange(len(scores), device=scores.device)
    return 0.5 * (functional.cross_entropy(scores, target) + functional.cross_entropy(scores.T, target))


def nt_xent(a: torch.Tensor, b: torch.Tensor, temperature: float) -> torch.Tensor:
    """SEARLE's distillation loss of B pairs [B, W].

    All 2B vectors are in one set; each is told from its partner's 2B - 2 companions of both kinds:
    ``-log exp(a_i b_i / t) / sum over the other 2B - 1 members exp(. / t)``, mean over the 2B anchors.
    """
    torch = need_torch()
    both = torch.nn.functional.normalize(torch.cat([a, b]), dim=-1)
    scores = both @ both.T / temperature
    scores = scores.masked_fill(torch.eye(len(both), dtype=torch.bool, device=both.device), -torch.inf)
    partner = torch.arange(len(both), device=both.device).roll(len(a))
    return torch.nn.functional.cross_entropy(scores, partner)


def apart(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Mean over rows of 1 - cosine."""
    torch = need_torch()
    return 1 - torch.nn.functional.cosine_similarity(a, b, dim=-1).mean()


def squared_error(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """LinCIR's loss: mean squared error over rows and dimensions, in float32, **without** normalising."""
    return ((a.float() - b.float()) ** 2).mean()


def matching(scores: torch.Tensor, wrong: torch.Tensor, kind: str = "softmax") -> torch.Tensor:
    """Loss of B queries whose right answers stand on the diagonal of their scores [B, B].

    ``softmax``: ``-log exp(S_ii) / sum_j exp(S_ij)``, query to target only (CLIP4Cir's batch-based
    classification). ``triplet``: ``log(1 + exp(S_ij - S_ii))`` over all j (the soft triplet loss of TIRG and
    CIRPLANT, on cosines in place of distances). Places where `wrong` is True count in neither.
    """
    torch = need_torch()
    if kind == "triplet":
        own = torch.eye(len(scores), dtype=torch.bool, device=scores.device)
        apart_by = scores - scores.diagonal()[:, None]
        return torch.nn.functional.softplus(apart_by[~(wrong | own)]).mean()
    target = torch.arange(len(scores), device=scores.device)
    return torch.nn.functional.cross_entropy(scores.masked_fill(wrong, -torch.inf), target)
