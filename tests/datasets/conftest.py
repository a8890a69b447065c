"""Packages and benchmarks that are made once a session, without network."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from made_packages import pinned, write_packages

from sightword.datasets.styleshift.build import build


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Small packages in the real layouts."""
    return write_packages(tmp_path_factory.mktemp("packages"))


@pytest.fixture(scope="session")
def styleshift(packages: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small StyleShift of all three splits; do not change it."""
    folder = tmp_path_factory.mktemp("built") / "styleshift"
    build(folder, packages, splits=("test", "validation", "train"), pinned=pinned(packages))
    return folder
