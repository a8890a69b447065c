"""A closed engine, a method that does not exist: told at once, before anything is loaded or read."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sightword
from gallery import make_gallery
from sightword.errors import ModelMismatch, ModelUnavailable, SightwordError, UsageError
from sightword.search import Engine


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_gallery(tmp_path / "pictures")


USES: dict[str, Callable[[Engine], Any]] = {
    "search": lambda engine: engine.search("red"),
    "explain": lambda engine: engine.explain("red"),
    "update": lambda engine: engine.update(),
    "info": lambda engine: engine.info(),
    "indexed": lambda engine: engine.indexed,
    "store": lambda engine: engine.store,
    "thumbnail": lambda engine: engine.thumbnail(engine.folder / "red.png", 16),
    "load_method": lambda engine: engine.load_method("text"),
    "with": lambda engine: engine.__enter__(),
}


@pytest.mark.parametrize("use", USES)
def test_a_closed_engine_says_so(folder: Path, tiny_backbone: Any, use: str) -> None:
    engine = sightword.open(folder, backbone=tiny_backbone)
    engine.update()
    engine.close()
    with pytest.raises(UsageError, match="was closed"):
        USES[use](engine)
    engine.close()  # once more is no mistake


def test_a_closed_engine_loads_no_model(folder: Path, tiny_backbone_dir: Path) -> None:
    engine = sightword.open(folder, backbone=str(tiny_backbone_dir))
    engine.close()
    with pytest.raises(UsageError, match="was closed"):
        _ = engine.backbone


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("nosuch", "There is no method 'nosuch'. Choose one of average, "),
        ("nosuch+pdv", "There is no method 'nosuch+pdv'."),
        ("./nosuch", "is not a trained method"),
        ("weighted:x", "'x' is not a number"),
    ],
)
def test_a_method_that_is_nowhere_is_told_when_opening(
    folder: Path, monkeypatch: pytest.MonkeyPatch, method: str, said: str
) -> None:
    monkeypatch.setattr("sightword.backbones.load_backbone", lambda *_, **__: pytest.fail("loaded"))
    with pytest.raises(SightwordError) as caught:
        sightword.open(folder, method=method)
    assert said in str(caught.value)


def test_names_that_may_exist_pass(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "models" / "methods" / "some" / "mine"
    own.mkdir(parents=True)
    (own / "config.json").write_text("{}")
    monkeypatch.setenv("SIGHTWORD_MODELS", str(tmp_path / "models"))
    for name in ("default", "weighted:0.3", "lincir+pdv", "searle-oti", "mine", "hf-hub:owner/name"):
        assert sightword.open(folder, method=name).method == name


def test_a_method_of_another_backbone_is_told_before_the_folder_is_read(
    folder: Path, tiny_backbone: Any, tiny_phi_dir: Path, tmp_path: Path
) -> None:
    foreign = shutil.copytree(tiny_phi_dir, tmp_path / "foreign")
    config = (foreign / "config.json").read_text()
    (foreign / "config.json").write_text(config.replace(tiny_backbone.spec.weights_hash, "0" * 64))
    with sightword.open(folder, backbone=tiny_backbone, method=str(foreign)) as engine:
        with pytest.raises((ModelMismatch, ModelUnavailable)):
            engine.update()
        assert not engine.indexed
    assert not (folder / ".sightword").exists()
