"""A phi directory is written whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sightword.backbones import Backbone
from sightword.errors import ModelUnavailable, UsageError
from sightword.methods.phi import Phi
from sightword.training.save import save_phi
from tiny import D, W

LAYERS = [
    (np.full((5, D), 0.1, np.float32), np.zeros(5, np.float32)),
    (np.ones((W, 5), np.float32), np.ones(W, np.float32)),
]


def save(directory: Path, backbone: Backbone, layers: list = LAYERS, **options: object) -> Path:  # type: ignore[type-arg]
    return save_phi(
        directory, layers, method="pic2word", activation="relu", tokens=1, spec=backbone.spec,
        training={"curve": [[0, 1.0]]}, **options,
    )  # type: ignore[arg-type]  # fmt: skip


def test_round_trip(tmp_path: Path, tiny_backbone: Backbone) -> None:
    directory = save(tmp_path / "deep" / "phi", tiny_backbone, description="Drawn by hand.")
    phi = Phi.load(directory)
    np.testing.assert_allclose(phi(np.ones((2, D), np.float32)), 0.1 * D * 5 + 1, rtol=1e-5)
    phi.check(tiny_backbone.spec, "phi")
    card = (directory / "README.md").read_text()
    assert (
        "Drawn by hand." in card and tiny_backbone.spec.weights_hash[:16] in card and "16 -> 5 -> 12" in card
    )
    assert json.loads((directory / "training.json").read_text()) == {"curve": [[0, 1.0]]}


def test_half_precision_reads_back_as_float32(tmp_path: Path, tiny_backbone: Backbone) -> None:
    full, half = (save(tmp_path / name, tiny_backbone, half=name == "half") for name in ("full", "half"))
    assert (half / "model.safetensors").stat().st_size < (full / "model.safetensors").stat().st_size
    phi = Phi.load(half)
    assert phi.layers[0][0].dtype == np.float32
    np.testing.assert_allclose(
        phi(np.ones((1, D), np.float32)), Phi.load(full)(np.ones((1, D), np.float32)), rtol=1e-2
    )


def test_an_earlier_phi_is_replaced_and_nothing_else(tmp_path: Path, tiny_backbone: Backbone) -> None:
    directory = save(tmp_path / "phi", tiny_backbone)
    (directory / "note.txt").write_text("old")
    save(directory, tiny_backbone)
    assert not (directory / "note.txt").exists()
    other = tmp_path / "photos"
    other.mkdir()
    (other / "cat.png").write_bytes(b"")
    with pytest.raises(UsageError, match="not empty"):
        save(other, tiny_backbone)
    assert (other / "cat.png").exists()


def test_what_cannot_be_read_back_replaces_nothing(tmp_path: Path, tiny_backbone: Backbone) -> None:
    directory = save(tmp_path / "phi", tiny_backbone)
    before = (directory / "model.safetensors").read_bytes()
    with pytest.raises(ModelUnavailable):
        save(directory, tiny_backbone, [LAYERS[0]])
    assert (directory / "model.safetensors").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["phi"]


def test_a_failed_swap_puts_the_old_one_back(
    tmp_path: Path, tiny_backbone: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = save(tmp_path / "phi", tiny_backbone)
    replace = Path.replace

    def fail(self: Path, target: Path) -> Path:
        if self.name.startswith(".phi-"):
            raise OSError("no space left")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="no space"):
        save(directory, tiny_backbone)
    Phi.load(directory)
    assert [path.name for path in tmp_path.iterdir()] == ["phi"]
