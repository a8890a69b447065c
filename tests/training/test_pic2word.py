"""Pic2Word's objective and its product."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sightword.backbones.openvino_runtime import OpenVINOBackbone
from sightword.errors import UsageError
from sightword.methods import load_method
from sightword.methods.phi import Phi
from sightword.prompts import parse_prompt
from tiny import D, W, pictures_of_colours

torch = pytest.importorskip("torch", reason="training needs the extra torch")
pytestmark = pytest.mark.slow

from tiny_torch import TinyTextTower  # noqa: E402

from sightword.methods.torch_words import PromptEncoder, RowEncoder  # noqa: E402
from sightword.training.job import Job  # noqa: E402
from sightword.training.loop import LoopSettings, Run  # noqa: E402
from sightword.training.networks import pic2word_network  # noqa: E402
from sightword.training.pic2word import learn_pic2word, train_pic2word  # noqa: E402


@pytest.fixture(scope="module")
def features(tiny_backbone: OpenVINOBackbone) -> np.ndarray:  # type: ignore[type-arg]
    return tiny_backbone.encode_images(pictures_of_colours(300, seed=5))


@pytest.mark.parametrize("tokens", [1, 3])
def test_prompts_are_encoded_as_at_search_time(tiny_backbone: OpenVINOBackbone, tokens: int) -> None:
    prompt = parse_prompt("a photo of {*}")
    encoder = PromptEncoder(RowEncoder(TinyTextTower(), tiny_backbone), tiny_backbone, prompt, tokens)
    words = np.random.default_rng(2).normal(size=(4, tokens, W)).astype(np.float32)
    expected = tiny_backbone.encode_prompts([prompt] * 4, [[word] for word in words])
    np.testing.assert_allclose(encoder(torch.from_numpy(words)).numpy(), expected, atol=1e-5)


def test_a_training_prompt_has_one_slot(tiny_backbone: OpenVINOBackbone) -> None:
    with pytest.raises(UsageError, match="exactly one slot"):
        PromptEncoder(RowEncoder(TinyTextTower(), tiny_backbone), tiny_backbone, parse_prompt("a photo"), 1)


def test_the_network_is_the_papers() -> None:
    assert sum(p.numel() for p in pic2word_network(768, 512, 768).parameters()) == 1_050_368


def test_it_beats_an_untrained_phi_and_is_written_whole(
    tiny_backbone: OpenVINOBackbone,
    features: np.ndarray,  # type: ignore[type-arg]
    tmp_path: Path,
) -> None:
    def run(where: str) -> dict[str, object]:
        return train_pic2word(
            features[:240], TinyTextTower(), tmp_path / where, backbone=tiny_backbone, steps=300, batch=64,
            lr=3e-3, hidden=32, tokens=2, scale=20.0, held_out=features[240:], progress=False,
            prompts=("a photo of {*}", "a drawing of {*}"),
        )  # fmt: skip

    report = run("phi")
    before, after = report["held_out"]["before"], report["held_out"]["after"]  # type: ignore[index]
    assert after["cosine"] > 0.8 > before["cosine"] + 0.2
    assert after["recall_at_10"] > 2 * before["recall_at_10"]
    directory = tmp_path / "phi"
    assert {path.name for path in directory.iterdir()} == {
        "config.json", "model.safetensors", "README.md", "training.json",
    }  # fmt: skip
    assert json.loads((directory / "training.json").read_text())["held_out"]["after"] == after

    # The saved phi answers at search time what was measured while training.
    phi = Phi.load(directory)
    assert (phi.tokens, phi.config["backbone"]["name"]) == (2, "tiny")
    words = phi(features[240:])
    texts = tiny_backbone.encode_prompts([parse_prompt("a photo of {*}")] * 60, [[word] for word in words])
    cosines = (texts * features[240:]).sum(axis=1)
    cosines /= np.linalg.norm(texts, axis=1) * np.linalg.norm(features[240:], axis=1)
    assert float(cosines.mean()) == pytest.approx(after["cosine"], abs=1e-4)
    assert load_method(str(directory), backbone=tiny_backbone).name == "pic2word"

    run("again")
    same = (tmp_path / "again" / "model.safetensors").read_bytes()
    assert same == (directory / "model.safetensors").read_bytes()


def test_features_of_another_backbone_are_refused(tiny_backbone: OpenVINOBackbone, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=rf"\[N, {D}\]"):
        train_pic2word(
            np.zeros((9, D + 1), np.float32),
            TinyTextTower(),
            tmp_path / "phi",
            backbone=tiny_backbone,
            steps=1,
        )


@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_numpy_and_torch_agree(activation: str, tiny_backbone: OpenVINOBackbone, tmp_path: Path) -> None:
    from sightword.training.save import save_phi

    torch.manual_seed(0)
    act = torch.nn.ReLU() if activation == "relu" else torch.nn.GELU()
    linears = [torch.nn.Linear(a, b) for a, b in ((D, 64), (64, 64), (64, 2 * W))]
    net = torch.nn.Sequential(linears[0], act, linears[1], act, linears[2])
    layers = [(layer.weight.detach().numpy(), layer.bias.detach().numpy()) for layer in linears]
    save_phi(
        tmp_path / "phi",
        layers,
        method="pic2word",
        activation=activation,
        tokens=2,
        spec=tiny_backbone.spec,
        training={},
    )
    x = 5 * np.random.default_rng(1).normal(size=(200, D)).astype(np.float32)
    expected = net(torch.from_numpy(x)).detach().numpy().reshape(200, 2, W)
    assert np.abs(Phi.load(tmp_path / "phi")(x) - expected).max() < 1e-5


def test_alignment_brings_the_pairs_closer(
    tiny_backbone: OpenVINOBackbone,
    features: np.ndarray,  # type: ignore[type-arg]
    tmp_path: Path,
) -> None:
    cosines = {}
    for align in (0.0, 20.0):
        report = train_pic2word(
            features[:240], TinyTextTower(), tmp_path / "phi", backbone=tiny_backbone, steps=40, batch=64,
            lr=3e-3, hidden=32, scale=100.0, align=align, held_out=features[240:], progress=False,
        )  # fmt: skip
        assert report["align"] == align
        cosines[align] = report["held_out"]["after"]["cosine"]
    assert cosines[20.0] > cosines[0.0] + 0.03


def test_captions_are_learnt_as_well(
    tiny_backbone: OpenVINOBackbone,
    features: np.ndarray,  # type: ignore[type-arg]
    tmp_path: Path,
) -> None:
    texts = np.random.default_rng(3).normal(0, 0.5, (50, D)).astype(np.float32)
    cosines = {}
    for name, captions in (("without", None), ("with", texts)):
        settings = LoopSettings(steps=150, batch=32, lr=3e-3)
        job = Job(
            tiny_backbone, TinyTextTower(), tmp_path / name, settings, hidden=32, run=Run(progress=False),
            held_out=texts,
        )  # fmt: skip
        report = learn_pic2word(job, features, scale=20.0, texts=captions)
        assert report["captions"] == (0 if captions is None else 50)
        cosines[name] = report["held_out"]["after"]["cosine"]
    assert cosines["with"] > cosines["without"] + 0.1
