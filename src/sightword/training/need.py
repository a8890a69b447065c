"""What training needs besides the base installation, asked for by name."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from sightword.errors import ModelUnavailable

__all__ = ["need", "need_torch"]


def need(module: str, purpose: str, command: str) -> Any:
    """Import a package, or say how to get it.

    Raises
    ------
    ModelUnavailable
        ``PURPOSE needs PACKAGE, which is not installed.`` with the command as the hint.
    """
    try:
        return import_module(module)
    except ImportError:
        name = module.partition(".")[0]
        raise ModelUnavailable(
            f"{purpose} needs {name}, which is not installed.", f"Run `{command}`."
        ) from None


def need_torch() -> Any:
    """Import torch, or say how to get it."""
    return need("torch", "Training", "pip install 'sightword[torch,train]'")
