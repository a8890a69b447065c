"""ARTEMIS and MAAF learn: the same numbers as without torch, losses by hand, recall above the untrained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs torch")

import torch
from click.testing import CliRunner
from PIL import Image

from sightword.backbones import load_backbone
from sightword.cli.door import cli
from sightword.methods import ComposeInput, load_method
from sightword.methods.vectors import unit
from sightword.training.artemis import ArtemisLearner
from sightword.training.maaf import MaafLearner
from sightword.training.objectives import matching
from sightword.training.save_supervised import save_supervised
from sightword.training.supply import Batch
from tiny import COLOURS, ids, pictures_of_colours, table, write_tiny_backbone

TEXTS = ["dark red", "a big blue ball on a car", "green", "yellow house at night"]


def shaken(network: Any, seed: int = 3) -> Any:
    """Zero layers would hide mistakes."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if "scale" not in name:
                parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.3)
    return network.eval()


@pytest.fixture(scope="module")
def world(tiny_backbone: Any) -> dict[str, Any]:
    from sightword.prompts import Prompt

    pixels = pictures_of_colours(7)
    longest = max(len(ids(text)) - 2 for text in TEXTS)
    words = np.zeros((len(TEXTS), longest, tiny_backbone.spec.token_dim), np.float32)
    lengths = []
    for number, text in enumerate(TEXTS):
        row = ids(text)[1:-1]
        words[number, : len(row)] = table()[row]
        lengths.append(len(row))
    features = tiny_backbone.encode_images(pixels)
    patches = tiny_backbone.encode_patches(pixels)
    text = tiny_backbone.encode_prompts([Prompt((item,)) for item in TEXTS])
    n = len(TEXTS)
    tensors = [torch.from_numpy(item) for item in (features[:n], text, words, patches[:n])]
    batch = Batch(*tensors[:3], torch.tensor(lengths), tensors[3])
    return {"features": features, "patches": patches, "batch": batch}


def saved(tmp_path: Path, network: Any, backbone: Any) -> Any:
    tensors = {name: value.detach().numpy() for name, value in network.tensors().items()}
    place = tmp_path / network.kind
    save_supervised(
        place, tensors, kind=network.kind, network=network.settings(), spec=backbone.spec, training={}
    )
    return load_method(str(place), backbone=backbone)


def test_artemis_is_the_same_with_and_without_torch(
    tmp_path: Path, world: dict[str, Any], tiny_backbone: Any
) -> None:
    network = shaken(ArtemisLearner(tiny_backbone.spec, hidden=9))
    batch, features = world["batch"], world["features"]
    with torch.no_grad():
        theirs = network.cosines(batch.text, batch.reference, torch.from_numpy(features)).numpy()
        scale = network.log_scale.exp().item()
        scaled = network.scores(batch, torch.from_numpy(features)).numpy()
    np.testing.assert_allclose(scaled, scale * theirs, rtol=1e-5)
    method = saved(tmp_path, network, tiny_backbone)
    for number, text in enumerate(TEXTS):
        query = ComposeInput(images=[features[number]], text=text)
        ours = method.rerank(tiny_backbone, query, unit(features))
        np.testing.assert_allclose(ours, theirs[number], atol=1e-5)


def test_maaf_is_the_same_with_and_without_torch(
    tmp_path: Path, world: dict[str, Any], tiny_backbone: Any
) -> None:
    network = shaken(MaafLearner(tiny_backbone.spec, 3, width=8, heads=2, longest=8))
    with torch.no_grad():
        theirs = network(world["batch"]).numpy()
    method = saved(tmp_path, network, tiny_backbone)
    queries = [
        ComposeInput(images=[world["features"][i]], text=text, patches=world["patches"][i])
        for i, text in enumerate(TEXTS)
    ]
    np.testing.assert_allclose(method.compose(tiny_backbone, queries), theirs, atol=1e-5)
    assert np.linalg.matrix_rank(theirs @ theirs.T, tol=1e-3) > 1


