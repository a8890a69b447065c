"""Released checkpoints: the exact layouts in, our directory out, and back."""

from __future__ import annotations

import pathlib
from collections import OrderedDict
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is an extra")

import torch
from torch import nn

from sightword.backbones import Backbone
from sightword.errors import ModelMismatch, ModelUnavailable, UsageError
from sightword.methods.combiner import CombinerNetwork
from sightword.methods.phi import Phi
from sightword.training.released.exporting import export_phi
from sightword.training.released.importing import import_released, read_released
from tiny import D, W

pytestmark = pytest.mark.slow

H = 20


class SearlePhi(nn.Module):
    """The network whose ``state_dict`` SEARLE and LinCIR save."""

    def __init__(self, dim: int, hidden: int, out: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(dim, hidden), nn.GELU(), nn.Dropout(0.5),
            nn.Linear(hidden, hidden), nn.GELU(), nn.Dropout(0.5),
            nn.Linear(hidden, out),
        )  # fmt: skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


class Im2Text(nn.Module):
    """The network whose ``state_dict`` Pic2Word saves."""

    def __init__(self, dim: int, hidden: int, out: int, count: int = 2) -> None:
        super().__init__()
        self.fc_out = nn.Linear(hidden, out)
        sizes = [dim] + [hidden] * count
        self.layers = nn.Sequential(
            *[nn.Sequential(nn.Linear(a, b), nn.Dropout(0.1), nn.ReLU()) for a, b in pairwise(sizes)]
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc_out(self.layers(x))


def searle(path: Path, dim: int = D, out: int = W) -> SearlePhi:
    network = SearlePhi(dim, 4 * dim, out).eval()
    torch.save({"epoch": 99, "Phi": network.state_dict()}, path)
    return network


def pic2word(path: Path, dim: int = D, out: int = W, count: int = 2) -> Im2Text:
    network = Im2Text(dim, H, out, count).eval()
    wrapped = OrderedDict((f"module.{name}", value) for name, value in network.state_dict().items())
    clip = OrderedDict({"module.logit_scale": torch.tensor(4.6), "module.visual.proj": torch.zeros(3, 3)})
    optimiser = torch.optim.AdamW(network.parameters()).state_dict()
    torch.save(
        {
            "epoch": 7,
            "name": "run",
            "state_dict": clip,
            "state_dict_img2text": wrapped,
            "optimizer": optimiser,
        },
        path,
    )
    return network


def features(count: int = 9, dim: int = D) -> np.ndarray:
    return np.random.default_rng(3).normal(0, 2.5, (count, dim)).astype(np.float32)


def answers(network: nn.Module, x: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return network(torch.from_numpy(x)).numpy()


@pytest.mark.parametrize(("write", "method", "name"), [
    (searle, "searle", "SEARLE_ViT-B32.pt"),
    (searle, "lincir", "lincir_large.pt"),
    (pic2word, "pic2word", "epoch_30.pt"),
])  # fmt: skip
def test_import_answers_as_the_original_and_exports_back(
    tiny_backbone: Backbone, tmp_path: Path, write, method: str, name: str
) -> None:
    torch.manual_seed(1)
    network = write(tmp_path / name)
    done = import_released(tmp_path / name, tiny_backbone.spec, tmp_path / "phi")
    assert (done.method, done.backbone) == (method, "tiny") and done.difference < 1e-5
    phi = Phi.load(tmp_path / "phi")
    phi.check(tiny_backbone.spec, "it")
    np.testing.assert_allclose(phi(features())[:, 0], answers(network, features()), atol=1e-5)

    layout = "pic2word" if method == "pic2word" else "searle"
    back = torch.load(export_phi(phi, layout, tmp_path / "back.pt"), weights_only=True)
    first = torch.load(tmp_path / name, weights_only=True)
    branch = "state_dict_img2text" if layout == "pic2word" else "Phi"
    assert list(back[branch]) and back[branch].keys() == first[branch].keys()
    assert all(torch.equal(back[branch][key], first[branch][key]) for key in first[branch])
    stripped = {key.removeprefix("module."): value for key, value in back[branch].items()}
    network.load_state_dict(stripped)  # the reference code's own way in


@pytest.mark.parametrize("count", [1, 3])
def test_any_number_of_layers(tiny_backbone: Backbone, tmp_path: Path, count: int) -> None:
    network = pic2word(tmp_path / "a.pt", count=count)
    import_released(tmp_path / "a.pt", tiny_backbone.spec, tmp_path / "phi")
    phi = Phi.load(tmp_path / "phi")
    assert len(phi.layers) == count + 1
    np.testing.assert_allclose(phi(features())[:, 0], answers(network, features()), atol=1e-5)


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("make", [SearlePhi, Im2Text])
def test_a_bare_dictionary(tiny_backbone: Backbone, tmp_path: Path, make, prefix: str) -> None:
    network = make(D, H, W).eval()
    torch.save({f"{prefix}{k}": v for k, v in network.state_dict().items()}, tmp_path / "a.pt")
    import_released(tmp_path / "a.pt", tiny_backbone.spec, tmp_path / "phi")
    out = Phi.load(tmp_path / "phi")(features())[:, 0]
    np.testing.assert_allclose(out, answers(network, features()), atol=1e-5)


def test_half_precision_and_a_path_inside(tiny_backbone: Backbone, tmp_path: Path) -> None:
    network = SearlePhi(D, H, W).eval().half()
    extra = {"training_path": pathlib.Path("/data/run"), "optimizer": {"state": {}}, "scaler": {}}
    torch.save({"epoch": 1, "Phi": network.state_dict(), **extra}, tmp_path / "a.pt")
    import_released(tmp_path / "a.pt", tiny_backbone.spec, tmp_path / "phi")
    out = Phi.load(tmp_path / "phi")(features())[:, 0]
    np.testing.assert_allclose(out, answers(network.float(), features()), atol=1e-4)


@pytest.mark.parametrize("change", [{"dim": D + 1}, {"token_dim": W + 1}])
def test_the_wrong_backbone_is_refused(tiny_backbone: Backbone, tmp_path: Path, change) -> None:
    searle(tmp_path / "a.pt")
    with pytest.raises(ModelMismatch, match=rf"takes features of {D} numbers and gives words of {W}"):
        import_released(tmp_path / "a.pt", replace(tiny_backbone.spec, **change), tmp_path / "phi")
    assert not (tmp_path / "phi").exists()


class Evil:
    def __reduce__(self):
        return (print, ("ran",))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"Phi": Evil()}, "more than tensors"),
        ([1, 2], "holds a list"),
        ({"weights": torch.zeros(3)}, "no checkpoint of SEARLE"),
        ({"Phi": {"layers.0.weight": torch.zeros(3, 4), "layers.0.bias": torch.zeros(3),
                  "layers.3.weight": torch.zeros(2, 5), "layers.3.bias": torch.zeros(2)}},
         "3 values come in"),
        ({"Phi": {"layers.0.weight": torch.zeros(3, 4), "layers.3.weight": torch.zeros(2, 3),
                  "layers.3.bias": torch.zeros(2)}}, r"layers\.0\.bias"),
        ({"Phi": {"layers.0.weight": torch.zeros(3, 4), "layers.0.bias": torch.zeros(3),
                  "layers.2.weight": torch.zeros(2, 3), "layers.2.bias": torch.zeros(2)}}, "no checkpoint"),
    ],
)  # fmt: skip
def test_other_files_are_sentences(tmp_path: Path, capsys, content: object, sentence: str) -> None:
    torch.save(content, tmp_path / "a.pt")
    with pytest.raises(ModelUnavailable, match=sentence):
        read_released(tmp_path / "a.pt")
    assert "ran" not in capsys.readouterr().out


