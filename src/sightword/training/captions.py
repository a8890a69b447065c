"""Captions read, tagged, masked and tokenised once, and kept for all runs (LinCIR)."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from sightword.backbones.base import BackboneSpec
from sightword.backbones.tokenize import GAP, PromptTokenizer
from sightword.errors import UsageError
from sightword.methods.token_rows import Rows, RowsWriter, prompt_ids
from sightword.prompts import Prompt, parse_prompt
from sightword.training import tagging
from sightword.training.bars import Bar
from sightword.training.keywords import mask_captions, mask_captions_legacy
from sightword.training.tagging import in_parallel

__all__ = ["CaptionRows", "Tally", "kept_captions", "read_captions"]

FORMAT = 1
FALLBACK = parse_prompt("a photo of {*}")


@dataclass
class Tally:
    """What became of the captions.

    Attributes
    ----------
    kept : int
    empty : int
        Left out.
    without_keywords : int
        Kept; one word was cut out instead.
    over_long : int
        Kept; their end was left out.
    full_of_slots : int
        Left out: the pseudo-words alone exceed the context.
    """

    kept: int = 0
    empty: int = 0
    without_keywords: int = 0
    over_long: int = 0
    full_of_slots: int = 0

    def sentence(self) -> str:
        """For the terminal."""
        parts = [f"{self.kept:,} captions"]
        for count, what in (
            (self.empty, "empty ones left out"),
            (self.without_keywords, "without keywords (one word of each is masked)"),
            (self.over_long, "longer than the text tower reads (their end is left out)"),
            (self.full_of_slots, "left out because their keywords alone are too many"),
        ):
            if count:
                parts.append(f"{count:,} {what}")
        return "; ".join(parts) + "."


@dataclass(frozen=True)
class CaptionRows:
    """Captions whole and masked, row by row the same.

    Attributes
    ----------
    whole, masked : Rows
        The second has `GAP` where keywords stood.
    tally : Tally
    legacy : bool
        Which rule masked them.
    """

    whole: Rows
    masked: Rows
    tally: Tally = field(default_factory=Tally)
    legacy: bool = False

    def __len__(self) -> int:
        return len(self.whole)


def read_captions(
    texts: Iterable[str],
    tokenizer: PromptTokenizer,
    spec: BackboneSpec,
    *,
    legacy: bool = False,
    workers: int | None = None,
    progress: bool = True,
    total: int | None = None,
) -> CaptionRows:
    """Clean, tag, mask and tokenise.

    Parameters
    ----------
    texts : iterable of str
    tokenizer : PromptTokenizer
    spec : BackboneSpec
    legacy : bool
        The reference's substring rule instead of token spans.
    workers : int, optional
        Processes that tag.
    total : int, optional
        For the progress bar.

    Raises
    ------
    UsageError
        Fewer than two captions are usable.
    """
    whole, masked, tally = RowsWriter(), RowsWriter(), Tally()
    work = mask_captions_legacy if legacy else mask_captions
    found = in_parallel(work, texts, workers=workers)
    for text, prompt, has_keyword in Bar("captions", "caption", total, show=progress).over(found):
        if not text:
            tally.empty += 1
            continue
        ids, all_of_it = prompt_ids(prompt, tokenizer, spec, keep_slots=not legacy)
        if legacy and (ids is None or GAP not in ids):
            ids, _ = prompt_ids(FALLBACK, tokenizer, spec)
        if ids is None:
            tally.full_of_slots += 1
            continue
        original, fits = prompt_ids(Prompt((text,)), tokenizer, spec)
        assert original is not None
        tally.kept += 1
        tally.without_keywords += not has_keyword
        tally.over_long += not (fits and all_of_it)
        whole.add(original)
        masked.add(ids)
    if tally.kept < 2:
        raise UsageError(f"Training needs at least 2 captions; usable are {tally.kept}: {tally.sentence()}")
    return CaptionRows(whole.rows(), masked.rows(), tally, legacy)


def kept_captions(
    home: Path,
    identity: str,
    texts: Iterable[str],
    tokenizer: PromptTokenizer,
    spec: BackboneSpec,
    **more: bool,
) -> CaptionRows:
    """`read_captions`, or what an earlier run kept of the same texts.

    Parameters
    ----------
    home : Path
        The cache's directory.
    identity : str
        Names the texts: other texts, another identity.
    """
    legacy = bool(more.get("legacy"))
    facts = json.dumps([FORMAT, identity, spec.weights_hash, legacy, tagging.tagger_name()])
    directory = home / f"captions-{hashlib.sha256(facts.encode()).hexdigest()[:32]}"
    try:
        about = json.loads((directory / "captions.json").read_text(encoding="utf-8"))
        whole, masked = (Rows.load(directory, name) for name in ("whole", "masked"))
        return CaptionRows(whole, masked, Tally(**about), legacy)
    except (OSError, ValueError, TypeError):
        rows = read_captions(texts, tokenizer, spec, **more)
    home.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".captions-", dir=home))
    try:
        rows.whole.save(draft, "whole")
        rows.masked.save(draft, "masked")
        (draft / "captions.json").write_text(json.dumps(vars(rows.tally)), encoding="utf-8")
        os.replace(draft, directory)  # noqa: PTH105 - fails, as wanted, when another run was faster
    except OSError:
        pass  # a cache that cannot be written (a full disk) must not stop the run
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return rows
