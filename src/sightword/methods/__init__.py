"""COMPOSE: references and words in, one unit query vector out. One file per method."""

from __future__ import annotations

from sightword.methods.base import ComposeInput, Method
from sightword.methods.catalog import MethodInfo, list_methods, load_method

__all__ = ["ComposeInput", "Method", "MethodInfo", "list_methods", "load_method"]
