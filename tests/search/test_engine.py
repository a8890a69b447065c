"""The engine on a tiny backbone: what is found, in which order, and what is left out."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import sightword
from gallery import COLOURS, make_gallery, paint
from sightword.errors import IndexForAnotherBackbone, ModelUnavailable, PictureError, UsageError
from sightword.search import Engine, Hit, LanguageWarning, Query


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_gallery(tmp_path / "pictures")


@pytest.fixture
def engine(folder: Path, tiny_backbone: Any) -> Iterator[Engine]:
    with sightword.open(folder, backbone=tiny_backbone) as opened:
        opened.update()
        yield opened


def names(hits: list[Hit]) -> list[str]:
    return [hit.path.stem for hit in hits]


def test_a_query_by_id_does_not_walk_the_index(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = engine.search(text="red")[0]
    monkeypatch.setattr(engine.store, "known", lambda: pytest.fail("3.9 s at a million rows"))
    assert engine.search(images=picture.id, k=1)[0].id != picture.id
    assert engine.thumbnail(picture.id, 24) is not None


def test_words_find_their_pictures(engine: Engine) -> None:
    for colour in ("red", "green", "blue", "yellow", "purple", "cyan"):
        assert names(engine.search(text=colour))[0] == colour


def test_a_picture_finds_its_like(engine: Engine, tmp_path: Path) -> None:
    reference = paint(tmp_path / "query.jpg", "red", (64, 64))
    hits = engine.search(images=reference)
    assert names(hits)[0] == "red"
    assert hits[0].score == pytest.approx(1, abs=1e-3)


def test_picture_and_words_are_composed(engine: Engine, tmp_path: Path) -> None:
    reference = paint(tmp_path / "query.jpg", "red", (64, 64))
    assert names(engine.search(images=reference, text="blue", method="average"))[0] == "purple"


def test_a_hit_says_everything(engine: Engine, folder: Path) -> None:
    hits = engine.search(text="red", k=3)
    assert [hit.rank for hit in hits] == [1, 2, 3]
    first = hits[0]
    assert first.path == folder / "red.png"
    assert first.relative == Path("red.png")
    assert (first.width, first.height, first.format) == (48, 40, "png")
    assert first.size == (folder / "red.png").stat().st_size
    assert first.taken is None
    assert first.modified == pytest.approx((folder / "red.png").stat().st_mtime)
    assert hits == sorted(hits, key=lambda hit: -hit.score)
    assert all(round(hit.score, 6) == hit.score for hit in hits)


def test_z_is_measured_against_the_whole_folder(engine: Engine) -> None:
    everything = engine.search(text="red", k=100, fold=False)
    scores = np.array([hit.score for hit in everything])
    assert len(everything) == len(COLOURS)
    expected = (scores - scores.mean()) / scores.std()
    assert [hit.z for hit in everything] == pytest.approx(expected, abs=1e-3)
    filtered = engine.search(text="red", where="path ~ 'deep/*'", fold=False)
    by_name = {hit.path: hit.z for hit in everything}
    assert filtered and all(hit.z == by_name[hit.path] for hit in filtered)


def test_min_score_as_cosine_and_as_z(engine: Engine) -> None:
    everything = engine.search(text="red", k=100, fold=False)
    middle = everything[3].score
    assert engine.search(text="red", k=100, fold=False, min_score=middle) == everything[:4]
    kept = engine.search(text="red", k=100, fold=False, min_score="1z")
    assert kept == [hit for hit in everything if hit.z >= 1]
    assert 0 < len(kept) < len(everything)
    assert engine.search(text="red", min_score="50z") == []


def test_the_reference_is_left_out_by_content(engine: Engine, folder: Path) -> None:
    shutil.copy(folder / "red.png", folder / "copy of red.png")
    engine.update()
    assert "red" not in names(engine.search(images=folder / "red.png"))
    assert "copy of red" not in names(engine.search(images=folder / "red.png"))
    kept = engine.search(images=folder / "red.png", include_reference=True)
    assert names(kept)[0] == "copy of red"
    assert [path.name for path in kept[0].duplicates] == ["red.png"]


def test_near_duplicates_fold_into_the_best(engine: Engine, folder: Path) -> None:
    Image.new("RGB", (48, 40), (250, 2, 2)).save(folder / "almost red.png")
    engine.update()
    folded = engine.search(text="red", k=100)
    apart = engine.search(text="red", k=100, fold=False)
    assert {"red", "almost red"} <= set(names(apart))
    first = folded[0]
    assert {first.path.name, *(path.name for path in first.duplicates)} == {"red.png", "almost red.png"}
    assert len(folded) == len(apart) - 1
    assert [hit.rank for hit in folded] == list(range(1, len(folded) + 1))


def test_k_counts_groups_however_many_duplicates_there_are(engine: Engine, folder: Path) -> None:
    for number in range(60):  # more than the first scan looks at
        paint(folder / f"red {number}.png", "red", (48 + number, 40))
    engine.update()
    hits = engine.search(text="red", k=2)
    assert len(hits) == 2
    assert len(hits[0].duplicates) == 60
    assert "red" not in hits[1].path.stem


def test_filters(engine: Engine) -> None:
    assert names(engine.search(text="red", where="path ~ 'deep/*'", k=100)) == names(
        [hit for hit in engine.search(text="red", k=100) if hit.relative.parts[0] == "deep"]
    )
    assert engine.search(text="red", where="width > 1000") == []


def test_without_words_and_without_a_picture(engine: Engine, folder: Path) -> None:
    plain = {hit.path.stem: hit.score for hit in engine.search(text="yellow", k=100, fold=False)}
    for negative in ("red", folder / "red.png"):
        less = {
            hit.path.stem: hit.score
            for hit in engine.search(text="yellow", without=[negative], k=100, fold=False)
        }
        assert less["red"] < plain["red"]
        assert max(less, key=lambda name: less[name]) in ("green", "yellow")


def test_every_kind_of_reference_means_the_same(engine: Engine, folder: Path) -> None:
    path = folder / "red.png"
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    expected = engine.search(images=path, include_reference=True)
    for reference in (str(path), path.read_bytes(), expected[0].id, [path]):
        assert engine.search(images=reference, include_reference=True) == expected
    for reference in (picture, np.asarray(picture)):
        hits = engine.search(images=reference, include_reference=True)
        assert [hit.path for hit in hits] == [hit.path for hit in expected]
        assert [hit.score for hit in hits] == pytest.approx([hit.score for hit in expected], abs=1e-3)


def test_an_id_leaves_its_picture_out(engine: Engine) -> None:
    picture = engine.search(text="red", k=1)[0]
    assert picture.path not in [hit.path for hit in engine.search(images=picture.id, k=100)]


def test_a_known_reference_is_not_encoded_again(
    engine: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(pixels: object) -> None:
        raise AssertionError("the image tower was asked")

    monkeypatch.setattr(engine.backbone, "encode_images", refuse)
    assert engine.search(images=folder / "red.png", text="blue", method="average")


def test_a_transparent_pil_picture_is_seen_on_white(engine: Engine) -> None:
    assert names(engine.search(images=Image.new("RGBA", (40, 40), (255, 0, 0, 0))))[0] == "white"


def test_two_references(engine: Engine, folder: Path) -> None:
    hits = engine.search(
        images=[folder / "red.png", folder / "deep" / "blue.png"], method="average", text="bright"
    )
    assert names(hits)[0] == "purple"
    assert not {"red", "blue"} & set(names(hits))


def test_the_first_search_of_a_new_folder_reads_it(folder: Path, tiny_backbone: Any) -> None:
    with sightword.open(folder, backbone=tiny_backbone) as engine:
        assert not engine.indexed
        assert names(engine.search(text="red"))[0] == "red"
        assert engine.indexed
        paint(folder / "new" / "red.png", "red", (20, 20))
        assert len(engine.search(text="red", k=100, fold=False)) == len(COLOURS)  # not before update()
        assert engine.update().added == 1
        assert len(engine.search(text="red", k=100, fold=False)) == len(COLOURS) + 1


def test_the_index_may_be_elsewhere(folder: Path, tmp_path: Path, tiny_backbone: Any) -> None:
    with sightword.open(folder, index=tmp_path / "elsewhere", backbone=tiny_backbone) as engine:
        assert names(engine.search(text="red"))[0] == "red"
    assert not (folder / ".sightword").exists()
    assert (tmp_path / "elsewhere").is_dir()


def test_another_backbone_is_refused(folder: Path, engine: Engine, tmp_path: Path) -> None:
    from tiny import write_tiny_backbone

    other = write_tiny_backbone(tmp_path / "other", name="other", weights_hash="0" * 64)
    with (
        sightword.open(folder, backbone=str(other)) as opened,
        pytest.raises(IndexForAnotherBackbone) as caught,
    ):
        opened.search(text="red")
    assert "tiny" in caught.value.message and "other" in caught.value.message
    assert "--backbone tiny" in str(caught.value.hint)
    newer = write_tiny_backbone(tmp_path / "newer", weights_hash="1" * 64)
    with (
        sightword.open(folder, backbone=str(newer)) as opened,
        pytest.raises(IndexForAnotherBackbone) as caught,
    ):
        opened.search(text="red")
    assert str(folder / ".sightword") in str(caught.value.hint)


def test_info(engine: Engine) -> None:
    facts = engine.info()
    assert facts["pictures"] == len(COLOURS)
    assert facts["failed"] == 0
    assert facts["backbone"] == "tiny"
    assert facts["bytes"] > 0


@pytest.mark.parametrize(
    ("asked", "error", "match"),
    [
        ({"text": "red", "method": "magic"}, ModelUnavailable, "magic"),
        ({"images": "missing.png"}, PictureError, r"no picture 'missing\.png'"),
        ({"images": 3.5}, UsageError, "float is no picture"),
        ({"images": 999_999}, UsageError, "999999"),
        ({"text": "red", "where": "width >"}, UsageError, "filter"),
        ({"text": "red", "colour": "blue"}, UsageError, "does not have"),
        ({}, UsageError, "nothing to look for"),
    ],
)  # fmt: skip
def test_mistakes_are_sentences(
    engine: Engine, asked: dict[str, Any], error: type[Exception], match: str
) -> None:
    if asked.get("method"):
        asked = {**asked, "images": engine.folder / "red.png"}
    with pytest.raises(error, match=match):
        engine.search(**asked)


def test_query_or_fields_but_not_both(engine: Engine) -> None:
    assert engine.search(Query(text="red")) == engine.search(text="red")
    with pytest.raises(UsageError, match="not both"):
        engine.search(Query(text="red"), k=3)


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder"):
        sightword.open(tmp_path / "nowhere")


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n broken"])
def test_a_broken_reference_is_a_sentence_with_its_name(
    engine: Engine, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "broken.png"
    path.write_bytes(content)
    with pytest.raises(PictureError, match=r"broken\.png"):
        engine.search(images=path)
    with pytest.raises(PictureError, match="a picture of"):
        engine.search(images=content)


def test_a_text_in_another_language_warns(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.backbone, "count_unknown", lambda text: 0.5 if "rot" in text else 0.3)
    with pytest.warns(LanguageWarning, match="50% of 'rot und blau'; it reads English"):
        engine.search(text="rot und blau")
    engine.search(text="red")  # 30 % is still fine; a warning would be an error here


@pytest.mark.parametrize("method", ["weighted", "slerp"])
def test_a_method_may_carry_its_weight(engine: Engine, folder: Path, method: str) -> None:
    def first(share: str) -> str:
        return names(engine.search(images=folder / "red.png", text="blue", method=f"{method}{share}"))[0]

    assert first(":0.5") == "purple"
    assert first(":1") == "blue"
    with pytest.raises(UsageError, match="not a number"):
        first(":much")
    with pytest.raises(UsageError, match="between 0 and 1"):
        first(":2")


def test_methods_for_lone_parts(engine: Engine) -> None:
    assert engine.method_for(Query(text="red")) == "text"
    assert engine.method_for(Query(images=1)) == "image"
    assert engine.method_for(Query(images=1, method="slerp")) == "image"
    assert engine.method_for(Query(images=1, prompt="a drawing of {*}")) == "default"
    assert engine.method_for(Query(images=1, text="red")) == "default"
    assert engine.method_for(Query(images=1, text="red", method="slerp")) == "slerp"


def test_the_engines_method_is_the_default(folder: Path, tiny_backbone: Any) -> None:
    with sightword.open(folder, backbone=tiny_backbone, method="average") as engine:
        assert engine.method_for(Query(images=1, text="red")) == "average"


def test_searching_from_several_threads(engine: Engine, folder: Path) -> None:
    expected = engine.search(images=folder / "red.png", text="blue", method="average")
    results: list[list[Hit]] = []
    threads = [
        threading.Thread(
            target=lambda: results.append(
                engine.search(images=folder / "red.png", text="blue", method="average")
            )
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [expected] * 8


def test_thumbnails_are_upright_and_small(engine: Engine, folder: Path) -> None:
    thumbnail = engine.thumbnail(folder / "red.png", 24)
    assert thumbnail is not None
    assert thumbnail.shape == (20, 24, 3)
    assert (thumbnail == (255, 0, 0)).all()
    picture = engine.search(text="red", k=1)[0]
    by_id = engine.thumbnail(picture.id, 24)
    assert by_id is not None and by_id.shape == (20, 24, 3)
    assert engine.thumbnail(folder / "missing.png", 24) is None


def test_the_camera_time_is_local(engine: Engine, folder: Path) -> None:
    picture = Image.new("RGB", (40, 40), (255, 0, 0))
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2021:05:03 10:11:12"
    picture.save(folder / "camera.jpg", exif=exif)
    engine.update()
    hit = next(h for h in engine.search(text="red", fold=False) if h.path.name == "camera.jpg")
    assert hit.taken == datetime(2021, 5, 3, 10, 11, 12)


@pytest.mark.skipif(os.name == "nt", reason="file names are text there")
def test_names_that_are_not_utf8(engine: Engine, folder: Path) -> None:
    name = os.fsdecode(b"r\xe9d.png")
    paint(folder / name, "red", (20, 20))
    engine.update()
    hit = next(h for h in engine.search(text="red", fold=False) if h.relative.name == name)
    assert os.fsencode(hit.path) == os.fsencode(folder) + b"/r\xe9d.png"
    assert hit.path.exists()
