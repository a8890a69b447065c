"""``models list``, ``info``, ``add`` and ``remove``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tiny import D, W, write_tiny_backbone


@pytest.fixture
def backbone(tmp_path: Path) -> Path:
    return write_tiny_backbone(tmp_path / "export", name="little/one")


def listed(run) -> dict[str, dict[str, object]]:
    return {entry["name"]: entry for entry in json.loads(run("models", "list", "--json").stdout)["models"]}


def write_phi(directory: Path, weights_hash: str, name: str = "little/one") -> Path:
    from safetensors.numpy import save_file

    directory.mkdir()
    rng = np.random.default_rng(0)
    save_file(
        {
            "layers.0.weight": rng.normal(size=(8, D)).astype(np.float32),
            "layers.0.bias": np.zeros(8, np.float32),
            "layers.1.weight": rng.normal(size=(W, 8)).astype(np.float32),
            "layers.1.bias": np.zeros(W, np.float32),
        },
        str(directory / "model.safetensors"),
    )
    config = {
        "schema": 1,
        "kind": "phi",
        "method": "pic2word",
        "activation": "relu",
        "dim": D,
        "token_dim": W,
        "tokens": 1,
        "backbone": {"name": name, "weights_hash": weights_hash},
    }
    (directory / "config.json").write_text(json.dumps(config))
    (directory / "README.md").write_text("made for a test\n")
    return directory


def weights_hash(backbone: Path) -> str:
    return str(json.loads((backbone / "backbone.json").read_text())["weights_hash"])


def test_training_free_methods_are_listed(run) -> None:
    assert {"image", "text", "average", "weighted", "slerp"} <= set(listed(run))
    assert "average" in run("models", "list").stdout


def test_a_backbone_is_added_used_shown_and_removed(run, backbone: Path, folder: Path, environ) -> None:
    (backbone / "stray.txt").write_text("not part of it")
    assert run("models", "add", backbone).stdout == "Added the backbone little/one.\n"
    home = Path(environ["SIGHTWORD_MODELS"])
    assert not list(home.rglob("stray.txt")) and not list(home.rglob(".arriving*"))
    assert listed(run)["little/one"]["shipped"] is False
    shutil.rmtree(backbone)
    assert run("search", folder, "red", "--backbone", "little/one").exit_code == 0
    facts = json.loads(run("models", "info", "little/one", "--json").stdout)
    assert (facts["dim"], facts["licence"]) == (D, "Apache-2.0")
    assert facts["golden_vectors"] > 0
    assert "tokenizer.json" in facts["files"]
    assert "Apache-2.0" in run("models", "info", "little/one").stdout
    assert run("models", "remove", "little/one").stdout == "Removed the backbone little/one.\n"
    assert "little/one" not in listed(run)


def test_adding_twice_is_refused(run, backbone: Path) -> None:
    run("models", "add", backbone)
    again = run("models", "add", backbone)
    assert again.exit_code == 2
    assert "already" in again.stderr


def test_a_damaged_backbone_is_refused_and_leaves_nothing(run, backbone: Path, environ) -> None:
    data = bytearray((backbone / "text.bin").read_bytes())
    data[-1] ^= 1
    (backbone / "text.bin").write_bytes(bytes(data))
    result = run("models", "add", backbone)
    assert result.exit_code == 4
    assert "text.bin is damaged" in result.stderr
    assert not list(Path(environ["SIGHTWORD_MODELS"]).rglob("backbone.json"))


def test_a_backbone_that_answers_wrongly_is_refused(run, backbone: Path, environ) -> None:
    card = json.loads((backbone / "backbone.json").read_text())
    card["golden"]["images"][0]["feature"] = [-x for x in card["golden"]["images"][0]["feature"]]
    (backbone / "backbone.json").write_text(json.dumps(card))
    result = run("models", "add", backbone)
    assert result.exit_code == 4
    assert "golden vector" in result.stderr
    assert not list(Path(environ["SIGHTWORD_MODELS"]).rglob("backbone.json"))
    assert not list(Path(environ["SIGHTWORD_MODELS"]).rglob(".arriving*"))


@pytest.mark.parametrize("name", ["../../outside", "sub/file", "/etc/hostname"])
def test_a_card_cannot_name_files_outside(run, backbone: Path, name: str) -> None:
    card = json.loads((backbone / "backbone.json").read_text())
    card["files"][name] = {"bytes": 1, "sha256": "0" * 64}
    (backbone / "backbone.json").write_text(json.dumps(card))
    result = run("models", "add", backbone)
    assert result.exit_code == 4
    assert "not a plain file in it" in result.stderr


@pytest.mark.parametrize("name", ["starter", "../evil", "a/b/c", ""])
def test_a_backbone_cannot_take_a_strange_name(run, tmp_path: Path, name: str) -> None:
    result = run("models", "add", write_tiny_backbone(tmp_path / "strange", name=name))
    assert result.exit_code == 2
    assert "cannot be installed under the name" in result.stderr


def test_a_method_is_added_for_its_backbone_and_used(
    run, backbone: Path, folder: Path, tmp_path: Path
) -> None:
    phi = write_phi(tmp_path / "my-phi", weights_hash(backbone))
    early = run("models", "add", phi)
    assert early.exit_code == 4
    assert "little/one" in early.stderr
    run("models", "add", backbone)
    assert run("models", "add", phi).stdout == "Added the method my-phi.\n"
    assert listed(run)["my-phi"]["backbone"] == "little/one"
    shutil.rmtree(phi)
    found = run(
        "search",
        folder,
        "blue",
        "--image",
        folder / "red.png",
        "--backbone",
        "little/one",
        "--method",
        "my-phi",
    )
    assert found.exit_code == 0, found.stderr
    assert json.loads(run("models", "info", "my-phi", "--json").stdout)["activation"] == "relu"
    assert run("models", "remove", "my-phi").exit_code == 0
    assert "my-phi" not in listed(run)


def test_a_method_may_get_a_name_but_not_a_taken_one(run, backbone: Path, tmp_path: Path) -> None:
    run("models", "add", backbone)
    phi = write_phi(tmp_path / "phi", weights_hash(backbone))
    assert run("models", "add", phi, "--name", "average").exit_code == 2
    assert run("models", "add", phi, "--name", "../x").exit_code == 2
    assert run("models", "add", phi, "--name", "mine").exit_code == 0
    assert "mine" in listed(run)


def test_what_is_no_model_is_told(run, tmp_path: Path) -> None:
    assert run("models", "add", tmp_path).exit_code == 4
    assert run("models", "info", "nothing").exit_code == 4
    assert run("models", "remove", "nothing").exit_code == 4
    own = run("models", "remove", "average")
    assert own.exit_code == 2
    assert "cannot be removed" in own.stderr
