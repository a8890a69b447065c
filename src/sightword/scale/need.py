"""Optional packages, asked for by name."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

from sightword.errors import ModelUnavailable

__all__ = ["need_arrow", "need_ray"]

_COMMAND = "Run `pip install 'sightword[ray]'`."


def need_arrow(module: str = "pyarrow") -> Any:
    """Import pyarrow or one of its modules.

    Raises
    ------
    ModelUnavailable
    """
    try:
        return import_module(module)
    except ImportError:
        raise ModelUnavailable("Parquet needs pyarrow, which is not installed.", _COMMAND) from None


def need_ray() -> Any:
    """Import Ray with its data library, never sending usage statistics.

    Raises
    ------
    ModelUnavailable
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # read when Ray is imported
    try:
        ray = import_module("ray")
        import_module("ray.data")
    except ImportError:
        raise ModelUnavailable("--engine ray needs ray, which is not installed.", _COMMAND) from None
    return ray
