"""Which questions a run asks: methods, times prompts, times the values of a sweep."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from sightword.errors import UsageError
from sightword.search.composing import split_weight

__all__ = ["Sweep", "Variant", "parse_sweep", "variants"]

MOST = 1000
WEIGHTS = {"weighted": "weight", "slerp": "fraction"}
"""The option that ``weight`` means; ``beta`` for methods with PDV."""
OPTIONS = {
    "weight": ("weighted",), "fraction": ("slerp",), "length": ("direction",),
    "beta": ("+pdv",), "alpha_text": ("+pdv",), "alpha_image": ("+pdv",),
}  # fmt: skip


@dataclass(frozen=True)
class Sweep:
    """Values of one option.

    Attributes
    ----------
    option : str
        ``weight`` (also slerp's fraction and PDV's beta), or an option by its own name.
    values : tuple of float
    """

    option: str
    values: tuple[float, ...]

    def option_of(self, method: str) -> str | None:
        """What the option is called by a method; None when it does not take it."""
        plain = method.partition(":")[0]
        if self.option == "weight":
            return WEIGHTS.get(plain) or ("beta" if plain.endswith("+pdv") else None)
        takes = OPTIONS[self.option]
        return self.option if any(plain == name or plain.endswith(name) for name in takes) else None


@dataclass(frozen=True)
class Variant:
    """One way to answer the benchmark.

    Attributes
    ----------
    label : str
        For tables, unique within a run.
    method : str
    prompt : str
    options : dict of str to float
        For the method.
    swept : float, optional
        The value of the sweep.
    """

    label: str
    method: str
    prompt: str
    options: Mapping[str, float] = field(default_factory=dict)
    swept: float | None = None

    def told(self) -> dict[str, object]:
        """For the results."""
        return {
            "method": self.method,
            "prompt": self.prompt,
            "options": dict(self.options),
            "swept": self.swept,
        }


def parse_sweep(text: str) -> Sweep:
    """``weight=0:1:.1`` (both ends included) or ``weight=.2,.5``.

    Raises
    ------
    UsageError

    Examples
    --------
    >>> parse_sweep("weight=0:1:.5").values
    (0.0, 0.5, 1.0)
    """
    option, equals, rest = text.partition("=")
    wrong = UsageError(f"{text!r} is no sweep.", "Write for instance weight=0:1:.1 or weight=.2,.5,.8.")
    if not equals or option not in OPTIONS:
        raise UsageError(f"{text!r} names no option that can be swept.", f"Choose {', '.join(OPTIONS)}.")
    try:
        if ":" in rest:
            first, last, step = (float(part) for part in rest.split(":"))
            count = round((last - first) / step) + 1
            if step <= 0 or not 0 < count <= MOST:
                raise wrong
            values = tuple(round(float(v), 10) for v in first + step * np.arange(count) if v <= last + 1e-9)
        else:
            values = tuple(float(part) for part in rest.split(","))
    except (ValueError, ZeroDivisionError, OverflowError):
        raise wrong from None
    return Sweep(option, tuple(dict.fromkeys(values)))


def variants(methods: Sequence[str], prompts: Sequence[str], sweep: Sweep | None = None) -> list[Variant]:
    """All combinations. Methods that a prompt or a sweep cannot change are asked once.

    Raises
    ------
    UsageError
        The sweep changes none of the methods.
    """
    found = []
    for method in dict.fromkeys(methods):
        base, options = split_weight(method)
        option = sweep.option_of(base) if sweep is not None else None
        for prompt in prompts if method not in ("image", "caption") else prompts[:1]:
            shown = (
                f"{method} [{prompt}]" if len(prompts) > 1 and method not in ("image", "caption") else method
            )
            if sweep is None or option is None:
                found.append(Variant(shown, base, prompt, options))
                continue
            for value in sweep.values:
                label = re.sub(r"^([^ ]+)", rf"\1 {option}={value:g}", shown)
                found.append(Variant(label, base, prompt, {**options, option: value}, value))
    if sweep is not None and all(variant.swept is None for variant in found):
        raise UsageError(
            f"None of the methods {', '.join(methods)} takes {sweep.option}.",
            f"It belongs to {', '.join(OPTIONS[sweep.option])}"
            f"{', slerp and methods with +pdv' if sweep.option == 'weight' else ''}.",
        )
    return found
