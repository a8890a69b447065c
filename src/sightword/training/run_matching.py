"""ARTEMIS and MAAF, from a session and their own options to the finished directory."""

from __future__ import annotations

from typing import Any

import numpy as np

from sightword.backbones.base import BackboneSpec
from sightword.backbones.patches import check_patches
from sightword.backbones.registry import is_path
from sightword.errors import UsageError
from sightword.training.run_supervised import run_triplets
from sightword.training.session import Session

__all__ = ["run_artemis", "run_maaf"]


def run_artemis(
    session: Session, *, hidden: int | None, dropout: float, scale: float, first: str, depth: int,
    **shared: Any,
) -> dict[str, Any]:  # fmt: skip
    """See `sightword.training.artemis`; the method before it is loaded at once, to be refused early."""
    from sightword.methods.catalog import load_method
    from sightword.training.artemis import ArtemisLearner

    if is_path(first):
        raise UsageError(
            f"--first {first} is a directory, and what is written may not depend on where it lies.",
            f"Give it a name with `sightword models add {first} --name NAME`, then say --first NAME.",
        )
    load_method(first, backbone=session.backbone)

    def make(spec: BackboneSpec) -> ArtemisLearner:
        return ArtemisLearner(
            spec, hidden=hidden, dropout=dropout, scale=scale, first=first, depth=depth, seed=_seed(session)
        )

    return run_triplets(session, make, **shared)


def run_maaf(session: Session, **options: Any) -> dict[str, Any]:
    """See `sightword.training.maaf`; a backbone without patches is refused before anything is read."""
    from sightword.training.maaf import MaafLearner

    names = ("width", "layers", "heads", "dropout", "drop_patches", "scale")
    own = {name: options.pop(name) for name in names}
    backbone = session.backbone
    check_patches(backbone, "The method maaf")
    size = backbone.spec.preprocess.size
    patch = backbone.encode_patches(np.zeros((1, 3, size, size), np.float32)).shape[2]

    def make(spec: BackboneSpec) -> MaafLearner:
        return MaafLearner(spec, patch, **own, seed=_seed(session))

    return run_triplets(session, make, **options)


def _seed(session: Session) -> int:
    return session.wishes.settings.get("seed") or 0
