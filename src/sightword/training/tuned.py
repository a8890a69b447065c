"""Both together (ours): triplets move a zero-shot answer, and a penalty keeps it near where it was.

    L = CE(scale q . norm(target)^T, i) + anchor (1000 / N) (1 - mean cosine(q, q0))

q0 is the zero-shot method's answer and the answer at the start; see ``methods/tuned.py``. N is the number of
triplets: like a prior, the penalty weighs the less, the more there are. Only the small head
learns: phi and both towers stay, so all four parts of every ask are computed once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from sightword.backbones.base import Array, Backbone, BackboneSpec
from sightword.errors import UsageError
from sightword.methods.base import ComposeInput, Method
from sightword.methods.inversion import Inversion
from sightword.methods.pdv import PDV
from sightword.methods.phi import Phi
from sightword.methods.tuned import BASE, PARTS, Tuned, shapes
from sightword.training.learners import QueryLearner, Temperature, seeded, silent
from sightword.training.objectives import apart
from sightword.training.supply import Batch

__all__ = ["TunedLearner", "base_of", "base_tensors", "parts_of"]

ANCHORED = 1000
"""With so many triplets the penalty has the weight that was asked for."""


class TunedLearner(QueryLearner):
    """The head in torch.

    Parameters
    ----------
    spec : BackboneSpec
    base : Tuned
        The zero-shot method, without a head.
    hidden : int
    dropout : float
    anchor : float
        Weight of the penalty with a thousand triplets.
    scale : float, optional
        Of the scores, at the start; the backbone's own unless given.
    learn_scale : bool
    seed : int
    """

    kind = "tuned"
    needs = frozenset({"extra"})

    def __init__(
        self,
        spec: BackboneSpec,
        base: Tuned,
        *,
        hidden: int = 512,
        dropout: float = 0.3,
        anchor: float = 1.0,
        scale: float | None = None,
        learn_scale: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.hidden, self.dropout, self.anchor = hidden, dropout, anchor
        with seeded(seed):
            self.inner = nn.Linear(len(PARTS) * spec.dim, hidden)
            self.shares, self.rest = nn.Linear(hidden, len(PARTS)), nn.Linear(hidden, spec.dim)
        silent(self.shares, self.rest)
        self.register_buffer("mix", torch.from_numpy(base.mix))
        self.temperature = Temperature(spec.logit_scale if scale is None else scale, learn=learn_scale)
        self._base, self._spec = base, spec
        self._weight = anchor

    def begin(self, triplets: int) -> None:
        """Told before learning how many triplets there are."""
        self._weight = self.anchor * ANCHORED / triplets

    def forward(self, parts: torch.Tensor) -> torch.Tensor:
        """float32 [B, 4, D] -> unit vectors [B, D]."""
        hidden = torch.relu(self.inner(parts.flatten(1)))
        hidden = nn.functional.dropout(hidden, self.dropout, self.training)
        out = torch.einsum("bkd,bk->bd", parts, self.mix + self.shares(hidden)) + self.rest(hidden)
        return nn.functional.normalize(out, dim=-1)

    def queries(self, batch: Batch) -> torch.Tensor:
        """See `QueryLearner.queries`."""
        found: torch.Tensor = self(_parts(batch))
        return found

    def regulariser(self, batch: Batch) -> torch.Tensor | None:
        """The penalty, for the weights without dropout."""
        if not self._weight:
            return None
        parts = _parts(batch)
        was = self.training
        self.eval()
        answer = self(parts)
        self.train(was)
        return self._weight * apart(answer, torch.einsum("bkd,k->bd", parts, self.mix))

    def settings(self) -> dict[str, Any]:
        """See `Composed.settings`."""
        return {"hidden": self.hidden, "dropout": self.dropout, "anchor": self.anchor}

    def tensors(self) -> dict[str, torch.Tensor]:
        """The head and the base's phi; the directory needs nothing else."""
        state = self.state_dict()
        head = {name: state[name] for name in shapes(self._spec.dim, self.hidden)}
        return {**head, **{name: torch.from_numpy(value) for name, value in base_tensors(self._base).items()}}

    def more(self) -> dict[str, Any]:
        """``config.json``'s entry ``base``."""
        phi = self._base.base.phi
        assert isinstance(phi, Phi)
        return {
            "base": {
                "method": self._base.base.name,
                "activation": phi.activation,
                "tokens": phi.tokens,
                "alpha_text": self._base.alpha_text,
                "alpha_image": self._base.alpha_image,
                "beta": self._base.beta,
            }
        }


def base_of(method: Method, name: str) -> Tuned:
    """A zero-shot method as the start of a tuned one.

    Raises
    ------
    UsageError
        It has no trained phi.
    """
    if isinstance(method, Tuned):
        raise UsageError(f"{name} is tuned already.", "Start from its phi, such as pic2word+pdv.")
    inner = method.base if isinstance(method, PDV) else method
    if not isinstance(inner, Inversion) or not isinstance(inner.phi, Phi):
        raise UsageError(
            f"{name} has no trained phi to start from.", "Give an inversion method, such as pic2word+pdv."
        )
    if isinstance(method, PDV):
        return Tuned(inner, alpha_text=method.alpha_text, alpha_image=method.alpha_image, beta=method.beta)
    return Tuned(inner, alpha_text=1.0, alpha_image=0.0, beta=1.0)


def base_tensors(base: Tuned) -> dict[str, Array]:
    """The phi's tensors under `BASE`."""
    phi = base.base.phi
    assert isinstance(phi, Phi)
    found: dict[str, Array] = {}
    for index, (weight, bias) in enumerate(phi.layers):
        found |= {f"{BASE}layers.{index}.weight": weight, f"{BASE}layers.{index}.bias": bias}
    return found


def parts_of(base: Tuned, backbone: Backbone) -> Callable[[Array, Sequence[str]], Array]:
    """What `triplet_features` computes once: references [n, D] and their words, to float32 [n, 4, D]."""

    def parts(references: Array, texts: Sequence[str]) -> Array:
        queries = [ComposeInput([np.asarray(v)], text) for v, text in zip(references, texts)]
        return base.parts(backbone, queries)

    return parts


def _parts(batch: Batch) -> torch.Tensor:
    assert batch.extra is not None
    return batch.extra
