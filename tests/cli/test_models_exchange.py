"""``models export``, ``import`` and ``push``, and searching without torch afterwards."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is an extra")

import torch

from fake_hub import FakeHub, serve
from sightword.backbones import load_backbone
from sightword.methods.phi import Phi
from tiny import D, W
from tiny_clip import folder as clip_folder

pytestmark = pytest.mark.slow

NO_TORCH = """
import sys
from itertools import pairwise
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "open_clip", "transformers", "timm", "onnx"):
            raise ImportError(name + " is blocked")
sys.meta_path.insert(0, Blocked())
from sightword.cli import main
main()
"""


def without_torch(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", NO_TORCH, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_export_add_and_search_without_torch(run, folder: Path, tmp_path: Path) -> None:
    source = clip_folder(tmp_path / "made", "none-eot")
    out = run("models", "export", f"{source}", "--to", tmp_path / "portable", "--json")
    assert out.exit_code == 0, out.stderr
    told = json.loads(out.stdout)
    assert told["cosine"] >= 0.9999 and told["compared"] >= 15 and told["name"] == "made"
    assert not list(tmp_path.glob(".export-*"))
    files = {path.name for path in (tmp_path / "portable").iterdir()}
    assert files == {"README.md", "backbone.json", "image.onnx", "text.onnx", "token_embedding.safetensors",
                     "tokenizer.json"}  # fmt: skip
    again = run("models", "export", f"{source}", "--to", tmp_path / "portable")
    assert again.exit_code == 2 and "not empty" in again.stderr

    original = load_backbone(str(source), device="cpu")
    assert load_backbone(f"{tmp_path}/portable").spec.weights_hash == original.spec.weights_hash
    phi = _phi_for(tmp_path / "phi", original.spec)
    shutil.rmtree(source)
    assert without_torch("models", "add", tmp_path / "portable").returncode == 0
    assert without_torch("models", "add", phi, "--name", "mine").returncode == 0
    picture = next(folder.glob("*.png"))
    for method in ("average", "mine"):
        found = without_torch("search", folder, "a red dog", "--image", picture, "--backbone", "made",
                              "--method", method, "--json")  # fmt: skip
        assert found.returncode == 0, found.stderr
        assert len(json.loads(found.stdout)["hits"]) > 3


def _phi_for(directory: Path, spec) -> Path:
    from sightword.training.save import save_phi

    rng = np.random.default_rng(0)
    shapes = [(8, spec.dim), (spec.token_dim, 8)]
    layers = [(rng.normal(0, 0.3, s).astype(np.float32), np.zeros(s[0], np.float32)) for s in shapes]
    return save_phi(directory, layers, method="pic2word", activation="relu", tokens=1, spec=spec, training={})


def test_export_refuses_what_it_cannot_do(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    for name, code, sentence in [
        ("coca_ViT-B-32/laion2b_s13b_b90k", 4, "is a CoCa"),
        ("ViT-B-32/nothing", 4, "knows no weights 'nothing'"),
        ("ViT-B-33/openai", 4, "has no model 'ViT-B-33'"),
        ("starter", 2, "portable already"),
    ]:
        done = run("models", "export", name, "--to", tmp_path / "out")
        assert done.exit_code == code and sentence in done.stderr, done.stderr
        assert not (tmp_path / "out").exists()


def test_import_use_and_export_a_phi(run, tiny_backbone_dir: Path, folder: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    sizes = [D, 4 * D, 4 * D, W]
    tensors = {}
    for index, (a, b) in enumerate(pairwise(sizes)):
        tensors[f"layers.{3 * index}.weight"] = torch.randn(b, a) * 0.1
        tensors[f"layers.{3 * index}.bias"] = torch.randn(b) * 0.1
    torch.save({"epoch": 5, "Phi": tensors}, tmp_path / "lincir_tiny.pt")
    done = run("models", "import", tmp_path / "lincir_tiny.pt", "--out", tmp_path / "phi")
    assert done.exit_code == 0, done.stderr
    assert "Wrote the lincir for tiny" in done.stdout
    again = run("models", "import", tmp_path / "lincir_tiny.pt", "--out", tmp_path / "phi")
    assert again.exit_code == 2 and "holds a finished result already" in again.stderr
    picture = next(folder.glob("*.png"))
    found = run("search", folder, "is dark", "--image", picture, "--method", f"{tmp_path}/phi", "--json")
    assert found.exit_code == 0, found.stderr
    done = run("models", "export", f"{tmp_path}/phi", "--format", "lincir", "--to", tmp_path / "back.pt")
    assert done.exit_code == 0, done.stderr
    back = torch.load(tmp_path / "back.pt", weights_only=True)["Phi"]
    assert all(torch.equal(back[name], tensors[name]) for name in tensors)


def test_a_phi_of_another_backbone_is_noticed(run, tiny_phi_dir: Path, tmp_path: Path) -> None:
    """Of the right sizes both: one whose words are the pictures' colours, one that turns them round."""
    from safetensors.torch import load_file

    tensors = load_file(tiny_phi_dir / "model.safetensors")
    names = {"layers.0": "layers.0.0", "layers.1": "fc_out"}
    for sign, told in (
        (1, "Its words mean the pictures"),
        (-1, "Warning: its words say no more of a picture"),
    ):
        layers = {}
        for name, tensor in tensors.items():
            layer, _, part = name.rpartition(".")
            layers[f"module.{names[layer]}.{part}"] = sign * tensor if layer == "layers.1" else tensor
        file, out = tmp_path / f"epoch{sign}.pt", tmp_path / f"phi{sign}"
        torch.save({"epoch": 1, "state_dict_img2text": layers}, file)
        done = run("models", "import", file, "--out", out, "--json")
        assert done.exit_code == 0, done.stderr
        meaning = json.loads(done.stdout)["meaning"]
        assert (meaning["cosine"] > meaning["random"]) is (sign == 1)
        assert told in done.stderr


