"""Which names can be methods at all, told before a backbone is loaded or a folder is read."""

from __future__ import annotations

from sightword.backbones.hub import HUB_PREFIX
from sightword.backbones.registry import as_path, directory_hint, is_path, models_home
from sightword.errors import ModelUnavailable
from sightword.methods.catalog import INVERSIONS, SHIPPED, SUPERVISED, TRAINING_FREE
from sightword.methods.oti import NAMES, SearleOTI
from sightword.methods.phi import CONFIG, read_config

__all__ = ["check_name"]


def check_name(name: str) -> None:
    """Refuse a name that is no method of any backbone; nothing is loaded.

    A name that passes can still be refused by `load_method`: its weights may be another backbone's.

    Parameters
    ----------
    name : str
        As `load_method` takes it, without a weight such as ``:0.3``.

    Raises
    ------
    ModelUnavailable
        There is no such method, or no trained method in that directory.
    """
    base = name.removesuffix("+pdv")
    if base.startswith(HUB_PREFIX):
        return
    if is_path(base):
        directory = as_path(base)
        if not (directory / NAMES).is_file():
            read_config(directory)
        return
    offered = _offered()
    if base not in offered and base not in INVERSIONS and base not in SUPERVISED:
        hint = directory_hint(base) or f"Choose one of {', '.join(sorted(offered))}."
        raise ModelUnavailable(f"There is no method {name!r}.", hint)


def _offered() -> set[str]:
    """Methods that need no weights, and those whose weights lie here for any backbone."""
    trained = {
        config.parent.name
        for root in (SHIPPED, models_home() / "methods")
        for config in root.glob(f"*/*/{CONFIG}")
    }
    return {"default", SearleOTI.name, *TRAINING_FREE, *trained}
