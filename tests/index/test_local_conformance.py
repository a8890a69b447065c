"""The local store keeps the contract, in both precisions, with the matrix file and without it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from conformance import StoreConformance
from samples import MANIFEST

from sightword.index import writer as writing
from sightword.index.base import Manifest
from sightword.index.store import LocalStore, open_store


class TestLocalFloat32(StoreConformance):
    """As shipped."""

    @pytest.fixture
    def make_store(self, tmp_path: Path) -> Callable[[Manifest], LocalStore]:
        return lambda manifest: open_store(tmp_path, create=manifest)


class TestLocalBfloat16(TestLocalFloat32):
    """Half the bytes."""

    manifest = replace(MANIFEST, dtype="bfloat16")


class TestLocalWithoutMatrix(TestLocalFloat32):
    """Every row is read from the database: what a reader does while no matrix file fits."""

    @pytest.fixture(autouse=True)
    def no_rewrite(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(writing.LocalWriter, "_rewrite", lambda self: None)


class TestLocalRewritingAlways(TestLocalFloat32):
    """A new matrix generation after every batch."""

    @pytest.fixture(autouse=True)
    def rewrite_often(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(writing, "TAIL_ROWS", 0)
        monkeypatch.setattr(writing, "TAIL_SHARE", 0.0)
