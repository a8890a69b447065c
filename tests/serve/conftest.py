"""Servers for the tests of this folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from gallery import make_gallery
from serving import TestClient, serving
from sightword.search import open as open_engine


@pytest.fixture(scope="session", autouse=True)
def _own_places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing of the user's, and the words of the tiny backbone encoded once."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIGHTWORD_CACHE", str(home / "cache"))
        patch.setenv("SIGHTWORD_MODELS", str(home / "models"))
        yield


@pytest.fixture(scope="session")
def _template(tiny_backbone: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An indexed folder to copy: indexing starts decoding processes, which takes longer than most tests."""
    folder = make_gallery(tmp_path_factory.mktemp("template") / "pictures")
    with open_engine(folder, backbone=tiny_backbone) as engine:
        engine.update()
    return folder


@pytest.fixture(scope="session")
def shared_folder(_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight plain pictures, two in a subfolder; do not change them."""
    return Path(shutil.copytree(_template, tmp_path_factory.mktemp("shared") / "pictures"))


@pytest.fixture(scope="session")
def _running(tiny_backbone: Any, shared_folder: Path) -> Iterator[TestClient]:
    with serving(tiny_backbone, shared_folder, rate=1e6, burst=1e6) as client:
        yield client


@pytest.fixture
def client(_running: TestClient) -> TestClient:
    """A client of the server that all tests share: do not change its folder."""
    _running.cookies.clear()
    return _running


@pytest.fixture
def folder(_template: Path, tmp_path: Path) -> Path:
    """The same pictures, for one test."""
    return Path(shutil.copytree(_template, tmp_path / "pictures"))


@pytest.fixture
def serve(tiny_backbone: Any) -> Iterator[Callable[..., TestClient]]:
    """Start a server of its own; see `serving.serving`."""
    with ExitStack() as stack:
        yield lambda *folders, **settings: stack.enter_context(serving(tiny_backbone, *folders, **settings))