def test_damaged_and_missing_files_are_sentences(tmp_path: Path) -> None:
    searle(tmp_path / "a.pt")
    (tmp_path / "cut.pt").write_bytes((tmp_path / "a.pt").read_bytes()[:500])
    for name in ("cut.pt", "nothing.pt"):
        with pytest.raises(ModelUnavailable, match=name):
            read_released(tmp_path / name)


def test_a_method_of_another_layout_is_refused(tiny_backbone: Backbone, tmp_path: Path) -> None:
    searle(tmp_path / "a.pt")
    with pytest.raises(UsageError, match="laid out as searle"):
        import_released(tmp_path / "a.pt", tiny_backbone.spec, tmp_path / "phi", method="pic2word")


def test_what_a_layout_cannot_hold_is_not_exported(tiny_phi_dir: Path, tmp_path: Path) -> None:
    phi = Phi.load(tiny_phi_dir)
    with pytest.raises(ModelUnavailable, match="layout of searle holds one word with gelu"):
        export_phi(phi, "searle", tmp_path / "a.pt")
    (tmp_path / "there.pt").write_text("mine")
    with pytest.raises(UsageError, match="is there already"):
        export_phi(phi, "pic2word", tmp_path / "there.pt")


def combiner_tensors(c: int = D, p: int = 24, h: int = 40) -> dict[str, torch.Tensor]:
    """As CLIP4Cir's Combiner saves them."""
    torch.manual_seed(5)
    modules = {
        "text_projection_layer": nn.Linear(c, p),
        "image_projection_layer": nn.Linear(c, p),
        "combiner_layer": nn.Linear(2 * p, h),
        "output_layer": nn.Linear(h, c),
        "dynamic_scalar.0": nn.Linear(2 * p, h),
        "dynamic_scalar.3": nn.Linear(h, 1),
    }
    return {f"{name}.{k}": v for name, module in modules.items() for k, v in module.state_dict().items()}


