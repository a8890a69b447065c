"""LinCIR's masking: which words of a caption make way for the pseudo-word.

Two rules (docs/methods/lincir.md):

* **token spans** (ours, the default): maximal runs of nouns, proper nouns, adjectives and determiners, cut
  out exactly where they stand. A run of determiners alone is no keyword.
* **legacy**: the reference's rule with its quirks. The run's words, joined by spaces, are replaced as a plain
  *substring* wherever they occur; a keyword that is not a substring ("the man 's dog") hits one random word
  instead and ends the search; a lone determiner counts ("a" replaces every letter a).

>>> from sightword.training.tagging import Word
>>> words = [Word(0, 1, "DET"), Word(2, 5, "NOUN"), Word(6, 10, "VERB"), Word(11, 13, "ADP"),
...          Word(14, 17, "DET"), Word(18, 21, "NOUN")]
>>> str(mask_spans("a cat sits on the mat", words))
'{*} sits on {*}'
"""

from __future__ import annotations

from collections.abc import Sequence

from sightword.prompts import Prompt
from sightword.training.tagging import Word, draw, tag

__all__ = [
    "KEYWORDS",
    "clean_caption",
    "legacy_clean",
    "legacy_keywords",
    "legacy_mask",
    "mask_captions",
    "mask_captions_legacy",
    "mask_spans",
    "runs",
]

KEYWORDS = frozenset({"NOUN", "PROPN", "ADJ", "DET"})
_SLOT = "\ue000"  # private use: no caption contains it, no tokenizer joins it with its neighbours


def clean_caption(text: str | None) -> str:
    """One line without surplus spaces; CC3M's ``<PERSON>`` becomes a word."""
    return " ".join((text or "").replace("<PERSON>", "person").replace(_SLOT, " ").split())


def legacy_clean(text: str | None) -> str:
    """The reference's cleaning: lower case, no dollar signs."""
    return (text or "").replace("<PERSON>", "person").lower().replace("$", "").replace(_SLOT, "").strip()


def runs(words: Sequence[Word]) -> list[list[Word]]:
    """Maximal runs of `KEYWORDS`."""
    found: list[list[Word]] = []
    inside = False
    for word in words:
        if word.pos in KEYWORDS:
            if not inside:
                found.append([])
            found[-1].append(word)
        inside = word.pos in KEYWORDS
    return found


def mask_spans(text: str, words: Sequence[Word]) -> Prompt:
    """The default rule.

    Parameters
    ----------
    text : str
        Not empty.
    words : sequence of Word

    Returns
    -------
    Prompt
        One slot for each keyword; without any keyword, one whitespace word is cut out, chosen by the text.
    """
    spans = [(run[0].start, run[-1].end) for run in runs(words) if {word.pos for word in run} != {"DET"}]
    if not spans:
        chosen = text.split()[draw(text, len(text.split()))]
        start = f" {text} ".index(f" {chosen} ")
        spans = [(start, start + len(chosen))]
    pieces, end = [], 0
    for start, stop in spans:
        pieces.append(text[end:start])
        end = stop
    return Prompt((*pieces, text[end:]))


def legacy_keywords(text: str, words: Sequence[Word]) -> list[str]:
    """The reference's keywords: words of each run joined by one space, repetitions kept."""
    return [" ".join(text[word.start : word.end] for word in run) for run in runs(words)]


def legacy_mask(text: str, keywords: Sequence[str]) -> Prompt:
    """The reference's replacement; may be without a slot (the caller then takes ``a photo of {*}``).

    Parameters
    ----------
    text : str
        Cleaned by `legacy_clean`.
    keywords : sequence of str
        None count as one that is not in the text.
    """
    working = text
    for keyword in keywords or [""]:
        if keyword and keyword in text:
            working = working.replace(keyword, _SLOT)
            continue
        if text:  # the reference draws at random; here the draw depends on the text, so that it repeats
            working = working.replace(text.split()[draw(text, len(text.split()))], _SLOT)
        break
    return Prompt(tuple(working.split(_SLOT)))


def mask_captions(texts: list[str]) -> list[tuple[str, Prompt, bool]]:
    """Clean, tag and mask by the default rule: (caption, masked, whether it has a keyword)."""
    cleaned = [clean_caption(text) for text in texts]
    return [
        (text, mask_spans(text, words) if text else Prompt(("",)), _has_keyword(words))
        for text, words in zip(cleaned, tag(cleaned))
    ]


def mask_captions_legacy(texts: list[str]) -> list[tuple[str, Prompt, bool]]:
    """As `mask_captions`, by the reference's rule."""
    cleaned = [legacy_clean(text) for text in texts]
    return [
        (text, legacy_mask(text, legacy_keywords(text, words)), bool(runs(words)))
        for text, words in zip(cleaned, tag(cleaned))
    ]


def _has_keyword(words: Sequence[Word]) -> bool:
    return any(word.pos in KEYWORDS - {"DET"} for word in words)
