"""Pictures are encoded once, each once; what cannot be read is counted and capped."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightword.backbones.openvino_runtime import OpenVINOBackbone
from sightword.errors import SightwordError, UsageError
from sightword.training import pictures as module
from sightword.training.pictures import PictureFeatures, Skips, list_pictures, picture_features
from sightword.training.readers import Item, open_source


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "p"
    home.mkdir()
    for index, colour in enumerate(("red", "green", "blue", "white")):
        Image.new("RGB", (40, 40), colour).save(home / f"{index}.png")
    (home / "bad.png").write_bytes(b"no picture")
    return home


def encode(source: Path, backbone: OpenVINOBackbone, home: Path | None, cap: float = 0.5) -> PictureFeatures:
    return picture_features(open_source(str(source)), backbone, home=home, cap=cap, workers=1, progress=False)


def test_features_are_kept(
    folder: Path, tiny_backbone: OpenVINOBackbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = encode(folder, tiny_backbone, tmp_path / "cache")
    assert [Path(item.name).name for item in first.items] == ["0.png", "1.png", "2.png", "3.png"]
    assert [Path(name).name for name, _ in first.skips.listed] == ["bad.png"] and first.skips.seen == 5
    np.testing.assert_allclose(first.features[0, :3], (1, -1, -1), atol=0.01)  # red
    monkeypatch.setattr(module, "decoded", lambda *_: pytest.fail("decoded again"))
    again = encode(folder, tiny_backbone, tmp_path / "cache")
    assert np.array_equal(again.features, first.features) and again.skips.listed == first.skips.listed
    with pytest.raises(SightwordError, match="more than 5%"):
        encode(folder, tiny_backbone, tmp_path / "cache", cap=0.05)
    (folder / "4.png").write_bytes((folder / "0.png").read_bytes())
    with pytest.raises(pytest.fail.Exception, match="decoded again"):
        encode(folder, tiny_backbone, tmp_path / "cache")


def test_a_damaged_or_unwritable_cache_is_no_matter(
    folder: Path, tiny_backbone: OpenVINOBackbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    first = encode(folder, tiny_backbone, cache)
    (kept,) = cache.iterdir()
    kept.write_bytes(kept.read_bytes()[:50])
    assert np.array_equal(encode(folder, tiny_backbone, cache).features, first.features)
    kept.unlink()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    assert np.array_equal(encode(folder, tiny_backbone, cache).features, first.features)


def test_above_the_cap_it_ends(folder: Path, tiny_backbone: OpenVINOBackbone) -> None:
    with pytest.raises(SightwordError, match=r"1 of 5 pictures cannot be read, more than 5%.*bad\.png"):
        encode(folder, tiny_backbone, None, cap=0.05)


def test_pictures_in_memory(tiny_backbone: OpenVINOBackbone) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (40, 40), "red").save(stream, "PNG")
    items = [
        Item("a", stream.getvalue()),
        Item("b", b"nothing"),
        Item("c", None),
        Item("d", stream.getvalue()),
    ]
    found = picture_features(items, tiny_backbone, cap=0.5, workers=1, progress=False)
    assert [item.name for item in found.items] == ["a", "d"] and len(found.features) == 2


def test_the_same_picture_twice_is_one() -> None:
    skips = Skips()
    path = Path("x.jpg")
    items = [
        Item("x.jpg", path, ("a",)), Item("x.jpg", path, ("b", "a")), Item("x.jpg", path, ("b",)), Item("y"),
    ]  # fmt: skip
    assert list_pictures(items, skips) == [Item("x.jpg", path, ("a", "b"))]
    assert skips.doubles == 1 and "listed twice" in skips.sentence()


def test_none_is_a_sentence(tmp_path: Path, tiny_backbone: OpenVINOBackbone) -> None:
    (tmp_path / "e").mkdir()
    with pytest.raises(UsageError, match="no picture to learn from"):
        encode(tmp_path / "e", tiny_backbone, None)


def test_random_crops_keep_nine_tenths() -> None:
    from sightword.training.augment import random_crop

    ramp = np.broadcast_to(np.arange(200, dtype=np.uint8)[None, :, None], (100, 200, 3)).copy()
    spans = []
    for seed in range(30):
        crop = random_crop(ramp, 32, np.random.default_rng(seed))
        assert crop.shape == (32, 32, 3) and crop.dtype == np.uint8
        spans.append(int(crop[:, -1].max()) - int(crop[:, 0].min()))
    square = np.broadcast_to(np.arange(200, dtype=np.uint8)[None, :, None], (200, 200, 3)).copy()
    crops = [random_crop(square, 32, np.random.default_rng(seed)) for seed in range(30)]
    assert all(int(c[:, -1].max()) - int(c[:, 0].min()) > 150 for c in crops)  # most of the width is there
    assert len({c.tobytes() for c in crops}) > 10
    assert max(spans) <= 140  # 2:1 does not fit 4:3: the sides are cut
