"""Warn when a text is in a language that the model does not know."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence

from sightword.backbones.base import Backbone

__all__ = ["LARGEST_UNKNOWN_SHARE", "LanguageWarning", "language_names", "warn_unknown"]

LARGEST_UNKNOWN_SHARE = 0.3
"""Above this share of unknown pieces the model reads little of what was meant."""

_NAMES = {
    "ar": "Arabic", "de": "German", "en": "English", "es": "Spanish", "fr": "French", "hi": "Hindi",
    "it": "Italian", "ja": "Japanese", "ko": "Korean", "nl": "Dutch", "pl": "Polish",
    "pt": "Portuguese", "ru": "Russian", "tr": "Turkish", "zh": "Chinese",
}  # fmt: skip


class LanguageWarning(UserWarning):
    """The words of a query are mostly unknown to the model; the answer may be unrelated to them."""


def language_names(codes: Sequence[str]) -> str:
    """Languages in words.

    Examples
    --------
    >>> language_names(("en", "de"))
    'English and German'
    """
    names = [_NAMES.get(code, code) for code in codes]
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else "no language"


def warn_unknown(backbone: Backbone, texts: Iterable[str]) -> None:
    """Warn once for each text of which more than 30 % is unknown."""
    for text in texts:
        share = backbone.count_unknown(text) if text else 0.0
        if share > LARGEST_UNKNOWN_SHARE:
            warnings.warn(
                f"{backbone.spec.name} does not know {share:.0%} of {text!r}; "
                f"it reads {language_names(backbone.spec.languages)}.",
                LanguageWarning,
                stacklevel=5,  # the line that called Engine.search
            )
