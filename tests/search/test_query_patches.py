"""Searching with a method that looks at the parts of the reference, which no index keeps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import sightword
from gallery import make_gallery, paint
from made_matching import write_maaf
from sightword.backbones import load_backbone
from sightword.errors import MethodNeeds, PictureError
from sightword.search import Engine, Query
from tiny import write_tiny_backbone


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, tiny_backbone: Any) -> str:
    return str(write_maaf(tmp_path_factory.mktemp("made") / "maaf", tiny_backbone.spec))


@pytest.fixture
def engine(tmp_path: Path, tiny_backbone: Any) -> Iterator[Engine]:
    with sightword.open(make_gallery(tmp_path / "pictures"), backbone=tiny_backbone) as opened:
        opened.update()
        yield opened


def ids(engine: Engine, place: str, images: Any) -> list[tuple[int, float]]:
    hits = engine.search(images=images, text="blue", method=place, k=8, include_reference=True)
    return [(hit.id, hit.score) for hit in hits]


def test_a_reference_is_the_same_by_file_id_bytes_and_pixels(engine: Engine, place: str) -> None:
    file = engine.folder / "red.png"
    picture = engine.store.find(b"red.png")
    assert picture is not None
    expected = ids(engine, place, file)
    assert len(expected) == 8
    assert ids(engine, place, picture.id) == expected
    assert ids(engine, place, file.read_bytes()) == expected
    for pixels in (Image.open(file), np.asarray(Image.open(file))):
        found = ids(engine, place, pixels)
        assert [item for item, _ in found] == [item for item, _ in expected]
        np.testing.assert_allclose([s for _, s in found], [s for _, s in expected], atol=1e-4)


def test_the_parts_of_every_reference_are_read(engine: Engine, place: str, tiny_backbone: Any) -> None:
    files = [engine.folder / "red.png", engine.folder / "green.png"]
    asked = engine.compose(Query(images=files, text="blue", method=place)).asked
    assert asked.patches is not None and asked.patches.shape == (8, 3)
    alone = engine.compose(Query(images=files[1], text="blue", method=place)).asked
    np.testing.assert_array_equal(asked.patches[4:], alone.patches)
    plain = engine.compose(Query(images=files, text="blue", method="average")).asked
    assert plain.patches is None


def test_a_picture_whose_file_is_gone_is_told(engine: Engine, place: str) -> None:
    picture = engine.store.find(b"red.png")
    assert picture is not None
    (engine.folder / "red.png").unlink()
    assert engine.search(images=picture.id, text="blue", method="average")
    with pytest.raises(PictureError, match=r"red\.png is not there any more") as caught:
        engine.search(images=picture.id, text="blue", method=place)
    assert "average" in str(caught.value.hint)


def test_a_backbone_without_parts_is_told_before_any_work(tmp_path: Path) -> None:
    bare = load_backbone(str(write_tiny_backbone(tmp_path / "bare", patches=None)), threads=1)
    place = str(write_maaf(tmp_path / "maaf", bare.spec))
    reference = paint(tmp_path / "query.png", "red")
    with sightword.open(make_gallery(tmp_path / "pictures"), backbone=bare) as engine:
        with pytest.raises(MethodNeeds, match="needs patches"):
            engine.search(images=reference, text="blue", method=place)
        assert not engine.indexed  # not even the folder was read
