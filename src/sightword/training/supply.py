"""Batches of triplets' frozen features, on the device."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sightword.training.job import floats
from sightword.training.triplet_features import TripletFeatures

__all__ = ["Batch", "Supply"]

Ids = NDArray[np.int64]


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


class Supply:
    """Brings features of asks to the device as a `Batch`.

    Parameters
    ----------
    data : TripletFeatures
    needs : frozenset of str
    backbone : Backbone
    device : str
    """

    def __init__(self, data: TripletFeatures, needs: frozenset[str], backbone: Any, device: str) -> None:
        self.data, self.device = data, device
        self.pictures = floats(data.pictures, device)
        self.text = floats(data.text, device)
        self._words = None
        if "words" in needs:
            assert data.words is not None
            used, places = np.unique(np.concatenate(data.words), return_inverse=True)
            self._words = np.split(places, np.cumsum([len(row) for row in data.words])[:-1])
            self._table = floats(backbone.token_embedding()[used], device)
        self._patches = data.patches if "patches" in needs else None
        self._extra = floats(data.extra, device) if "extra" in needs and data.extra is not None else None

    def batch(self, asks: Ids) -> Batch:
        """The query side of asks, int64 [B]."""
        reference, text = self.data.ask_reference[asks], self.data.ask_text[asks]
        batch = Batch(self.pictures[self._at(reference)], self.text[self._at(text)])
        if self._words is not None:
            rows = [self._words[number] for number in text]
            lengths = np.array([len(row) for row in rows])
            ids = np.zeros((len(rows), int(lengths.max())), np.int64)
            for number, row in enumerate(rows):
                ids[number, : len(row)] = row
            inside = self._at(np.arange(ids.shape[1]) < lengths[:, None])
            words = self._table[self._at(ids)] * inside[..., None]
            batch = replace(batch, words=words, lengths=self._at(lengths))
        if self._patches is not None:
            batch = replace(batch, patches=floats(self._patches[reference], self.device))
        if self._extra is not None:
            batch = replace(batch, extra=self._extra[self._at(asks)])
        return batch

    def targets(self, rows: Ids) -> torch.Tensor:
        """Raw features of pictures, float32 [M, D]."""
        return self.pictures[self._at(rows)]

    def _at(self, values: NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(self.device)