@pytest.mark.parametrize("wrap", [lambda t: {"epoch": 3, "Combiner": t},
                                  lambda t: {f"module.{k}": v for k, v in t.items()}])  # fmt: skip
def test_a_combiner(tiny_backbone: Backbone, tmp_path: Path, wrap) -> None:
    tensors = combiner_tensors()
    torch.save(wrap(tensors), tmp_path / "combiner.pt")
    assert import_released(tmp_path / "combiner.pt", tiny_backbone.spec, tmp_path / "c").method == "combiner"
    network = CombinerNetwork.load(tmp_path / "c")
    t, v = features(4), features(4)[::-1].copy()
    out = network(t, v)
    np.testing.assert_allclose(np.linalg.norm(out, axis=1), 1, atol=1e-6)
    T, V = torch.from_numpy(t), torch.from_numpy(v)

    def lin(name: str, x: torch.Tensor) -> torch.Tensor:
        return x @ tensors[f"{name}.weight"].T + tensors[f"{name}.bias"]

    both = torch.cat(
        (torch.relu(lin("text_projection_layer", T)), torch.relu(lin("image_projection_layer", V))), -1
    )
    share = torch.sigmoid(lin("dynamic_scalar.3", torch.relu(lin("dynamic_scalar.0", both))))
    q = lin("output_layer", torch.relu(lin("combiner_layer", both))) + share * T + (1 - share) * V
    np.testing.assert_allclose(out, (q / q.norm(dim=1, keepdim=True)).numpy(), atol=1e-5)


def test_a_combiner_of_another_width_is_refused(tiny_backbone: Backbone, tmp_path: Path) -> None:
    torch.save({"Combiner": combiner_tensors(c=D + 2)}, tmp_path / "combiner.pt")
    with pytest.raises(ModelMismatch, match=f"takes features of {D + 2}"):
        import_released(tmp_path / "combiner.pt", tiny_backbone.spec, tmp_path / "c")
