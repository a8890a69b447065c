"""The public surface cannot grow or shrink by accident."""

from __future__ import annotations

import subprocess
import sys

import pytest

import sightword


def test_all_is_sorted_and_exact() -> None:
    assert sightword.__all__ == [
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


@pytest.mark.parametrize("name", sightword.__all__)
def test_every_name_is_there(name: str) -> None:
    assert getattr(sightword, name) is not None
    assert name in dir(sightword)


def test_other_names_are_not() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Searcher'"):
        sightword.Searcher  # noqa: B018


def test_names_are_imported_lazily() -> None:
    program = (
        "import sightword, sys; print([m for m in ('numpy', 'click', 'PIL', 'openvino') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
