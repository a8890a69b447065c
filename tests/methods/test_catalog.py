"""Names of methods."""

from __future__ import annotations

from pathlib import Path

import pytest

from sightword.backbones import Backbone
from sightword.backbones.registry import models_home
from sightword.errors import ModelMismatch, ModelUnavailable, UsageError
from sightword.methods import list_methods, load_method
from sightword.methods.catalog import DEFAULTS, default_name
from tiny import write_tiny_phi


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SIGHTWORD_MODELS", str(tmp_path / "models"))
    return models_home() / "methods" / "tiny"


def test_training_free_methods_are_always_there(home: Path, tiny_backbone: Backbone) -> None:
    infos = list_methods(tiny_backbone)
    assert [info.name for info in infos] == ["average", "direction", "image", "slerp", "text", "weighted"]
    assert not any(info.trained for info in infos) and all(info.summary for info in infos)
    assert list_methods() == infos


def test_trained_methods_of_the_backbone_are_found(home: Path, tiny_backbone: Backbone) -> None:
    write_tiny_phi(home / "mine", tiny_backbone.spec.weights_hash)
    write_tiny_phi(home.with_name("other") / "theirs", "0" * 64)
    found = [info for info in list_methods(tiny_backbone) if info.trained]
    assert [(info.name, info.directory) for info in found] == [("mine", home / "mine")]
    assert load_method("mine", backbone=tiny_backbone).name == "pic2word"
    assert load_method("mine+pdv", backbone=tiny_backbone, beta=0.5).name == "pic2word+pdv"


def test_default_takes_what_the_backbone_has(
    home: Path, tiny_backbone: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert DEFAULTS[-1] in {info.name for info in list_methods()}
    assert default_name(tiny_backbone) == load_method(backbone=tiny_backbone).name == DEFAULTS[-1]
    monkeypatch.setattr("sightword.methods.catalog.DEFAULTS", ("trained+pdv", "average"))
    assert default_name(tiny_backbone) == "average"
    write_tiny_phi(home / "trained", tiny_backbone.spec.weights_hash)
    assert default_name(tiny_backbone) == "trained+pdv"


def test_a_head_of_ones_own_is_no_default(home: Path, tiny_backbone: Backbone) -> None:
    write_tiny_phi(home / "tuned", tiny_backbone.spec.weights_hash)
    assert default_name(tiny_backbone) == "direction"
    write_tiny_phi(home / "pic2word", tiny_backbone.spec.weights_hash)
    assert default_name(tiny_backbone) == "pic2word+pdv"


def test_an_option_that_a_method_does_not_take_is_named(tiny_backbone: Backbone) -> None:
    with pytest.raises(UsageError, match=r"^The method average does not take these options: beta\.$"):
        load_method("average", backbone=tiny_backbone, beta=0.5)


def test_a_phi_for_other_weights_is_refused(home: Path, tiny_backbone: Backbone) -> None:
    write_tiny_phi(home / "mine", "0" * 64)
    with pytest.raises(ModelMismatch, match="mine was trained for"):
        load_method("mine", backbone=tiny_backbone)


def test_a_method_of_an_unknown_kind_is_refused(home: Path, tiny_backbone: Backbone) -> None:
    write_tiny_phi(home / "mine", tiny_backbone.spec.weights_hash, method="later")
    with pytest.raises(ModelUnavailable, match="'later'"):
        load_method("mine", backbone=tiny_backbone)


@pytest.mark.parametrize("name", ["nothing", "", "+pdv", "average+pdv+pdv", "pic2word"])
def test_unknown_names_come_with_the_known_ones(home: Path, tiny_backbone: Backbone, name: str) -> None:
    with pytest.raises((ModelUnavailable, UsageError)) as caught:
        load_method(name, backbone=tiny_backbone)
    assert "average" in str(caught.value) or "pdv" in str(caught.value)


def test_pdv_needs_pseudo_words(home: Path, tiny_backbone: Backbone) -> None:
    with pytest.raises(UsageError, match="no pseudo-words"):
        load_method("average+pdv", backbone=tiny_backbone)


@pytest.mark.parametrize(("name", "options"), [("average", {"weight": 1}), ("slerp", {"fraction": 2})])
def test_options_are_checked(tiny_backbone: Backbone, name: str, options: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(options))):
        load_method(name, backbone=tiny_backbone, **options)


@pytest.mark.parametrize("name", ["./phi", "/nowhere/phi", "~/no/phi"])
def test_paths_that_hold_no_method(tiny_backbone: Backbone, name: str) -> None:
    with pytest.raises(ModelUnavailable, match="not a trained method"):
        load_method(name, backbone=tiny_backbone)


def test_a_damaged_method_does_not_hide_the_others(home: Path, tiny_backbone: Backbone) -> None:
    write_tiny_phi(home / "broken", tiny_backbone.spec.weights_hash, kind="x")
    write_tiny_phi(home / "mine", tiny_backbone.spec.weights_hash)
    infos = {info.name: info for info in list_methods(tiny_backbone)}
    assert "not describe a phi" in infos["broken"].summary
    assert infos["mine"].summary.startswith("Pic2Word")


def test_descent_is_offered_where_the_text_tower_can_be_read(
    home: Path, tiny_backbone: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "text.safetensors").write_bytes(b"")
    twin = type("Twin", (), {"spec": tiny_backbone.spec, "directory": tmp_path})()
    monkeypatch.setattr("sightword.methods.oti.find_spec", lambda name: object())
    assert "searle-oti" in {info.name for info in list_methods(twin)}
    assert "searle-oti" not in {info.name for info in list_methods(tiny_backbone)}
    assert load_method("searle-oti", backbone=tiny_backbone).needs == {"torch"}
    monkeypatch.setattr("sightword.methods.oti.find_spec", lambda name: None)
    assert "searle-oti" not in {info.name for info in list_methods(twin)}
