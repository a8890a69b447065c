"""How a query is put to the methods: the prompt presets of the published evaluations.

========== ============================== =======================================================
preset     with a pseudo-word             words alone (``text``, ``average``, ``weighted``, ...)
========== ============================== =======================================================
searle     ``a photo of {*} that {text}`` ``{text}``
pic2word   ``a photo of {*} , {text}``    ``{text}``
clip4cir   ``a photo of {*} , {text}``    ``{text}``; it differs where a benchmark writes words otherwise
rules      what search would choose       what search would choose
a template such as ``a sketch of {*} , {text}``   ``{text}``
========== ============================== =======================================================

A benchmark may have words of its own for a preset: FashionIQ's two captions, ImageNet-R's
``a {text} of {*}``.
"""

from __future__ import annotations

from dataclasses import dataclass

from sightword.errors import UsageError
from sightword.prompts import SLOT

__all__ = ["PROMPTS", "Asked", "by_preset", "check_prompt", "split_prompts"]

PROMPTS = {
    "searle": "a photo of {*} that {text}",
    "pic2word": "a photo of {*} , {text}",
    "clip4cir": "a photo of {*} , {text}",
}
RULES = "rules"


@dataclass(frozen=True)
class Asked:
    """One way to put a query.

    Attributes
    ----------
    text : str
        Replaces ``{text}``.
    slotted, plain : str, optional
        Template for methods with a pseudo-word, and for those without; None lets the rules of search choose.
    """

    text: str
    slotted: str | None = None
    plain: str | None = None


def by_preset(prompt: str, text: str, slotted: str | None = None, plain: str = "{text}") -> Asked:
    """Words under a preset or a template; `slotted` and `plain` replace the preset's own templates."""
    if prompt == RULES:
        return Asked(text)
    if prompt in PROMPTS:
        return Asked(text, slotted or PROMPTS[prompt], plain)
    return Asked(text, prompt, plain)


def check_prompt(prompt: str, presets: tuple[str, ...]) -> str:
    """The prompt, if it is a preset of the benchmark or a template.

    Raises
    ------
    UsageError
    """
    if prompt not in presets and SLOT not in prompt:
        raise UsageError(
            f"{prompt!r} is neither a prompt preset nor a template with {SLOT}.",
            f"Choose among {', '.join(presets)}, or write for instance 'a photo of {SLOT} , {{text}}'.",
        )
    return prompt


def split_prompts(given: tuple[str, ...]) -> list[str]:
    """Prompts as typed: ``a,b`` are two presets, but a template keeps its commas."""
    found = []
    for item in given:
        found += [item] if "{" in item else [part.strip() for part in item.split(",") if part.strip()]
    return list(dict.fromkeys(found))
