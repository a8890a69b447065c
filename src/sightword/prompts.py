"""Prompts with slots: ``a photo of {*} that {text}`` -> pieces and slots, never magic token ids.

A prompt is split at its placeholders *before* tokenising, so that neighbouring punctuation cannot merge
with a placeholder ("a photo of {*}, red" keeps its slot; compare methods.md 0.3, "placeholder trap").
"""

from __future__ import annotations

from dataclasses import dataclass

from sightword.errors import UsageError

__all__ = ["SLOT", "Prompt", "parse_prompt"]

SLOT = "{*}"
"""The placeholder that stands for one reference image (one or more pseudo-tokens)."""


@dataclass(frozen=True)
class Prompt:
    """A prompt split at its slots.

    Parameters
    ----------
    pieces : tuple of str
        The literal text around the slots; always ``slots + 1`` pieces, possibly empty.
    """

    pieces: tuple[str, ...]

    @property
    def slots(self) -> int:
        """How many slots the prompt has."""
        return len(self.pieces) - 1

    def __str__(self) -> str:
        return SLOT.join(self.pieces)


def parse_prompt(template: str, text: str | None = None, **words: str) -> Prompt:
    """Split a template at its slots and fill in its words.

    Parameters
    ----------
    template : str
        For instance ``"a photo of {*} that {text}"``.
    text : str, optional
        Replaces ``{text}``. Braces or placeholders inside it stay literal.
    **words : str
        Other named fields, such as ``domain`` or ``obj``.

    Raises
    ------
    UsageError
        The template names a field that was not given.

    Examples
    --------
    >>> parse_prompt("a photo of {*} that {text}", "is red").pieces
    ('a photo of ', ' that is red')
    >>> parse_prompt("a photo of {*}, {text}", "so-called {*}").slots
    1
    """
    fields = dict(words)
    if text is not None:
        fields["text"] = text
    pieces = []
    for piece in template.split(SLOT):
        try:
            pieces.append(piece.format_map(fields))
        except (KeyError, IndexError, ValueError) as error:
            raise UsageError(
                f"The prompt {template!r} has a field that nothing fills ({error}).",
                "Use {*} for the picture and {text} for the words.",
            ) from None
    return Prompt(tuple(pieces))