@pytest.mark.parametrize("kind", ["artemis", "maaf"])
def test_both_start_as_average(kind: str, world: dict[str, Any], tiny_backbone: Any) -> None:
    spec, batch = tiny_backbone.spec, world["batch"]
    network: Any = ArtemisLearner(spec) if kind == "artemis" else MaafLearner(spec, 3, width=8, heads=2)
    network.eval()
    targets = torch.from_numpy(world["features"])
    with torch.no_grad():
        scores = network.scores(batch, targets).numpy()
    query = unit(batch.reference.numpy()) + unit(batch.text.numpy())
    if kind == "maaf":
        query = unit(query)
        np.testing.assert_allclose(scores, 30 * query @ unit(world["features"]).T, atol=1e-4)
    else:
        np.testing.assert_allclose(scores, 40 * query @ unit(world["features"]).T / 2, atol=1e-4)


def test_scores_of_artemis_pair_by_pair(world: dict[str, Any], tiny_backbone: Any) -> None:
    """The matrix product equals the definition."""
    network = shaken(ArtemisLearner(tiny_backbone.spec, hidden=5))
    batch, targets = world["batch"], torch.from_numpy(world["features"])
    normalize = torch.nn.functional.normalize
    with torch.no_grad():
        found = network.cosines(batch.text, batch.reference, targets)
        for i in range(len(TEXTS)):
            m, r = normalize(batch.text[i], dim=0), normalize(batch.reference[i], dim=0)
            explicit = network.shares(network.explicit, m[None])[0]
            implicit = network.shares(network.implicit, m[None])[0]
            for j, target in enumerate(normalize(targets, dim=1)):
                em = normalize(network.words(m), dim=0) @ normalize(explicit * target, dim=0)
                similar = normalize(implicit * r, dim=0) @ normalize(implicit * target, dim=0)
                assert found[i, j].item() == pytest.approx((em + similar).item() / 2, abs=1e-5)


def test_the_loss_by_hand(world: dict[str, Any], tiny_backbone: Any) -> None:
    network = shaken(ArtemisLearner(tiny_backbone.spec, hidden=5))
    targets = torch.from_numpy(world["features"][: len(TEXTS)])
    wrong = torch.zeros(4, 4, dtype=torch.bool)
    wrong[0, 2] = True
    with torch.no_grad():
        scores = network.scores(world["batch"], targets)
        loss = matching(scores, wrong, "softmax").item()
    rows = scores.double().numpy()
    expected = 0.0
    for i in range(4):
        kept = [np.exp(rows[i, j]) for j in range(4) if not wrong[i, j]]
        expected -= np.log(np.exp(rows[i, i]) / sum(kept)) / 4
    assert loss == pytest.approx(expected, rel=1e-5)


def test_padding_of_words_and_dropped_patches_change_nothing_in_eval(
    world: dict[str, Any], tiny_backbone: Any
) -> None:
    network = shaken(MaafLearner(tiny_backbone.spec, 3, width=8, heads=2))
    batch: Batch = world["batch"]
    assert batch.words is not None and batch.lengths is not None and batch.patches is not None
    with torch.no_grad():
        together = network(batch)
        for i, length in enumerate(batch.lengths.tolist()):
            alone = Batch(
                batch.reference[i : i + 1], batch.text[i : i + 1], batch.words[i : i + 1, :length],
                batch.lengths[i : i + 1], batch.patches[i : i + 1],
            )  # fmt: skip
            np.testing.assert_allclose(network(alone)[0].numpy(), together[i].numpy(), atol=1e-6)
        network.train()
        assert (network(batch) - together).abs().max() > 1e-4
        assert torch.isfinite(network(batch)).all()


