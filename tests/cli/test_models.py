"""``models list``, ``info``, ``add`` and ``remove``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from sightword.methods.catalog import SHIPPED
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


def write_oti(directory: Path, weights_hash: str, name: str = "little/one") -> Path:
    from safetensors.numpy import save_file

    directory.mkdir()
    rng = np.random.default_rng(0)
    tensors = {"tokens": rng.normal(size=(3, 1, W)), "features": rng.normal(size=(3, D))}
    save_file({k: v.astype(np.float32) for k, v in tensors.items()}, str(directory / "model.safetensors"))
    owner = {"name": name, "weights_hash": weights_hash}
    config = {"schema": 1, "kind": "oti", "method": "searle-oti", "dim": D, "token_dim": W, "tokens": 1}
    (directory / "config.json").write_text(json.dumps({**config, "backbone": owner}))
    (directory / "names.txt").write_text("a.jpg\nb.jpg\nc.jpg\n")
    return directory


def test_a_shipped_method_cannot_be_hidden_behind_another(run, tmp_path: Path) -> None:
    """The shipped one is found first, so one's own would be kept and never asked."""
    own = tmp_path / "tuned"
    shutil.copytree(SHIPPED / "starter" / "pic2word", own)
    refused = run("models", "add", own)
    assert refused.exit_code == 2
    assert "comes with a method 'tuned'" in refused.stderr and "--name" in refused.stderr
    assert run("models", "add", own, "--name", "mine").exit_code == 0


@pytest.mark.parametrize("name", ["words", "searle-oti"])
def test_remembered_pseudo_words_are_added_listed_and_shown(
    run, backbone: Path, tmp_path: Path, environ, name: str
) -> None:
    run("models", "add", backbone)
    oti = write_oti(tmp_path / name, weights_hash(backbone))
    done = run("models", "add", oti)
    assert done.exit_code == 0 and done.stdout == f"Added the method {name}.\n", done.stderr
    assert listed(run)[name]["directory"].endswith(name)
    assert next(Path(environ["SIGHTWORD_MODELS"]).glob(f"methods/*/{name}/names.txt")).is_file()
    assert json.loads(run("models", "info", name, "--json").stdout)["kind"] == "oti"
    damaged = write_oti(tmp_path / "damaged", weights_hash(backbone))
    (damaged / "names.txt").write_text("one\n")
    refused = run("models", "add", damaged)
    assert refused.exit_code == 4 and "contradict each other" in refused.stderr
    exported = run("models", "export", name, "--format", "searle", "--to", tmp_path / "x.pt")
    assert exported.exit_code == 2 and "is not a phi" in exported.stderr


def test_installed_pseudo_words_answer_under_the_methods_own_name(
    run, backbone: Path, tmp_path: Path
) -> None:
    from sightword.backbones import load_backbone
    from sightword.methods import load_method
    from sightword.methods.oti import load_oti

    run("models", "add", backbone)
    run("models", "add", write_oti(tmp_path / "searle-oti", weights_hash(backbone)))
    known = load_oti(tmp_path / "searle-oti")
    method = load_method("searle-oti", backbone=load_backbone("little/one"))
    np.testing.assert_array_equal(method.phi(known.features[1:2])[0], known.tokens[1])


def test_a_directory_here_is_hinted_at(
    run, backbone: Path, folder: Path, tmp_path: Path, monkeypatch
) -> None:
    run("models", "add", backbone)
    write_phi(tmp_path / "phi1", weights_hash(backbone))
    monkeypatch.chdir(tmp_path)
    for words in (
        ["models", "export", "phi1", "--to", "out"],
        ["models", "export", "phi1", "--format", "pic2word", "--to", "out.pt"],
        ["search", folder, "red", "--image", folder / "red.png", "--method", "phi1"],
        ["search", folder, "red", "--backbone", "phi1"],
    ):
        done = run(*words)
        assert done.exit_code == 4 and "For the directory here write ./phi1." in done.stderr, done.stderr


def test_exporting_a_method_as_a_backbone_says_what_to_write(run, backbone: Path, tmp_path: Path) -> None:
    run("models", "add", backbone)
    run("models", "add", write_phi(tmp_path / "phi1", weights_hash(backbone)))
    done = run("models", "export", "phi1", "--to", tmp_path / "out")
    assert done.exit_code == 2
    assert "phi1 is a trained method" in done.stderr and "--format searle, lincir or pic2word" in done.stderr
    wrong = run("models", "export", "phi1", "--format", "searle", "--to", tmp_path / "out")
    assert wrong.exit_code == 4 and "It fits --format pic2word." in wrong.stderr


def test_a_directory_is_shown_without_being_added(
    run, backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_phi(tmp_path / "phi1", weights_hash(backbone))
    monkeypatch.chdir(tmp_path)
    for place in ("./phi1", str(tmp_path / "phi1")):
        facts = json.loads(run("models", "info", place, "--json").stdout)
        assert (facts["kind"], facts["name"]) == ("phi", "phi1") and facts["shipped"] is False
        assert facts["backbone"]["name"] == "little/one" and facts["bytes"] > 0
    assert "pic2word" in run("models", "info", "./phi1").stdout
    facts = json.loads(run("models", "info", "./export", "--json").stdout)
    assert (facts["kind"], facts["name"], facts["dim"]) == ("backbone", "little/one", D)
    assert "tokenizer.json" in facts["files"]
    write_oti(tmp_path / "words", weights_hash(backbone))
    assert json.loads(run("models", "info", "./words", "--json").stdout)["method"] == "searle-oti"
    (tmp_path / "empty").mkdir()
    for name, told in (("./empty", "is no model"), ("./nowhere", "There is no model './nowhere'")):
        done = run("models", "info", name)
        assert done.exit_code == 4 and told in done.stderr
    (tmp_path / "phi1" / "config.json").write_text("{")
    done = run("models", "info", "./phi1")
    assert done.exit_code == 4 and "cannot be read" in done.stderr


def test_what_is_no_model_is_told(run, tmp_path: Path) -> None:
    assert run("models", "add", tmp_path).exit_code == 4
    assert run("models", "info", "nothing").exit_code == 4
    assert run("models", "remove", "nothing").exit_code == 4
    own = run("models", "remove", "average")
    assert own.exit_code == 2
    assert "cannot be removed" in own.stderr
