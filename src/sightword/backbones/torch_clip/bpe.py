"""CLIP's byte-pair tokenizer in the portable format, from the vocabulary that ships with open_clip.

Cleaning (mojibake, HTML, lower case) is not part of it; `sightword.backbones.clean` does that. The special
tokens are rows of the vocabulary but no text becomes one: a caption cannot end its own sentence.
"""

from __future__ import annotations

import gzip
from functools import lru_cache
from typing import Any

__all__ = ["END", "START", "VOCABULARY", "clip_bpe"]

VOCABULARY = 49408
START, END = 49406, 49407

_MERGES = VOCABULARY - 2 * 256 - 2
# The long s folds to "s" in the case-insensitive pattern of the original.
_PATTERN = r"(?i:'[sſ]|'t|'re|'ve|'m|'ll|'d)|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


@lru_cache(maxsize=1)
def clip_bpe() -> Any:
    """A `tokenizers.Tokenizer` that gives the ids of open_clip's own; do not change it."""
    from open_clip.tokenizer import bytes_to_unicode, default_bpe
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers

    with gzip.open(default_bpe(), "rt", encoding="utf-8") as stream:
        lines = stream.read().split("\n")
    merges = [(pair[0], pair[1]) for pair in (line.split() for line in lines[1 : 1 + _MERGES])]
    letters = list(bytes_to_unicode().values())
    pieces = [*letters, *(f"{letter}</w>" for letter in letters), *("".join(pair) for pair in merges)]
    pieces += ["<start_of_text>", "<end_of_text>"]
    tokenizer = Tokenizer(
        models.BPE(
            {piece: index for index, piece in enumerate(pieces)},
            merges,
            end_of_word_suffix="</w>",
            continuing_subword_prefix="",
        )
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PATTERN), "removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    return tokenizer