def write_triplets(folder: Path, count: int, seed: int = 0) -> Path:
    """Pictures whose upper half keeps its colour while the words name that of the lower half."""
    rng = np.random.default_rng(seed)
    names = [name for name in COLOURS if name not in ("bright", "dark")]
    folder.mkdir(parents=True)

    def page(top: str, bottom: str, shade: float) -> str:
        name = f"{top}-{bottom}-{shade:.3f}.png"
        image = np.zeros((32, 32, 3))
        image[:16], image[16:] = COLOURS[top], COLOURS[bottom]
        pixels = ((np.clip(image * shade, -1, 1) + 1) * 127.5).astype(np.uint8)
        Image.fromarray(pixels).save(folder / name)
        return name

    lines = []
    for _ in range(count):
        top, before, after = rng.choice(names, 3, replace=False)
        shade = rng.uniform(0.6, 1.0)
        lines.append({
            "reference": page(top, before, shade), "text": f"the same but {after}",
            "target": page(top, after, shade),
        })  # fmt: skip
    path = folder / "triplets.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["artemis", "maaf"])
def test_learning_beats_the_start(kind: str, tmp_path: Path, tiny_backbone_dir: Path) -> None:
    data = write_triplets(tmp_path / "data", 400)
    own = {
        "artemis": ["--hidden", "32", "--first", "text", "--depth", "17"],
        "maaf": ["--width", "32", "--heads", "4", "--drop-patches", "0"],
    }[kind]
    done = CliRunner().invoke(
        cli,
        ["train", kind, "--triplets", str(data), "--backbone", str(tiny_backbone_dir), "--out",
         str(tmp_path / kind), "--steps", "400", "--batch", "64", "--lr", "3e-3", "--held-out", "80",
         "--threads", "1", "--workers", "1", "--json", *own],
        env={"SIGHTWORD_CACHE": str(tmp_path / "cache")}, catch_exceptions=False,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    before, after = told["held_out"]["before"], told["held_out"]["after"]
    assert after["recall_at_10"] > before["recall_at_10"] + 0.1
    assert after["recall_at_1"] > told["held_out"]["average"]["recall_at_1"]
    backbone = load_backbone(str(tiny_backbone_dir), threads=1, precision="f32")
    method: Any = load_method(str(tmp_path / kind), backbone=backbone)
    if kind == "artemis":
        assert (method.depth, method.first.name) == (17, "text")


def test_a_backbone_without_patches_is_refused_before_the_data_is_read(tmp_path: Path) -> None:
    bare = write_tiny_backbone(tmp_path / "bare", patches=None)
    done = CliRunner().invoke(
        cli,
        ["train", "maaf", "--triplets", str(tmp_path / "nowhere.jsonl"), "--backbone", str(bare), "--out",
         str(tmp_path / "out")],
    )  # fmt: skip
    assert done.exit_code == 4 and "The method maaf needs patches" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_first_method_that_is_none_is_refused_before_the_data_is_read(
    tmp_path: Path, tiny_backbone_dir: Path
) -> None:
    done = CliRunner().invoke(
        cli,
        ["train", "artemis", "--triplets", str(tmp_path / "nowhere.jsonl"), "--backbone",
         str(tiny_backbone_dir), "--out", str(tmp_path / "out"), "--first", "avarage"],
    )  # fmt: skip
    assert done.exit_code == 4 and "avarage" in done.stderr
    done = CliRunner().invoke(
        cli,
        ["train", "artemis", "--triplets", str(tmp_path / "nowhere.jsonl"), "--backbone",
         str(tiny_backbone_dir), "--out", str(tmp_path / "out"), "--first", "./phi"],
    )  # fmt: skip
    assert done.exit_code == 2 and "models add ./phi" in " ".join(done.stderr.split())


def test_heads_that_cannot_share_the_width(tmp_path: Path, tiny_backbone_dir: Path) -> None:
    done = CliRunner().invoke(
        cli,
        ["train", "maaf", "--triplets", str(tmp_path / "nowhere.jsonl"), "--backbone", str(tiny_backbone_dir),
         "--out", str(tmp_path / "out"), "--width", "10", "--heads", "4"],
    )  # fmt: skip
    assert done.exit_code == 2 and "4 heads cannot share a width of 10" in done.stderr
