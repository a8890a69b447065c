"""Prompts with slots -> rows of token ids with gaps for the pseudo-tokens.

A prompt is tokenised piece by piece, never with a stand-in word for the slot: byte-pair merges and WordPiece
would otherwise join a stand-in with its neighbours (methods.md 0.3). A slot therefore always ends a word: in
``un{*}able`` the letters after the slot start a new word. Text without slots goes through the tower's own
tokenizer in one piece, so its ids are exactly the tower's.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightword.backbones.base import BackboneSpec
from sightword.backbones.clean import cleaner
from sightword.errors import ModelUnavailable, UsageError
from sightword.prompts import Prompt

__all__ = ["GAP", "PromptTokenizer", "PromptTruncated", "TokenRow"]

GAP = -1
"""Marks a position that a pseudo-token fills."""


class PromptTruncated(UserWarning):
    """A prompt was longer than the text tower reads; its last words were left out."""


@dataclass(frozen=True)
class TokenRow:
    """One tokenised prompt.

    Attributes
    ----------
    ids : list of int
        Special tokens included; `GAP` where a pseudo-token goes, slot by slot in order.
    """

    ids: list[int]

    def __len__(self) -> int:
        return len(self.ids)


class PromptTokenizer:
    """The tokenizer of one backbone.

    Parameters
    ----------
    source : Path or tokenizers.Tokenizer
        ``tokenizer.json``, or a tokenizer without padding and truncation.
    spec : BackboneSpec
    """

    def __init__(self, source: Any, spec: BackboneSpec) -> None:
        self._tokenizer = _load(source) if isinstance(source, Path) else source
        self._spec = spec
        self._clean = cleaner(spec.clean)

    def encode(self, prompt: Prompt, widths: Sequence[int]) -> TokenRow:
        """Tokenise a prompt.

        Parameters
        ----------
        prompt : Prompt
        widths : sequence of int
            How many pseudo-tokens (k >= 1) fill each slot; one entry per slot.

        Returns
        -------
        TokenRow

        Raises
        ------
        UsageError
            The slots do not match `widths`, or alone exceed the context.
        """
        if len(widths) != prompt.slots:
            raise UsageError(
                f"The prompt {str(prompt)!r} has {prompt.slots} slot(s), {len(widths)} picture(s) fill them."
            )
        pieces = [self.ids(piece.strip() if prompt.slots else piece) for piece in prompt.pieces]
        body = list(pieces[0])
        for width, piece in zip(widths, pieces[1:]):
            body += [GAP] * width + piece
        prefix, suffix = self._spec.prefix_ids, self._spec.suffix_ids
        body = self._fit(body, self._spec.context - len(prefix) - len(suffix), prompt)
        # A row of length zero would have nothing to pool.
        return TokenRow([*prefix, *body, *suffix] or [self._spec.pad_id])

    def ids(self, text: str) -> list[int]:
        """Ids of a text, cleaned as the tower does, without special tokens."""
        return list(self._tokenizer.encode(self._clean(text), add_special_tokens=False).ids)

    def save(self, path: Path) -> None:
        """Write it as ``tokenizer.json``."""
        self._tokenizer.save(str(path))

    def words(self, text: str) -> list[tuple[str, list[str]]]:
        """The words of a text as the tokenizer splits them, each with its pieces."""
        encoded = self._tokenizer.encode(self._clean(text), add_special_tokens=False)
        words: dict[Any, tuple[list[int], list[str]]] = {}
        for index, (token, word) in enumerate(zip(encoded.tokens, encoded.word_ids)):
            # Towers without words (a byte model) would give None; each token is a word then.
            span, pieces = words.setdefault(("token", index) if word is None else word, ([], []))
            span.extend(encoded.offsets[index])
            pieces.append(token)
        cleaned = self._clean(text)
        return [(cleaned[min(span) : max(span)], pieces) for span, pieces in words.values()]

    def vocabulary(self) -> list[str]:
        """The piece of each id; ids that nothing names get an empty string."""
        table = self._tokenizer.get_vocab(with_added_tokens=True)
        pieces = [""] * (max(table.values()) + 1)
        for piece, index in table.items():
            pieces[index] = piece
        return pieces

    @property
    def unknown(self) -> str | None:
        """The piece that stands for what the tokenizer cannot spell; None for byte-level models."""
        token = getattr(self._tokenizer.model, "unk_token", None)
        return token if isinstance(token, str) and token else None

    def _fit(self, body: list[int], limit: int, prompt: Prompt) -> list[int]:
        surplus = len(body) - limit
        if surplus <= 0:
            return body
        words = [index for index, token in enumerate(body) if token != GAP]
        if surplus > len(words):
            raise UsageError(
                f"The pictures alone take {len(body) - len(words)} tokens; {self._spec.name} reads {limit}.",
                "Give fewer reference pictures.",
            )
        dropped = set(words[-surplus:])
        text = str(prompt)
        warnings.warn(
            f"The words are longer than {self._spec.name} reads ({limit} tokens): "
            f"the end of {text[:40] + '…' if len(text) > 40 else text!r} is ignored.",
            PromptTruncated,
            stacklevel=2,
        )
        return [token for index, token in enumerate(body) if index not in dropped]


def _load(path: Path) -> Any:
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the Rust side raises bare Exception
        raise ModelUnavailable(f"{path} is not a tokenizer this version reads: {error}.") from None
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer
