"""Prompts with slots: ``a photo of {*} that {text}`` -> pieces and slots, never magic token ids.

A prompt is split at its placeholders *before* tokenising, so that neighbouring punctuation cannot merge
with a placeholder ("a photo of {*}, red" keeps its slot; compare methods.md 0.3, "placeholder trap").

`choose_prompt` picks the preset that fits the words; its rules are in ``phrasing.py``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sightword.errors import UsageError
from sightword.phrasing import read_phrase

__all__ = ["PRESETS", "SLOT", "Prompt", "build_prompt", "choose_prompt", "parse_prompt", "plain_words"]

SLOT = "{*}"
"""The placeholder that stands for one reference image (one or more pseudo-tokens)."""

PRESETS: dict[str, str] = {
    "domain": "a {domain} of {*}",
    "object": "a photo of {*} and {obj}",
    "that": "a photo of {*} that {text}",
    "comma": "a photo of {*} , {text}",
}
"""Prompt presets by kind; `choose_prompt` says ``an {domain} of {*}`` where English does."""

_FIELD = re.compile(r"\{(\w*)\}|[{}]")


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

    def fill(match: re.Match[str]) -> str:
        if match[1] not in fields:
            raise UsageError(
                f"The prompt {template!r} has a field that nothing fills ({match[0]}).",
                "Use {*} for the picture and {text} for the words.",
            )
        return fields[match[1]]

    # Not str.format: a template may come from a stranger's settings, and format reaches into attributes.
    return Prompt(tuple(_FIELD.sub(fill, piece) for piece in template.split(SLOT)))


def choose_prompt(text: str) -> tuple[str, dict[str, str]]:
    """Choose the preset that fits a modification text.

    Parameters
    ----------
    text : str
        What the user wrote, not empty.

    Returns
    -------
    template : str
        A template with ``{*}``.
    fields : dict of str to str
        What fills its other fields.

    Examples
    --------
    >>> choose_prompt("as a line drawing")
    ('a {domain} of {*}', {'domain': 'line drawing'})
    >>> choose_prompt("with a dog")
    ('a photo of {*} and {obj}', {'obj': 'a dog'})
    >>> choose_prompt("is red with long sleeves")
    ('a photo of {*} that {text}', {'text': 'is red with long sleeves'})
    >>> choose_prompt("at night")
    ('a photo of {*} , {text}', {'text': 'at night'})
    """
    phrase = read_phrase(text)
    if phrase.kind == "domain":
        template = _with_article(phrase.words)
        if phrase.rest:
            return f"{template} {{rest}}", {"domain": phrase.words, "rest": phrase.rest}
        return template, {"domain": phrase.words}
    field = "obj" if phrase.kind == "object" else "text"
    return PRESETS[phrase.kind], {field: phrase.words}


def plain_words(text: str) -> str:
    """What a modification text says on its own, for methods without a slot.

    Examples
    --------
    >>> plain_words("as a line drawing")
    'a line drawing'
    >>> plain_words("the same but red")
    'red'
    """
    phrase = read_phrase(text)
    if phrase.kind == "domain":
        return " ".join(part for part in (phrase.article, phrase.words, phrase.rest) if part)
    return phrase.plain or phrase.words


def build_prompt(text: str, template: str | None = None) -> Prompt:
    """The prompt for a modification text.

    Parameters
    ----------
    text : str
        May be empty: the prompt is then ``a photo of {*}``.
    template : str, optional
        A preset's name or a template, instead of the one the rules choose. Its fields ``{text}``,
        ``{domain}`` and ``{obj}`` are filled from the text.

    Examples
    --------
    >>> str(build_prompt("with a dog"))
    'a photo of {*} and a dog'
    >>> str(build_prompt("pencil", "domain"))
    'a pencil drawing of {*}'
    """
    if template is None:
        if not text.strip():
            return parse_prompt("a photo of {*}")
        template, fields = choose_prompt(text)
        return parse_prompt(template, **fields)
    phrase = read_phrase(text)
    bare = re.sub(r"^(?:as|in|with|and) (?:an? )?", "", text.strip(), flags=re.IGNORECASE)
    fields = {
        "text": text.strip(),
        "domain": phrase.words if phrase.kind == "domain" else bare,
        "obj": phrase.words if phrase.kind == "object" else re.sub(r"^(?:with|and) ", "", text.strip()),
    }
    if template == "domain":
        return parse_prompt(_with_article(fields["domain"]), **fields)
    return parse_prompt(PRESETS.get(template, template), **fields)


def _with_article(domain: str) -> str:
    preset = PRESETS["domain"]
    return f"an{preset[1:]}" if domain[:1].lower() in tuple("aeiou") else preset
