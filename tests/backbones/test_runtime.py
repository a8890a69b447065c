"""The OpenVINO runtime against the tiny towers' own equations."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from sightword.backbones import Backbone, load_backbone
from sightword.backbones.golden import THRESHOLDS, verify
from sightword.backbones.openvino_runtime import TEXT_BATCH, OpenVINOBackbone
from sightword.backbones.streams import PORTION
from sightword.backbones.towers import default_precision, supported_precisions
from sightword.errors import ModelUnavailable, UsageError
from sightword.prompts import Prompt, parse_prompt
from tiny import (
    CONTEXT,
    SIZE,
    VOCABULARY,
    D,
    W,
    ids,
    image_reference,
    table,
    text_reference,
    write_tiny_backbone,
)

TEXTS = ["a red cat", "dark", "a photo of the same big old house at night with three people", "red", ""]


@pytest.fixture(scope="session")
def last_backbone(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    directory = write_tiny_backbone(tmp_path_factory.mktemp("backbones") / "last", "last")
    return load_backbone(str(directory), threads=1, precision="f32")


def pixels(count: int) -> np.ndarray:  # type: ignore[type-arg]
    return np.random.default_rng(0).normal(size=(count, 3, SIZE, SIZE)).astype(np.float32)


def test_it_is_a_backbone(tiny_backbone: Backbone) -> None:
    assert isinstance(tiny_backbone, Backbone)
    assert (tiny_backbone.spec.dim, tiny_backbone.spec.token_dim) == (D, W)


def test_golden_vectors(tiny_backbone: Backbone, last_backbone: Backbone) -> None:
    for backbone in (tiny_backbone, last_backbone):
        results = verify(backbone)
        assert [name.partition(":")[0] for name, _ in results] == ["image"] * 2 + ["text"] * 3 + ["slot"]
        assert min(cosine for _, cosine in results) >= THRESHOLDS["f32"]


def test_golden_vectors_notice_another_tower(tiny_backbone_dir: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(tiny_backbone_dir, broken)
    from safetensors.numpy import save_file

    save_file({"weight": table()[::-1].astype(np.float16)}, str(broken / "token_embedding.safetensors"))
    results = dict(verify(load_backbone(str(broken), threads=1)))
    assert results["text: dark"] < 0.999 <= results["image: pattern 0"]


@pytest.mark.skipif("bf16" not in supported_precisions(), reason="this CPU does not compute in bf16")
def test_bf16_is_the_default_where_the_cpu_has_it(tiny_backbone_dir: Path) -> None:
    backbone = load_backbone(str(tiny_backbone_dir), threads=1)
    assert isinstance(backbone, OpenVINOBackbone)
    assert backbone.precision == "bf16"
    assert min(cosine for _, cosine in verify(backbone)) >= THRESHOLDS["bf16"]


def test_images_keep_their_order_across_batches(tiny_backbone: Backbone) -> None:
    many = pixels(2 * PORTION + 3)
    np.testing.assert_allclose(tiny_backbone.encode_images(many), image_reference(many), atol=1e-5)
    assert tiny_backbone.encode_images(many[:0]).shape == (0, D)


def test_texts_keep_their_order_across_lengths(tiny_backbone: Backbone, last_backbone: Backbone) -> None:
    texts = (TEXTS * TEXT_BATCH)[: 2 * TEXT_BATCH + 1]
    for backbone, kind, width in ((tiny_backbone, "mean", 0), (last_backbone, "last", CONTEXT)):
        out = backbone.encode_prompts([Prompt((text,)) for text in texts])
        for text, feature in zip(texts, out):
            row = ids(text)
            embeddings = table()[row + [0] * max(0, width - len(row))][None]
            expected = text_reference(embeddings, [len(row)], kind)  # type: ignore[arg-type]
            np.testing.assert_allclose(feature, expected[0], atol=1e-5)
    assert tiny_backbone.encode_prompts([]).shape == (0, D)


def test_tokens_fill_their_own_slots(tiny_backbone: Backbone) -> None:
    rng = np.random.default_rng(1)
    first, second, third = (rng.normal(size=(k, W)).astype(np.float32) for k in (1, 2, 3))
    prompts = [parse_prompt("{*} and {*}"), parse_prompt("dark"), parse_prompt("a very red cat is {*}")]
    out = tiny_backbone.encode_prompts(prompts, [[second, first], [], [third]])
    rows = table()
    cls, sep = VOCABULARY.index("[CLS]"), VOCABULARY.index("[SEP]")
    expected = np.concatenate([rows[[cls]], second, rows[[VOCABULARY.index("and")]], first, rows[[sep]]])
    np.testing.assert_allclose(out[0], text_reference(expected[None], [len(expected)])[0], atol=1e-5)
    np.testing.assert_allclose(out[1], tiny_backbone.encode_prompts([prompts[1]])[0], atol=1e-6)
    np.testing.assert_allclose(out[2], tiny_backbone.encode_prompts([prompts[2]], [[third]])[0], atol=1e-6)


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        ([], "1 slot"),
        ([[np.zeros((1, W + 1), np.float32)]], "pseudo-word"),
        ([[np.zeros(W, np.float32)]], "pseudo-word"),
        ([[np.zeros((0, W), np.float32)]], "pseudo-word"),
        ([[], []], "pseudo-tokens for 2"),
    ],
)
def test_wrong_tokens_are_refused(tiny_backbone: Backbone, tokens: list, message: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(UsageError, match=message):
        tiny_backbone.encode_prompts([parse_prompt("a {*}")], tokens)


def test_wrong_pixels_are_refused(tiny_backbone: Backbone) -> None:
    with pytest.raises(UsageError, match=r"\[B, 3, 32, 32\]"):
        tiny_backbone.encode_images(np.zeros((1, 3, 31, 32), np.float32))


def test_values_that_are_no_numbers_are_told(tiny_backbone: Backbone) -> None:
    broken = pixels(1)
    broken[0, 0, 0, 0] = np.nan
    with pytest.raises(ModelUnavailable, match="not numbers"):
        tiny_backbone.encode_images(broken)


def test_threads_may_share_a_backbone(tiny_backbone_dir: Path) -> None:
    backbone = load_backbone(str(tiny_backbone_dir), threads=1, precision="f32")
    prompts = [Prompt((text,)) for text in TEXTS]
    images = pixels(5)

    def work(index: int) -> bool:
        if index % 2:
            same = np.allclose(backbone.encode_images(images), image_reference(images), atol=1e-5)
        else:
            same = np.array_equal(backbone.encode_prompts(prompts), expected)
        return bool(same)

    expected = backbone.encode_prompts(prompts)
    fresh = load_backbone(str(tiny_backbone_dir), threads=1, precision="f32")
    expected = fresh.encode_prompts(prompts)
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(64)))


def test_towers_are_compiled_when_needed(tiny_backbone_dir: Path, tmp_path: Path) -> None:
    directory = tmp_path / "text-only"
    shutil.copytree(tiny_backbone_dir, directory)
    (directory / "image.xml").unlink()
    backbone = load_backbone(str(directory), threads=1)
    assert backbone.encode_prompts([Prompt(("red",))]).shape == (1, D)
    with pytest.raises(ModelUnavailable, match="image"):
        backbone.encode_images(pixels(1))


def test_table_and_vocabulary(tiny_backbone: Backbone) -> None:
    np.testing.assert_array_equal(tiny_backbone.token_embedding(), table())
    assert tiny_backbone.vocabulary() == VOCABULARY


@pytest.mark.parametrize(
    "options", [{"precision": "f64"}, {"threads": 0}, {"runtime": "tensorflow"}, {"precision": ""}]
)
def test_wrong_options_are_sentences(tiny_backbone_dir: Path, options: dict) -> None:  # type: ignore[type-arg]
    with pytest.raises(UsageError):
        load_backbone(str(tiny_backbone_dir), **options).encode_images(pixels(1))


def test_a_graph_that_is_none_is_a_sentence(tiny_backbone_dir: Path, tmp_path: Path) -> None:
    directory = tmp_path / "broken"
    shutil.copytree(tiny_backbone_dir, directory)
    (directory / "image.xml").write_text("no graph")
    with pytest.raises(ModelUnavailable, match=r"image\.xml cannot be compiled"):
        load_backbone(str(directory), threads=1).encode_images(pixels(1))


def test_exact_towers_run_in_float32(tmp_path: Path) -> None:
    directory = write_tiny_backbone(tmp_path / "exact", exact=("image",))
    for asked in {None, default_precision()}:
        backbone = load_backbone(str(directory), threads=1, precision=asked)
        assert isinstance(backbone, OpenVINOBackbone)
        assert backbone.precisions == {"image": "f32", "text": default_precision()}
        images = pixels(3)
        np.testing.assert_allclose(backbone.encode_images(images), image_reference(images), atol=1e-6)
