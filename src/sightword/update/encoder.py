"""Decoded squares -> features: where pictures are encoded, on this machine and by Ray's actors alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from sightword.backbones.base import Array
from sightword.pictures.preprocess import normalise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sightword.backbones.base import Backbone

__all__ = ["NO_FEATURE", "Encoder"]

NO_FEATURE = "The model gives no usable feature for this picture."

_TOGETHER = 2
"""Batches are filled up to a multiple of this: a picture alone takes other kernels than one in company, and
its feature differs in the last bits. (A multiple, because the backbone divides batches again, evenly.)"""


class Encoder:
    """Encodes batches of squares; what comes out for a picture does not depend on its company.

    Parameters
    ----------
    loader : callable
        Returns the backbone; called when it is first needed. To send an encoder to another process, give one
        that can be pickled.
    batch : int
        Pictures encoded at once at most.
    """

    def __init__(self, loader: Callable[[], Backbone], batch: int = 32) -> None:
        self._loader = loader
        self._batch = batch
        self._backbone: Backbone | None = None

    @property
    def backbone(self) -> Backbone:
        """The backbone, loaded when first asked for."""
        if self._backbone is None:
            self._backbone = self._loader()
        return self._backbone

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        """Encode one batch.

        Parameters
        ----------
        batch : mapping of column to array
            ``pixels``, uint8 [B, S, S, 3], and perhaps ``reason``, B strings: why there are no pixels, empty
            where there are. Other columns are passed on.

        Returns
        -------
        dict of column to array
            The same without ``pixels``, with ``feature``, float32 [B, D], and ``reason``. A picture has
            either a feature that is finite and not zero, or a reason.
        """
        pixels = batch["pixels"]
        reasons = np.array(batch["reason"] if "reason" in batch else [""] * len(pixels), dtype=object)
        read = np.flatnonzero(reasons == "")
        features = np.zeros((len(pixels), 0), np.float32)
        if len(read):
            found = self._encode(pixels if len(read) == len(pixels) else pixels[read])
            usable = np.isfinite(found).all(axis=1) & (found != 0).any(axis=1)
            reasons[read[~usable]] = NO_FEATURE  # whoever keeps a feature divides by its length
            features = np.zeros((len(pixels), found.shape[1]), np.float32)
            features[read[usable]] = found[usable]
        elif len(pixels):
            features = np.zeros((len(pixels), self.backbone.spec.dim), np.float32)
        passed = {name: column for name, column in batch.items() if name != "pixels"}
        return {**passed, "reason": reasons, "feature": features}

    def _encode(self, squares: NDArray[np.uint8]) -> Array:
        parts = []
        for start in range(0, len(squares), self._batch):
            part = squares[start : start + self._batch]
            lonely = -len(part) % _TOGETHER
            whole = np.concatenate([part, part[-lonely:]]) if lonely else part
            features = self.backbone.encode_images(normalise(whole, self.backbone.spec.preprocess))
            parts.append(np.asarray(features, dtype=np.float32)[: len(part)])
        return parts[0] if len(parts) == 1 else np.concatenate(parts)
