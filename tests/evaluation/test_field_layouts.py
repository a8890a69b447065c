"""Layouts that other tools use, what is refused, and features that are kept by content."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import made_field
from sightword.backbones import Backbone
from sightword.errors import PictureError, SightwordError
from sightword.evaluation.catalog import benchmark_named
from sightword.evaluation.coco_csv import choose_rows, object_mask, write_coco_compose
from sightword.evaluation.content import with_hashes
from sightword.evaluation.features import picture_features
from sightword.evaluation.field import shot
from sightword.update.progress import Progress


def test_fashioniq_as_pic2word_lays_it_out(tmp_path: Path) -> None:
    made_field.fashioniq(tmp_path / "fashion-iq", ".png", "json")
    loaded = benchmark_named("fashioniq", allow_missing=True).load(tmp_path, "val")
    assert len(loaded.queries) == 18
    assert all(picture.file.endswith(".png") for picture in loaded.pictures)


def test_fashioniq_val_only_has_a_smaller_gallery(tmp_path: Path) -> None:
    folder = made_field.fashioniq(tmp_path)
    path = folder / "captions" / "cap.dress.val.json"
    path.write_text(json.dumps(json.loads(path.read_text())[:2]))
    for gallery, size in (("original", 8), ("val-only", 3)):
        loaded = benchmark_named("fashioniq", allow_missing=True, gallery=gallery).load(folder, "val")
        assert len(loaded.galleries["dress"]) == size


@pytest.mark.parametrize(
    ("inner", "base", "above"),
    [("cirr/", "", ""), ("", "", "CIRR"), ("cirr/", "img_raw", ""), ("", "images", "")],
)
def test_cirr_in_several_places(tmp_path: Path, inner: str, base: str, above: str) -> None:
    made_field.cirr(tmp_path / above, inner=inner, base=base)
    loaded = benchmark_named("cirr", allow_missing=True).load(tmp_path, "val")
    assert len(loaded.pictures) == 24
    assert not any("missing" in lost for lost in loaded.lost)


def test_genecis_with_folders_of_other_tools(tmp_path: Path) -> None:
    made_field.genecis(tmp_path)
    (tmp_path / "visual_genome").mkdir()
    (tmp_path / "VG_100K_all").rename(tmp_path / "visual_genome" / "VG_100K_2")
    (tmp_path / "coco2017").mkdir()
    (tmp_path / "val2017").rename(tmp_path / "coco2017" / "val2017")
    loaded = benchmark_named("genecis", allow_missing=True).load(tmp_path, "test")
    assert len(loaded.queries) == 72
    assert loaded.facts["candidates"]["focus_attribute"] == [10]


def test_genecis_with_a_task_missing(tmp_path: Path) -> None:
    made_field.genecis(tmp_path)
    (tmp_path / "genecis" / "focus_attribute.json").unlink()
    with pytest.raises(SightwordError, match=r"focus_attribute\.json"):
        benchmark_named("genecis").load(tmp_path, "test")
    loaded = benchmark_named("genecis", allow_missing=True).load(tmp_path, "test")
    assert "the task focus_attribute is missing" in loaded.lost


@pytest.mark.parametrize(
    ("name", "file", "text", "told"),
    [
        ("cirr", "cirr/captions/cap.rc2.val.json", "{", "is not JSON"),
        ("cirr", "cirr/captions/cap.rc2.val.json", "{}", "holds no list"),
        ("cirr", "cirr/captions/cap.rc2.val.json", "[{}]", "has no pairid"),
        ("circo", "annotations/val.json", '[{"id": 3, "reference_img_id": 100, "relative_caption": "", '
         '"gt_img_ids": [101], "target_img_id": 102}]', "contradicts itself: query 3, id 3 at place 0"),
        ("fashioniq", "captions/cap.shirt.val.json",
         '[{"candidate": "a", "target": "b", "captions": ["one"]}]', "exactly two captions: entry 0"),
        ("imagenet-r", "imgnet/imgnet_targets.txt", "a/b.jpg x\n", "not a path and a label: 1"),
        ("imagenet-r", "imgnet/imgnet_targets.txt", "a/b.jpg 1\na/b.jpg 2\n", "more than once: a/b.jpg"),
        ("coco-compose", "coco_eval.csv", "id,box\n", "first line"),
        ("coco-compose", "coco_eval.csv", "id,query_regions,query_class,classes\na.jpg,1;2,dog,\n", "Lines"),
    ],
)  # fmt: skip
def test_damaged_annotations_are_told(tmp_path: Path, name: str, file: str, text: str, told: str) -> None:
    if name != "coco-compose":
        getattr(made_field, name.replace("-", "_"))(tmp_path)
    (tmp_path / file).write_text(text)
    benchmark = benchmark_named(name, allow_missing=True)
    with pytest.raises(SightwordError, match=told):
        benchmark.load(tmp_path, benchmark.splits[0])


@pytest.mark.parametrize("name", ["fashioniq", "cirr", "circo", "genecis", "imagenet-r", "coco-compose"])
def test_an_empty_folder_says_what_was_looked_for(tmp_path: Path, name: str) -> None:
    benchmark = benchmark_named(name)
    with pytest.raises(SightwordError, match=r"looked for .*evaluating\.md"):
        benchmark.load(tmp_path, benchmark.splits[0])


def test_coco_draw_depends_on_the_seed_and_the_picture_alone(tmp_path: Path) -> None:
    made_field.coco(tmp_path)
    instances = json.loads((tmp_path / "annotations/instances_val2017.json").read_text())
    rows = choose_rows(instances)
    assert len(rows) == 18
    assert [row.file for row in rows] == sorted(row.file for row in rows)
    fewer = {**instances, "images": instances["images"][12:]}
    assert choose_rows(fewer) == [row for row in rows if int(row.file[:12]) > 12]
    assert any(choose_rows(instances, seed) != rows for seed in (1, 2))
    assert all(row.own not in row.others for row in rows)
    large = [{**item, "bbox": [0, 0, 32, 16.5]} for item in instances["annotations"]]
    assert choose_rows({**instances, "annotations": large}) == []  # half of the picture is too large


def test_coco_csv_and_masked_pictures(tmp_path: Path) -> None:
    from PIL import Image

    made_field.coco(tmp_path)
    assert write_coco_compose(tmp_path) == 18
    lines = (tmp_path / "coco_eval.csv").read_text().splitlines()
    assert lines[0] == "id,query_regions,query_class,classes"
    assert lines[1] == "000000000002.jpg,2.5;3.25;12.5;15.25 ,cat,"
    masked = np.asarray(Image.open(tmp_path / "val2017_masked/000000000023.jpg"))
    assert masked[28, 28].min() > 245
    assert masked[6, 7].min() < 200  # within both objects, whichever was drawn
    again = (tmp_path / "coco_eval.csv").read_bytes()
    write_coco_compose(tmp_path)
    assert (tmp_path / "coco_eval.csv").read_bytes() == again
    (tmp_path / "val2017/000000000002.jpg").unlink()
    with pytest.raises(SightwordError, match=r"000000000002\.jpg"):
        write_coco_compose(tmp_path)


def test_run_lengths_go_down_the_columns() -> None:
    mask = object_mask({"counts": [2, 3, 7], "size": [4, 3]}, (3, 4))
    assert mask.astype(int).T.ravel().tolist() == [0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0]
    assert object_mask([[1, 1, 3, 1, 3, 2, 1, 2]], (5, 4)).sum() == 6
    with pytest.raises(SightwordError, match="Compressed"):
        object_mask({"counts": "abc", "size": [4, 3]}, (3, 4))


class Counting:
    """A backbone that counts the pictures it encodes."""

    def __init__(self, backbone: Backbone) -> None:
        self.inner, self.spec, self.count = backbone, backbone.spec, 0

    def encode_images(self, pixels: np.ndarray) -> np.ndarray:
        self.count += len(pixels)
        return self.inner.encode_images(pixels)


def test_features_are_kept_by_content_view_and_preprocessing(tmp_path: Path, tiny_backbone: Backbone) -> None:
    made_field.paint(tmp_path / "a.png", "left", "red")
    made_field.paint(tmp_path / "b.png", "top", "green")
    pictures = [shot("a", "a.png", "x"), shot("b", "b.png", "x")]
    counting = Counting(tiny_backbone)

    def ask(**options: object) -> np.ndarray:
        return picture_features(counting, tmp_path, pictures, cache=tmp_path / "cache", **options)  # type: ignore[arg-type]

    first = ask()
    assert counting.count == 2
    assert (ask() == first).all()
    assert counting.count == 2
    mapped = ask(large=1)
    assert isinstance(mapped, np.memmap)
    assert (mapped == first).all()
    assert counting.count == 2
    ask(preprocess="targetpad")
    assert counting.count == 4
    pictures[0] = shot("a", "a.png", "x", ("squash", (0, 0, 16, 32)))
    assert (ask()[0] != first[0]).any()
    assert counting.count == 6
    del mapped
    assert not list((tmp_path / "cache").glob("all-*"))
    made_field.paint(tmp_path / "b.png", "top", "blue")
    ask()
    assert counting.count == 8


def test_hashes_are_remembered_by_size_and_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sightword.evaluation import content

    made_field.paint(tmp_path / "a.png", "left", "red")
    pictures = [shot("a", "a.png", "x"), shot("again", "a.png", "x")]
    first = with_hashes(tmp_path, pictures, tmp_path / "cache", Progress())
    assert first[0].sha256 == first[1].sha256 != ""
    monkeypatch.setattr(content, "_digest", lambda path: "read")
    assert with_hashes(tmp_path, pictures, tmp_path / "cache")[0].sha256 == first[0].sha256
    for store in (tmp_path / "cache").glob("hashes-*.json"):
        store.write_text('{"a.png": 3')
    assert with_hashes(tmp_path, pictures, tmp_path / "cache")[0].sha256 == "read"
    (tmp_path / "a.png").unlink()
    with pytest.raises(SightwordError, match=r"a\.png"):
        with_hashes(tmp_path, pictures, tmp_path / "cache")


def test_a_damaged_picture_is_named(tmp_path: Path, tiny_backbone: Backbone) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a picture")
    with pytest.raises(PictureError, match=r"broken\.jpg"):
        picture_features(tiny_backbone, tmp_path, [shot("x", "broken.jpg", "s")], cache=tmp_path / "cache")
