"""Find the picture that looks like this picture, changed as these words say.

>>> import sightword
>>> with sightword.open("holiday") as engine:                          # doctest: +SKIP
...     hits = engine.search(images="beach.jpg", text="at night")

Names are imported when they are first used: ``import sightword`` loads neither numpy nor a model.
"""

from __future__ import annotations

from sightword._version import __version__

# What follows is for type checkers. `typing` itself would be half of what `import sightword` costs, and the
# command could not yet answer Ctrl-C meanwhile.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from sightword.backbones import load_backbone
    from sightword.errors import SightwordError
    from sightword.methods import load_method
    from sightword.methods.base import ComposeInput
    from sightword.search import Engine, Explanation, Hit, Query, open  # noqa: A004

__all__ = [
    "ComposeInput",
    "Engine",
    "Explanation",
    "Hit",
    "Query",
    "SightwordError",
    "__version__",
    "load_backbone",
    "load_method",
    "open",
]

_HOMES = {
    "ComposeInput": "sightword.methods.base",
    "Engine": "sightword.search",
    "Explanation": "sightword.search",
    "Hit": "sightword.search",
    "Query": "sightword.search",
    "SightwordError": "sightword.errors",
    "load_backbone": "sightword.backbones",
    "load_method": "sightword.methods",
    "open": "sightword.search",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
