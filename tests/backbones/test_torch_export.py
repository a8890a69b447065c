"""The portable directory that torch backbones are written to."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is an extra")

import torch

from sightword.backbones import Backbone, load_backbone
from sightword.backbones.external_data import check_external_data
from sightword.backbones.golden import verify
from sightword.backbones.torch_clip import export as exporting
from sightword.backbones.torch_clip import graphs
from sightword.backbones.torch_clip.export import Exported, export_backbone
from sightword.errors import ModelUnavailable, UsageError
from sightword.prompts import Prompt
from tiny_clip import SIZE, TIMM_VISION, folder

pytestmark = pytest.mark.slow

KINDS = ("causal-eot", "none-last", "padding-mean")
"""One tower that is trimmed, one that is padded to its context, one Hugging Face encoder."""
LARGE = "padding-mean"
"""Is written as models of gigabytes are."""


FIELDS = [
    *("name", "weights_hash", "dim", "token_dim", "context", "prefix_ids", "suffix_ids", "pad_id", "mask"),
    *("pool", "pad_to", "clean", "activation", "logit_scale", "preprocess", "languages"),
]


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory):
    root = tmp_path_factory.mktemp("exports")

    @cache
    def make(kind: str) -> tuple[Backbone, Exported]:
        siglip = {"vision_cfg": TIMM_VISION, "custom_text": True, "init_logit_bias": -10}
        source = folder(root / kind, kind, **(siglip if kind == "none-last" else {}))
        original = load_backbone(f"{source}", device="cpu")
        with pytest.MonkeyPatch.context() as patch:
            if kind == LARGE:
                patch.setattr(graphs, "INLINE", 0)
            return original, export_backbone(original, root / f"{kind}-portable")

    return make


@pytest.mark.parametrize("kind", KINDS)
def test_the_directory_answers_as_the_original(exports, kind: str) -> None:
    original, done = exports(kind)
    assert done.cosine >= 0.9999 and done.compared == 20
    portable = load_backbone(f"{done.directory}", precision="f32", threads=1)
    assert min(cosine for _, cosine in verify(portable)) >= 0.9999
    prompts = [Prompt((text,)) for text in ["the big red dog", "a", "", "&amp; 😀", "a photo of a cat " * 2]]
    np.testing.assert_allclose(portable.encode_prompts(prompts), original.encode_prompts(prompts), atol=2e-5)
    pixels = np.random.default_rng(5).normal(size=(5, 3, SIZE, SIZE)).astype(np.float32)
    np.testing.assert_allclose(portable.encode_images(pixels), original.encode_images(pixels), atol=2e-5)
    np.testing.assert_array_equal(portable.token_embedding(), original.token_embedding())
    assert portable.vocabulary() == original.vocabulary()


RESNET = {"image_size": SIZE, "layers": [1, 1, 1, 1], "width": 8, "patch_size": None}


@pytest.mark.parametrize("kind", KINDS)
def test_the_exported_patches_are_those_of_the_tower(exports, kind: str) -> None:
    original, done = exports(kind)
    portable = load_backbone(f"{done.directory}", precision="f32", threads=1)
    assert portable.spec.patches == 1  # one class token
    pixels = np.random.default_rng(6).normal(size=(3, 3, SIZE, SIZE)).astype(np.float32)
    patches = portable.encode_patches(pixels)
    assert patches.shape == ((3, 4, 64) if kind == "none-last" else (3, 4, 32))
    np.testing.assert_allclose(patches, original.encode_patches(pixels), atol=2e-5)
    assert len(portable._tower("image")._compiled.outputs) == 1  # nobody else pays for them


def test_patches_of_a_transformer_lie_behind_its_last_norm(exports) -> None:
    original, _ = exports("causal-eot")
    visual = original.image
    pixels = torch.randn(2, 3, SIZE, SIZE)
    with torch.no_grad():
        visual.output_tokens = True
        tokens = visual(pixels)[1]
        visual.output_tokens = False
    np.testing.assert_allclose(original.encode_patches(pixels.numpy()), tokens.numpy(), atol=1e-6)


def test_a_resnet_gives_its_last_map(tmp_path: Path) -> None:
    original = load_backbone(f"{folder(tmp_path / 'resnet', vision_cfg=RESNET)}", device="cpu")
    done = export_backbone(original, tmp_path / "portable")
    portable = load_backbone(f"{done.directory}", precision="f32", threads=1)
    assert portable.spec.patches == 0
    pixels = np.random.default_rng(7).normal(size=(2, 3, SIZE, SIZE)).astype(np.float32)
    with torch.no_grad():
        seen = original.image.layer4(
            original.image.layer3(
                original.image.layer2(original.image.layer1(original.image.stem(torch.from_numpy(pixels))))
            )
        )
    patches = portable.encode_patches(pixels)
    assert patches.shape == (2, seen.shape[2] * seen.shape[3], seen.shape[1])
    np.testing.assert_allclose(patches, seen.flatten(2).transpose(1, 2).numpy(), atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_the_card_is_complete(exports, kind: str) -> None:
    original, done = exports(kind)
    portable = load_backbone(f"{done.directory}").spec
    for name in FIELDS:
        assert getattr(portable, name) == getattr(original.spec, name)
    assert {key: len(value) for key, value in portable.golden.items()} == {
        "images": 3,
        "texts": 5,
        "slots": 3,
    }
    assert portable.name in (done.directory / "README.md").read_text()
    assert {path.stat().st_mode & 0o777 for path in done.directory.iterdir()} == {0o644}


def test_large_weights_lie_beside_their_graph(exports) -> None:
    directory = exports(LARGE)[1].directory
    assert check_external_data(directory / "text.onnx") == {"text.onnx.data"}
    assert (directory / "text.onnx.data").stat().st_size > 20_000
    assert b"site-packages" not in (directory / "text.onnx").read_bytes()


def test_a_graph_that_answers_differently_is_not_kept(
    exports, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, good = exports("causal-eot")

    def copy(*arguments: object) -> None:
        shutil.copyfile(good.directory / Path(str(arguments[-1])).name, str(arguments[-1]))

    monkeypatch.setattr(exporting, "write_image_graph", copy)
    monkeypatch.setattr(exporting, "write_text_graph", copy)
    with torch.no_grad():
        original.text.norm.bias[0] += 1.0
    try:
        with pytest.raises(ModelUnavailable, match=r"answers '(text|slot): .*' with cosine"):
            export_backbone(original, tmp_path / "out")
    finally:
        with torch.no_grad():
            original.text.norm.bias[0] -= 1.0
    assert not list(tmp_path.iterdir())


def test_places_and_forms_that_are_refused(exports, tmp_path: Path) -> None:
    original, _ = exports("causal-eot")
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="not empty"):
        export_backbone(original, tmp_path)
    half = load_backbone(
        f"{exports('causal-eot')[1].directory.parent}/causal-eot", device="cpu", precision="bf16"
    )
    with pytest.raises(UsageError, match="float32 on the CPU"):
        export_backbone(half, tmp_path / "out")
