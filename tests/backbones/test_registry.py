"""Names of backbones become directories."""

from __future__ import annotations

from pathlib import Path

import pytest

from sightword.backbones import load_backbone
from sightword.backbones.registry import models_home, resolve
from sightword.errors import ModelUnavailable
from tiny import write_tiny_backbone


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SIGHTWORD_MODELS", str(tmp_path / "models"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_installed_names_and_paths(home: Path) -> None:
    installed = write_tiny_backbone(models_home() / "backbones" / "family--tag", name="family/tag")
    assert models_home() == home / "models"
    assert resolve("family/tag") == installed
    assert load_backbone("family/tag").spec.name == "family/tag"
    assert resolve(str(installed)) == installed


def test_a_bare_word_is_never_a_folder_of_the_working_directory(home: Path) -> None:
    write_tiny_backbone(home / "mine")
    with pytest.raises(ModelUnavailable, match="no backbone 'mine'"):
        resolve("mine")
    assert resolve("./mine") == Path("./mine")


@pytest.mark.parametrize("name", ["nothing", "../models", "/nowhere", "", "a/b/c", "~nobody/x"])
def test_unknown_names_come_with_the_next_step(home: Path, name: str) -> None:
    with pytest.raises(ModelUnavailable) as caught:
        load_backbone(name)
    assert "sightword models" in str(caught.value)


@pytest.mark.parametrize("name", ["ViT-L-14/openai", "RN50/openai", "hf-hub:apple/MobileCLIP-S2"])
def test_names_that_must_be_fetched_say_so(home: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelUnavailable, match=r"hf download|sightword\[torch\]"):
        load_backbone(name, cache=home)


def test_the_user_data_directory_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SIGHTWORD_MODELS", raising=False)
    assert models_home().name == "models" and "sightword" in str(models_home())
