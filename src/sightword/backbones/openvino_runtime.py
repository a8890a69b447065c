"""The default runtime: both towers on the CPU through OpenVINO, without torch."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sightword.backbones.base import Array
from sightword.backbones.batches import check_finite, check_pixels, encode_by_length
from sightword.backbones.embedding import EmbeddingTable
from sightword.backbones.patch_tower import PatchTower
from sightword.backbones.patches import check_patches
from sightword.backbones.spec import read_spec
from sightword.backbones.streams import PORTION, StreamedTower
from sightword.backbones.tokenize import GAP, PromptTokenizer, TokenRow
from sightword.backbones.towers import Tower, check_precision, find_graph
from sightword.backbones.unknown import share_unknown
from sightword.errors import UsageError
from sightword.prompts import Prompt

__all__ = ["OpenVINOBackbone"]

PATCH_BATCH = 16
"""Pictures per call: more gains little on a CPU and costs memory."""
TEXT_BATCH = 32
BROKEN = "Run `sightword doctor` to test the backbone."


class OpenVINOBackbone:
    """A backbone directory run by OpenVINO.

    Nothing is compiled until it is needed: a search over an indexed folder with a picture that the index
    knows never loads the image tower.

    Parameters
    ----------
    directory : Path
        See design.md, "Backbone".
    threads : int, optional
        Inference threads; None takes all cores.
    precision : {"bf16", "f32", "f16"}, optional
        None takes bf16 where the CPU does it, else f32.
    cache : Path, optional
        Directory for compiled graphs.

    Attributes
    ----------
    spec : BackboneSpec
    directory : Path
    runtime, precision : str
    threads : int or None
        What reports should record.
    """

    runtime = "openvino"

    def __init__(
        self,
        directory: Path,
        *,
        threads: int | None = None,
        precision: str | None = None,
        cache: Path | None = None,
    ) -> None:
        if threads is not None and threads < 1:
            raise UsageError(f"{threads} threads cannot compute anything.", "Give 1 or more.")
        self.spec = read_spec(directory)
        self.directory = directory
        self.threads = threads
        self._precision = precision
        self._cache = cache
        self._lock = threading.RLock()
        self._towers: dict[str, Tower] = {}
        self._streams: StreamedTower | None = None
        self._patches: PatchTower | None = None
        self._tokenizer: PromptTokenizer | None = None
        self._table: EmbeddingTable | None = None

    @property
    def precision(self) -> str:
        """The precision of the towers that need not be exact (asking may load OpenVINO)."""
        return check_precision(self._precision)

    @property
    def precisions(self) -> dict[str, str]:
        """What each tower, ``image`` and ``text``, computes in."""
        exact = self.spec.exact
        return {stem: "f32" if stem in exact else self.precision for stem in ("image", "text")}

    def encode_images(self, pixels: Array) -> Array:
        """Pictures to raw features; see `Backbone.encode_images`."""
        check_pixels(pixels, self.spec)
        pixels = np.ascontiguousarray(pixels, dtype=np.float32)
        if not len(pixels):
            return np.empty((0, self.spec.dim), np.float32)
        return check_finite(self._image_tower(len(pixels))(pixels), self.spec, BROKEN)

    @property
    def has_patches(self) -> bool:
        """Whether `encode_patches` can answer; nothing is loaded to find out."""
        # The starter's graph has no tensor of that name; its layout says what it is.
        return self.spec.patches is not None or (self.directory / "image.safetensors").is_file()

    def encode_patches(self, pixels: Array) -> Array:
        """What the image tower sees at each place, before pooling.

        Parameters
        ----------
        pixels : float32 [B, 3, H, W]
            As for `encode_images`.

        Returns
        -------
        float32 [B, N, Dp]
            See `sightword.backbones.patches`.

        Raises
        ------
        MethodNeeds
            This backbone has none.
        """
        check_patches(self, "What was asked for")
        check_pixels(pixels, self.spec)
        pixels = np.ascontiguousarray(pixels, dtype=np.float32)
        with self._lock:
            if self._patches is None:
                self._patches = PatchTower(
                    find_graph(self.directory, "image"), self.spec.patches or 0, self.threads,
                    self.precisions["image"], self._cache,
                )  # fmt: skip
        starts = range(0, max(1, len(pixels)), PATCH_BATCH)  # no pictures at all still have a shape
        parts = [self._patches(pixels[start : start + PATCH_BATCH]) for start in starts]
        return check_finite(np.concatenate(parts), self.spec, BROKEN)

    def encode_prompts(self, prompts: Sequence[Prompt], tokens: Sequence[Sequence[Array]] = ()) -> Array:
        """Prompts with filled slots to raw features; see `Backbone.encode_prompts`."""
        out = encode_by_length(prompts, tokens, self.spec, self.tokenizer, self._encode_rows, TEXT_BATCH)
        return check_finite(out, self.spec, BROKEN)

    def token_embedding(self) -> Array:
        """The whole table of token embeddings, float32 [V, W]; a fresh copy."""
        return self.table.all()

    def count_unknown(self, text: str) -> float:
        """Share of the text's words that the model's languages do not cover, in [0, 1]; see `unknown`."""
        return share_unknown(self.tokenizer.words(text), self.spec.languages, self.tokenizer.unknown)

    def vocabulary(self) -> list[str]:
        """The word piece of each row of the table (V strings)."""
        pieces = self.tokenizer.vocabulary()
        # Tables are often padded to a round number of rows.
        return (pieces + [""] * self.table.rows)[: self.table.rows]

    @property
    def tokenizer(self) -> PromptTokenizer:
        """The backbone's tokenizer, loaded on first use."""
        with self._lock:
            if self._tokenizer is None:
                self._tokenizer = PromptTokenizer(self.directory / "tokenizer.json", self.spec)
            return self._tokenizer

    @property
    def table(self) -> EmbeddingTable:
        """The token-embedding table, mapped on first use."""
        with self._lock:
            if self._table is None:
                path = self.directory / "token_embedding.safetensors"
                self._table = EmbeddingTable(path, self.spec.token_dim)
            return self._table

    def _image_tower(self, count: int) -> Tower | StreamedTower:
        """All cores for each picture of a few, one for each of many."""
        with self._lock:
            if self._streams is None and count > PORTION:
                self._streams = StreamedTower(
                    find_graph(self.directory, "image"), self.spec.dim, self.threads,
                    self.precisions["image"], self._cache,
                )  # fmt: skip
            if self._streams is not None and (count > PORTION or "image" not in self._towers):
                return self._streams  # also for a few when only this one is there: compiling takes longer
        return self._tower("image")

    def _tower(self, stem: str) -> Tower:
        with self._lock:
            if stem not in self._towers:
                graph = find_graph(self.directory, stem)
                self._towers[stem] = Tower(
                    graph, self.spec.dim, self.threads, self.precisions[stem], self._cache
                )
            return self._towers[stem]

    def _encode_rows(self, rows: list[TokenRow], filled: list[list[Array]]) -> Array:
        width = max(len(row) for row in rows) if self.spec.pad_to == "longest" else self.spec.context
        ids = np.full((len(rows), width), self.spec.pad_id, np.int64)
        lengths = np.array([len(row) for row in rows], np.int64)
        for index, row in enumerate(rows):
            ids[index, : len(row)] = row.ids
        gaps = ids == GAP
        embeddings = self.table.gather(np.where(gaps, self.spec.pad_id, ids))
        if gaps.any():
            # Row by row, slot by slot: the order in which boolean indexing walks the gaps.
            embeddings[gaps] = np.concatenate([token for tokens in filled for token in tokens])
        return self._tower("text")(embeddings, lengths)
