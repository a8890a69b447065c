"""Patches: the same in every runtime, cut out of the graphs, and refused where there are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sightword.backbones import load_backbone
from sightword.backbones.patches import as_patches, check_patches, has_patches
from sightword.errors import MethodNeeds, ModelUnavailable, UsageError
from tiny import SIZE, pictures_of_colours, write_tiny_backbone


def test_patches_are_the_places_of_the_picture(tiny_backbone) -> None:
    pixels = pictures_of_colours(35)  # more than two batches
    patches = tiny_backbone.encode_patches(pixels)
    assert patches.shape == (35, 4, 3) and patches.dtype == np.float32
    half = SIZE // 2
    quarters = [pixels[:, :, top : top + half, left : left + half] for top in (0, half) for left in (0, half)]
    expected = np.stack([quarter.mean(axis=(2, 3)) for quarter in quarters], axis=1)
    np.testing.assert_allclose(patches, expected, atol=1e-5)


def test_no_pictures_have_no_patches_but_a_shape(tiny_backbone) -> None:
    assert tiny_backbone.encode_patches(pictures_of_colours(1)[:0]).shape == (0, 4, 3)


def test_who_does_not_ask_compiles_nothing(tiny_backbone_dir: Path) -> None:
    backbone = load_backbone(str(tiny_backbone_dir), threads=1, precision="f32")
    assert has_patches(backbone)
    backbone.encode_images(pictures_of_colours(1))
    assert backbone._patches is None
    backbone.encode_patches(pictures_of_colours(1))
    assert backbone._patches is not None


def test_pixels_of_another_shape_are_refused(tiny_backbone) -> None:
    with pytest.raises(UsageError, match="reads pixels"):
        tiny_backbone.encode_patches(np.zeros((1, 3, SIZE, SIZE + 1), np.float32))


def test_a_backbone_without_patches_says_so_before_any_work(tmp_path: Path) -> None:
    backbone = load_backbone(str(write_tiny_backbone(tmp_path / "bare", patches=None)), threads=1)
    assert not has_patches(backbone)
    with pytest.raises(MethodNeeds, match="'tiny' does not give") as caught:
        check_patches(backbone, "The method maaf")
    assert caught.value.exit_code == 4 and "The method maaf needs patches" in caught.value.message
    with pytest.raises(MethodNeeds):
        backbone.encode_patches(pictures_of_colours(1))


@pytest.mark.parametrize("patches", [-1, "1", True])
def test_a_card_that_makes_no_sense_is_refused(tmp_path: Path, patches: object) -> None:
    with pytest.raises(ModelUnavailable, match="patches is"):
        load_backbone(str(write_tiny_backbone(tmp_path / "odd", patches=patches)))


def test_a_graph_without_the_tensor_that_the_card_promises(tmp_path: Path) -> None:
    directory = write_tiny_backbone(tmp_path / "cut")
    graph = directory / "image.xml"
    graph.write_text(graph.read_text().replace('"patches"', '"something"'))
    with pytest.raises(ModelUnavailable, match="has no tensor 'patches'"):
        load_backbone(str(directory), threads=1, precision="f32").encode_patches(pictures_of_colours(1))


def test_rows_and_maps_become_patches() -> None:
    maps = np.arange(2 * 5 * 3 * 2, dtype=np.float32).reshape(2, 5, 3, 2)
    patches = as_patches(maps, 0)
    assert patches.shape == (2, 6, 5)
    np.testing.assert_array_equal(patches[1, 3], maps[1, :, 1, 1])  # row by row from the upper left
    rows = np.arange(24, dtype=np.float32).reshape(2, 4, 3)
    np.testing.assert_array_equal(as_patches(rows, 1), rows[:, 1:])


def test_the_starter_gives_its_last_map() -> None:
    starter = load_backbone(threads=1, precision="f32")
    size = starter.spec.preprocess.size
    pixels = np.random.default_rng(0).normal(size=(2, 3, size, size)).astype(np.float32)
    patches = starter.encode_patches(pixels)
    assert patches.shape == (2, 49, 1280)
    assert patches.min() >= 0 and patches.max() <= 6  # ReLU6 comes before pooling, not after


@pytest.mark.slow
def test_both_runtimes_of_the_starter_agree() -> None:
    pytest.importorskip("torch", reason="torch is an extra")
    pytest.importorskip("open_clip", reason="the torch runtime is an extra")
    starter = load_backbone(threads=1, precision="f32")
    size = starter.spec.preprocess.size
    pixels = np.random.default_rng(1).normal(size=(3, 3, size, size)).astype(np.float32)
    ours = starter.encode_patches(pixels)
    theirs = load_backbone(runtime="torch", device="cpu").encode_patches(pixels)
    cosines = (ours * theirs).sum(-1) / np.linalg.norm(ours, axis=-1) / np.linalg.norm(theirs, axis=-1)
    assert cosines.min() >= 0.9999
