"""Many rows of token ids in two arrays: captions as learning reads them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sightword.backbones.base import BackboneSpec
from sightword.backbones.tokenize import GAP, PromptTokenizer
from sightword.prompts import Prompt

__all__ = ["Rows", "RowsWriter", "prompt_ids", "widen"]

Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Rows:
    """Rows of different lengths.

    Attributes
    ----------
    ids : int32 [total]
        All rows one after another, special tokens included; `GAP` for a slot, whatever k will be.
    ends : int64 [N]
        Where each row ends.
    """

    ids: NDArray[np.int32]
    ends: Ids

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, index: int) -> Ids:
        """Row `index`, int64 [T]."""
        start = self.ends[index - 1] if index else 0
        return np.asarray(self.ids[start : self.ends[index]], np.int64)

    def lengths(self) -> Ids:
        """Length of each row."""
        return np.diff(self.ends, prepend=0)

    def save(self, directory: Path, name: str) -> None:
        """Write ``NAME.ids.npy`` and ``NAME.ends.npy``."""
        np.save(directory / f"{name}.ids.npy", self.ids)
        np.save(directory / f"{name}.ends.npy", self.ends)

    @classmethod
    def load(cls, directory: Path, name: str) -> Rows:
        """Map what `save` wrote; millions of captions need not fit into memory."""
        ids, ends = (
            np.load(directory / f"{name}.{part}.npy", mmap_mode="r", allow_pickle=False)
            for part in ("ids", "ends")
        )
        return cls(ids, ends)


class RowsWriter:
    """Collects rows."""

    def __init__(self) -> None:
        self._blocks: list[NDArray[np.int32]] = []
        self._rows: list[list[int]] = []
        self._lengths: list[int] = []

    def add(self, row: list[int]) -> None:
        """One more row."""
        self._rows.append(row)
        self._lengths.append(len(row))
        if len(self._rows) >= 4096:
            self._flush()

    def rows(self) -> Rows:
        """Everything that was added."""
        self._flush()
        ids = np.concatenate(self._blocks) if self._blocks else np.zeros(0, np.int32)
        return Rows(ids, np.cumsum(self._lengths, dtype=np.int64))

    def _flush(self) -> None:
        if self._rows:
            self._blocks.append(np.fromiter(_flat(self._rows), np.int32))
            self._rows = []


def _flat(rows: list[list[int]]) -> Iterable[int]:
    for row in rows:
        yield from row


def prompt_ids(
    prompt: Prompt, tokenizer: PromptTokenizer, spec: BackboneSpec, *, keep_slots: bool = True
) -> tuple[list[int] | None, bool]:
    """Ids of a prompt with one `GAP` a slot.

    Parameters
    ----------
    keep_slots : bool
        A row longer than the context loses its last words but no slot; False cuts it off where it is full,
        slots and all, as the references do.

    Returns
    -------
    ids : list of int or None
        None when the slots alone are too many.
    whole : bool
        Whether nothing had to be left out.
    """
    pieces = [tokenizer.ids(piece.strip() if prompt.slots else piece) for piece in prompt.pieces]
    body = list(pieces[0])
    for piece in pieces[1:]:
        body += [GAP, *piece]
    limit = spec.context - len(spec.prefix_ids) - len(spec.suffix_ids)
    surplus = len(body) - limit
    if surplus > 0 and not keep_slots:
        body = body[:limit]
    elif surplus > 0:
        words = [index for index, token in enumerate(body) if token != GAP]
        if surplus >= len(words):
            return None, False
        dropped = set(words[-surplus:])
        body = [token for index, token in enumerate(body) if index not in dropped]
    return [*spec.prefix_ids, *body, *spec.suffix_ids] or [spec.pad_id], surplus <= 0


def widen(row: Ids, tokens: int, spec: BackboneSpec) -> Ids:
    """A row whose slots take `tokens` places each; its last words make way when it becomes too long."""
    if tokens == 1:
        return row
    wide = np.repeat(row, np.where(row == GAP, tokens, 1))
    surplus = len(wide) - spec.context
    if surplus <= 0:
        return wide
    inner = np.flatnonzero(wide != GAP)
    inner = inner[(inner >= len(spec.prefix_ids)) & (inner < len(wide) - len(spec.suffix_ids))]
    kept: Ids = np.delete(wide, inner[len(inner) - min(surplus, len(inner)) :])
    return kept
