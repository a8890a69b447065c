"""Pictures of a benchmark: workers and this process see the same; unreadable ones are counted or refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import made_field
from sightword.backbones.base import Backbone
from sightword.errors import PictureError, SightwordError
from sightword.evaluation import decoding
from sightword.evaluation.catalog import benchmark_named
from sightword.evaluation.decoding import Decoding, square
from sightword.evaluation.features import picture_features
from sightword.evaluation.field import readable, shot
from sightword.evaluation.run import run

MODES = ("RGB", "L", "RGBA", "P", "CMYK", "I;16")


def write_pictures(folder: Path, count: int) -> list[str]:
    """Pictures of many kinds: sizes, modes, formats, turned by EXIF."""
    rng, names = np.random.default_rng(3), []
    for number in range(count):
        wide, high = int(rng.integers(20, 90)), int(rng.integers(20, 90))
        picture = Image.fromarray(rng.integers(0, 256, (high, wide, 3), dtype=np.uint8))
        mode = MODES[number % len(MODES)]
        if mode == "I;16":
            picture = Image.fromarray(rng.integers(0, 65536, (high, wide), dtype=np.uint16))
        elif mode != "RGB":
            picture = picture.convert(mode)
        ending = {"CMYK": "jpg", "RGB": "jpg", "L": "webp"}.get(mode, "png")
        exif = Image.Exif()
        exif[0x0112] = 1 + number % 8
        names.append(f"{number:03}.{ending}")
        picture.save(folder / names[-1], exif=exif)
    return names


def test_workers_and_this_process_see_the_same_bits(tmp_path: Path, tiny_backbone: Backbone) -> None:
    pictures = [shot(name, name, "x") for name in write_pictures(tmp_path, 40)]
    cut = [shot("cut", pictures[0].file, "x", ("squash", (2, 3, 15, 17)))]
    spec = tiny_backbone.spec.preprocess
    with Decoding(tmp_path, spec, "clip", 41) as reading:
        assert reading._pool is not None
        found = reading.read([*pictures, *cut])
    for picture, item in zip([*pictures, *cut], found, strict=True):
        np.testing.assert_array_equal(item, square(tmp_path, picture, "clip", spec), err_msg=picture.file)


def test_features_do_not_depend_on_who_decodes(
    tmp_path: Path, tiny_backbone: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = [shot(name, name, "x") for name in write_pictures(tmp_path, 40)]
    by_workers = picture_features(tiny_backbone, tmp_path, pictures, cache=tmp_path / "a")
    monkeypatch.setattr(decoding, "FEW", 1000)
    here = picture_features(tiny_backbone, tmp_path, pictures, cache=tmp_path / "b")
    assert (by_workers == here).all()


@pytest.mark.parametrize("few", [0, 1000])
def test_unreadable_pictures_are_told_with_their_reasons(
    tmp_path: Path, tiny_backbone: Backbone, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(decoding, "FEW", few)
    names = write_pictures(tmp_path, 5)
    (tmp_path / names[1]).write_bytes(b"no picture")
    (tmp_path / names[3]).unlink()
    pictures = [shot(name, name, "x") for name in names]
    for _ in range(2):  # the second time from the cache
        reasons: dict[int, str] = {}
        found = picture_features(
            tiny_backbone, tmp_path, pictures, cache=tmp_path / "cache", unreadable=reasons
        )
        assert sorted(reasons) == [1, 3] and all(reason.endswith(".") for reason in reasons.values())
        assert np.isnan(found).any(axis=1).tolist() == [False, True, False, True, False]
    with pytest.raises(SightwordError, match=names[3]):
        picture_features(tiny_backbone, tmp_path, pictures, cache=tmp_path / "cache")
    with pytest.raises(PictureError, match=names[1]):
        picture_features(tiny_backbone, tmp_path, pictures[:3], cache=tmp_path / "cache")


def test_a_picture_that_changed_is_refused(tmp_path: Path, tiny_backbone: Backbone) -> None:
    from dataclasses import replace

    names = write_pictures(tmp_path, 33)
    pictures = [replace(shot(name, name, "x"), sha256="0" * 64) for name in names]
    with pytest.raises(SightwordError, match="is not the picture that the benchmark lists"):
        picture_features(tiny_backbone, tmp_path, pictures, cache=tmp_path / "cache")


def test_features_are_compacted_in_a_mapped_file_too(tmp_path: Path, tiny_backbone: Backbone) -> None:
    data = made_field.circo(tmp_path)
    benchmark = benchmark_named("circo", allow_missing=True)
    loaded = benchmark.load(data, "val")
    whole = picture_features(tiny_backbone, loaded.folder, loaded.pictures, cache=tmp_path / "cache", large=1)
    wanted = np.delete(np.array(whole), 2, axis=0)
    shrunk, kept = readable("circo", loaded, whole, {2: "It is cut off."}, prune=True)
    assert isinstance(kept, np.memmap) and (kept == wanted).all()
    assert len(shrunk.pictures) == len(loaded.pictures) - 1
    assert f"unreadable: {loaded.pictures[2].file} (It is cut off)" in " ".join(shrunk.lost)


def test_an_unreadable_picture_is_counted_like_a_missing_one(tmp_path: Path, tiny_backbone: Backbone) -> None:
    """The scores are those of the benchmark without that picture."""
    data = made_field.circo(tmp_path)
    benchmark = benchmark_named("circo", allow_missing=True)
    loaded = benchmark.load(data, "val")
    used = {name for query in loaded.queries for name in query.references}
    spare = next(picture for picture in loaded.pictures if picture.id not in used)
    broken = loaded.folder / spare.file
    content, results = broken.read_bytes(), []
    for damage in (broken.unlink, lambda: broken.write_bytes(content[:40])):
        damage()
        again = benchmark.load(data, "val")
        results.append(run(benchmark, again, tiny_backbone, ["average"], cache=tmp_path / "c"))
    missing, unreadable = (report.methods["average"] for report in results)
    assert missing.rows == unreadable.rows and missing.tops == unreadable.tops
    assert any(f"unreadable: {spare.file} (" in lost for lost in results[1].loaded.lost)
    strict = benchmark_named("circo", allow_missing=False)
    with pytest.raises(PictureError, match=broken.name):
        run(strict, benchmark.load(data, "val"), tiny_backbone, ["average"], cache=tmp_path / "c")
