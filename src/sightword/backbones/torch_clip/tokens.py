"""The tokenizer of a tower, and the special tokens it puts around a text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightword.backbones.torch_clip.bpe import END, START, clip_bpe
from sightword.errors import ModelUnavailable

__all__ = ["Tokens", "bpe_tokens", "file_tokens"]

CLEANING = {"lower": "clip", "canonicalize": "canonicalize", "whitespace": "whitespace"}
"""open_clip's names of the cleaning functions -> ours."""


@dataclass(frozen=True)
class Tokens:
    """How a tower reads text.

    Attributes
    ----------
    tokenizer : tokenizers.Tokenizer
    prefix, suffix : tuple of int
        Special tokens before and after every text.
    pad : int
        The id that fills a row up.
    clean : str
        See `sightword.backbones.clean`.
    """

    tokenizer: Any
    prefix: tuple[int, ...]
    suffix: tuple[int, ...]
    pad: int
    clean: str

    @property
    def rows(self) -> int:
        """How many rows a token table needs for every id that can occur."""
        table = self.tokenizer.get_vocab(with_added_tokens=True)
        return int(1 + max(*table.values(), *self.prefix, *self.suffix, self.pad))


def bpe_tokens(text_cfg: Mapping[str, Any]) -> Tokens:
    """CLIP's own tokenizer; rows are padded with id 0, whatever the configuration says."""
    kwargs = text_cfg.get("tokenizer_kwargs") or {}
    return Tokens(clip_bpe(), (START,), (END,), 0, cleaning(kwargs.get("clean", "lower")))


def file_tokens(folder: Path, *, clean: str, strip_separator: bool = False, pad: int | None = None) -> Tokens:
    """A tokenizer that lies in a folder as ``tokenizer.json``, as open_clip uses it.

    Parameters
    ----------
    folder : Path
        Holds ``tokenizer.json`` and, for the padding, ``tokenizer_config.json``.
    clean : str
        One of ours.
    strip_separator : bool
        The separator at the end becomes id 0 (CLIPA).
    pad : int, optional
        The padding id when the files do not name one.

    Raises
    ------
    ModelUnavailable
        A file is missing, or the special tokens cannot be told apart.
    """
    path = folder / "tokenizer.json"
    tokenizer = _read(path)
    plain = tokenizer.encode("a", add_special_tokens=False).ids
    full = tokenizer.encode("a").ids
    starts = [i for i in range(len(full) - len(plain) + 1) if full[i : i + len(plain)] == plain]
    if not plain or len(starts) != 1:
        raise ModelUnavailable(f"{path} puts special tokens in places that sightword does not handle.")
    prefix, suffix = tuple(full[: starts[0]]), tuple(full[starts[0] + len(plain) :])
    if strip_separator:
        suffix = (*suffix[:-1], 0)
    named = _padding(folder, tokenizer)
    if named is None and pad is None:
        raise ModelUnavailable(
            f"{folder} does not say which token fills a row up (pad_token).",
            "Put the tokenizer's tokenizer_config.json beside tokenizer.json.",
        )
    return Tokens(tokenizer, prefix, suffix, named if named is not None else int(pad or 0), clean)


def cleaning(name: str) -> str:
    """Our name of open_clip's cleaning function."""
    if name not in CLEANING:
        raise ModelUnavailable(f"Texts cleaned by {name!r} are not supported ({', '.join(CLEANING)} are).")
    return CLEANING[name]


def _read(path: Path) -> Any:
    from tokenizers import Tokenizer

    if not path.is_file():
        raise ModelUnavailable(
            f"{path} is missing.",
            "Write it where transformers is installed: "
            f"`AutoTokenizer.from_pretrained(NAME).save_pretrained({str(path.parent)!r})`.",
        )
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the Rust side raises bare Exception
        raise ModelUnavailable(f"{path} is not a tokenizer this version reads: {error}.") from None
    tokenizer.no_truncation()
    return tokenizer


def _padding(folder: Path, tokenizer: Any) -> int | None:
    inside = tokenizer.padding
    tokenizer.no_padding()
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        try:
            entry = json.loads((folder / name).read_text(encoding="utf-8")).get("pad_token")
        except (OSError, ValueError, AttributeError):
            continue
        token = entry.get("content") if isinstance(entry, dict) else entry
        index = tokenizer.token_to_id(token) if isinstance(token, str) else None
        if index is not None:
            return int(index)
    return None if inside is None else int(inside["pad_id"])