def test_an_imported_combiner_answers_queries(run, folder: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    shapes = {"text_projection_layer": (8, D), "image_projection_layer": (8, D), "combiner_layer": (9, 16),
              "output_layer": (D, 9), "dynamic_scalar.0": (9, 16), "dynamic_scalar.3": (1, 9)}  # fmt: skip
    tensors = {f"{n}.weight": torch.randn(s) for n, s in shapes.items()}
    tensors |= {f"{n}.bias": torch.randn(s[0]) for n, s in shapes.items()}
    torch.save({"epoch": 1, "Combiner": tensors}, tmp_path / "c.pt")
    assert run("models", "import", tmp_path / "c.pt", "--out", tmp_path / "combiner").exit_code == 0
    picture = next(folder.glob("*.png"))
    method = ["--method", f"{tmp_path}/combiner"]
    found = run("search", folder, "dark", "--image", picture, *method, "--without", "red", "--json")
    assert found.exit_code == 0, found.stderr
    assert len(json.loads(found.stdout)["hits"]) > 3


@pytest.mark.parametrize("backbone", [None, "ViT-L-14/openai"])
def test_the_papers_backbone_is_the_default(run, tmp_path: Path, monkeypatch, backbone: str | None) -> None:
    monkeypatch.delenv("SIGHTWORD_BACKBONE")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    tensors = {"layers.0.weight": torch.zeros(4, 768), "layers.0.bias": torch.zeros(4)}
    torch.save({"Phi": tensors}, tmp_path / "SEARLE_ViT-L14.pt")
    options = ["--backbone", backbone] if backbone else []
    done = run("models", "import", tmp_path / "SEARLE_ViT-L14.pt", "--out", tmp_path / "phi", *options)
    assert done.exit_code == 4
    assert "weights of ViT-L-14/openai" in done.stderr and "hf download timm/" in done.stderr


def hub_process(hub: FakeHub, tmp_path: Path, *arguments: str | Path, code: str | None = None):
    own = {"HF_ENDPOINT": hub.address, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_DISABLE_XET": "1"}
    own |= {"HF_TOKEN": "secret", "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_TELEMETRY": "1"}
    command = [sys.executable, *(["-c", code] if code else ["-m", "sightword"]), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **own}, timeout=120)


def test_push_and_from_pretrained(environ, tiny_phi_dir: Path, tmp_path: Path) -> None:
    directory = tmp_path / "phi"
    shutil.copytree(tiny_phi_dir, directory)
    (directory / "private.txt").write_text("not part of it")
    hub = FakeHub()
    hub.token = "secret"
    load = "import sys; from sightword.methods.phi import Phi; print(Phi.from_pretrained({}).config['dim'])"
    with serve(hub):
        done = hub_process(hub, tmp_path, "models", "push", directory, "me/phi", "--private")
        assert done.returncode == 0, done.stderr
        assert hub.repositories["me/phi"].keys() == {"README.md", "config.json", "model.safetensors"}
        hub.token = "another"
        done = hub_process(hub, tmp_path, "models", "push", directory, "me/phi")
        assert done.returncode == 4 and "does not let you write" in done.stderr
        assert "Traceback" not in done.stderr
        done = hub_process(hub, tmp_path, code=load.format("'me/phi', revision='main'"))
        assert done.stdout == f"{D}\n", done.stderr
        done = hub_process(hub, tmp_path, code=load.format("'me/none'"))
        assert "no repository me/none" in done.stderr
        before = len(hub.asked)
        done = hub_process(hub, tmp_path, code=load.format("'me/phi', local_files_only=True"))
        assert done.stdout == f"{D}\n", done.stderr
        assert len(hub.asked) == before
    done = hub_process(hub, tmp_path, code=load.format("'me/other', local_files_only=True"))
    assert "Not here: the phi me/other" in done.stderr and "hf download me/other" in done.stderr


def test_a_portable_backbone_through_the_hub(
    environ, tiny_backbone_dir: Path, folder: Path, tmp_path: Path
) -> None:
    hub = FakeHub()
    with serve(hub):
        done = hub_process(hub, tmp_path, "models", "push", tiny_backbone_dir, "me/tiny")
        assert done.returncode == 0, done.stderr
        done = hub_process(hub, tmp_path, "search", folder, "red", "--backbone", "hf-hub:me/tiny", "--json")
        assert done.returncode == 0, done.stderr
    damaged = tmp_path / "damaged"
    shutil.copytree(tiny_backbone_dir, damaged)
    (damaged / "text.bin").write_bytes(b"x")
    done = hub_process(hub, tmp_path, "models", "push", damaged, "me/tiny")
    assert done.returncode == 4 and "text.bin is damaged" in done.stderr


def test_phi_of_a_directory_is_from_pretrained_too(tiny_phi_dir: Path) -> None:
    assert Phi.from_pretrained(tiny_phi_dir).tokens == 1
