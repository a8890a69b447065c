"""Text vectors of the sentence tower, encoded once through the very graph that ships."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import openvino
from common import CACHE, MINILM, THREADS
from extract import TOWERS
from safetensors.numpy import load_file
from tokenizers import Tokenizer
from weights import CONTEXT

BATCH = 64


class TextSpace:
    """Encodes unique texts, sorted by length so that little is padded."""

    def __init__(self) -> None:
        # Kept vectors belong to one tower: after joint training the same words mean something else.
        self.tower_hash = hashlib.sha256((TOWERS / "text.safetensors").read_bytes()).hexdigest()
        self.tokenizer = Tokenizer.from_file(str(MINILM / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(CONTEXT)
        self.table = load_file(TOWERS / "token_embedding.safetensors")["weight"].astype(np.float32)
        config = {"INFERENCE_NUM_THREADS": THREADS}
        self.tower = openvino.Core().compile_model(str(TOWERS / "text.onnx"), "CPU", config)

    def encode(self, texts: Sequence[str]) -> np.ndarray[Any, Any]:
        """float32 [N, 384], unit rows, in the order of `texts`."""
        unique = sorted(set(texts))
        where = {text: i for i, text in enumerate(unique)}
        asked = hashlib.sha256((self.tower_hash + "\n".join(unique)).encode()).hexdigest()[:16]
        kept = CACHE / "texts" / f"{asked}.npy"
        if kept.is_file():
            return np.load(kept)[[where[text] for text in texts]]
        ids = [encoding.ids for encoding in self.tokenizer.encode_batch(unique)]
        order = sorted(range(len(unique)), key=lambda i: len(ids[i]))
        vectors = np.empty((len(unique), self.table.shape[1]), np.float32)
        for start in range(0, len(order), BATCH):
            part = order[start : start + BATCH]
            lengths = np.array([len(ids[i]) for i in part], np.int64)
            rows = np.zeros((len(part), lengths.max(), self.table.shape[1]), np.float32)
            for row, i in enumerate(part):
                rows[row, : len(ids[i])] = self.table[ids[i]]
            vectors[part] = self.tower([rows, lengths])[0]
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        if len(unique) > 1000:  # kept for the next run of a step
            kept.parent.mkdir(exist_ok=True)
            np.save(kept, vectors)
        return vectors[[where[text] for text in texts]]
