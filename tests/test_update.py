"""An index follows its folder."""

from __future__ import annotations

import os
import threading
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from made_pictures import encoded, noise, with_orientation
from sightword.errors import IndexBusy, SightwordError, UsageError
from sightword.pictures import normalise, resize_uint8
from sightword.pictures.decode import decode
from sightword.update import Progress
from told import Told
from update_helpers import SPEC, Album, album, counts


@pytest.fixture
def pictures(tmp_path: Path) -> Iterator[Album]:
    """Ten pictures, indexed."""
    with album(tmp_path / "pictures") as made:
        for number in range(10):
            made.put(f"{number}.png", number)
        assert counts(made.update()) == {"added": 10}
        made.backbone.encoded = made.backbone.loads = 0
        yield made


def test_features_and_facts(tmp_path: Path) -> None:
    with album(tmp_path) as made:
        path = made.put("a/b.png", 3)
        report = made.update()
        assert (report.interrupted, report.problems, report.skipped_notice) == (False, (), None)
        assert report.seconds > 0
        row = made.store.find(b"a/b.png")
        assert row is not None
        assert (row.width, row.height, row.format, row.taken) == (24, 18, "png", None)
        assert (row.size, row.mtime_ns) == (path.stat().st_size, path.stat().st_mtime_ns)
        square = resize_uint8(decode(path), SPEC, "product")
        wanted = made.backbone.encode_images(normalise(square[None], SPEC))[0]
        assert np.abs(made.feature("a/b.png") - wanted).max() < 1e-5


def test_nothing_to_do_loads_nothing_and_takes_no_lock(pictures: Album) -> None:
    with pictures.store.writer():
        assert counts(pictures.update()) == {}
    assert (pictures.backbone.loads, pictures.backbone.encoded) == (0, 0)


def test_another_writer_is_told(pictures: Album) -> None:
    pictures.put("new.png", 99)
    with pictures.store.writer(), pytest.raises(IndexBusy):
        pictures.update()


def test_edited(pictures: Album) -> None:
    before = pictures.feature("3.png")
    pictures.put("3.png", 33, age=50)
    assert counts(pictures.update()) == {"changed": 1}
    assert pictures.backbone.encoded == 2  # never alone, see `Encoder`
    assert not np.array_equal(pictures.feature("3.png"), before)


def test_touched_needs_no_model(pictures: Album) -> None:
    os.utime(pictures.folder / "3.png")
    assert counts(pictures.update()) == {}
    assert pictures.backbone.loads == 0
    assert pictures.store.known()[b"3.png"].mtime_ns == (pictures.folder / "3.png").stat().st_mtime_ns


def test_moved_keeps_its_vector_and_needs_no_model(pictures: Album) -> None:
    row = pictures.store.find(b"3.png")
    (pictures.folder / "sub").mkdir()
    (pictures.folder / "3.png").rename(pictures.folder / "sub" / "three.png")
    assert counts(pictures.update()) == {"moved": 1}
    assert pictures.backbone.loads == 0
    moved = pictures.store.find(b"sub/three.png")
    assert row is not None and moved is not None and moved.id == row.id
    assert len(pictures.paths()) == 10


def test_all_moved_is_no_vanished_drive(pictures: Album) -> None:
    (pictures.folder / "sub").mkdir()
    for number in range(10):
        (pictures.folder / f"{number}.png").rename(pictures.folder / "sub" / f"{number}.png")
    report = pictures.update()
    assert counts(report) == {"moved": 10} and report.skipped_notice is None
    assert pictures.backbone.loads == 0


def test_another_unicode_form(tmp_path: Path) -> None:
    with album(tmp_path) as made:
        path = made.put(unicodedata.normalize("NFC", "é.png"))
        for number in range(5):
            made.put(f"{number}.png", number + 1)
        made.update()
        path.rename(tmp_path / unicodedata.normalize("NFD", "é.png"))
        assert counts(made.update()) == {"moved": 1}
        assert made.backbone.encoded == 6


def test_swapped_names(pictures: Album) -> None:
    first, second = pictures.feature("1.png"), pictures.feature("2.png")
    one, two, three = (pictures.folder / name for name in ("1.png", "2.png", "tmp"))
    one.rename(three), two.rename(one), three.rename(two)
    os.utime(one), os.utime(two)
    assert counts(pictures.update()) == {"changed": 2}
    assert np.abs(pictures.feature("1.png") - second).max() < 1e-5
    assert np.abs(pictures.feature("2.png") - first).max() < 1e-5


def test_copied_needs_no_model(pictures: Album) -> None:
    pictures.put("copy.png", 4)
    assert counts(pictures.update()) == {"added": 1}
    assert pictures.backbone.loads == 0
    assert np.abs(pictures.feature("copy.png") - pictures.feature("4.png")).max() < 1e-5


def test_deleted_and_back(pictures: Album) -> None:
    data = (pictures.folder / "5.png").read_bytes()
    (pictures.folder / "5.png").unlink()
    assert counts(pictures.update()) == {"gone": 1}
    assert (len(pictures.paths()), pictures.paths("gone")) == (9, [b"5.png"])
    assert counts(pictures.update()) == {}
    pictures.write("5.png", data, age=1000)
    assert counts(pictures.update()) == {"revived": 1}
    assert (len(pictures.paths()), pictures.backbone.loads) == (10, 0)


def test_gone_and_back_elsewhere(pictures: Album) -> None:
    data = (pictures.folder / "5.png").read_bytes()
    (pictures.folder / "5.png").unlink()
    pictures.update()
    pictures.write("later/5.png", data)
    assert counts(pictures.update()) == {"moved": 1}
    assert b"later/5.png" in pictures.paths() and pictures.backbone.loads == 0


def test_an_unplugged_drive(pictures: Album) -> None:
    for number in range(4):
        (pictures.folder / f"{number}.png").unlink()
    report = pictures.update()
    assert counts(report) == {}
    assert report.skipped_notice is not None and report.skipped_notice.startswith("4 of 10 pictures")
    assert len(pictures.paths()) == 10
    pictures.put("new.png", 50)
    report = pictures.update()
    assert counts(report) == {"added": 1} and report.skipped_notice is not None
    assert counts(pictures.update(prune=True)) == {"gone": 4}
    assert len(pictures.paths()) == 7


def test_exactly_thirty_percent_is_believed(pictures: Album) -> None:
    for number in range(3):
        (pictures.folder / f"{number}.png").unlink()
    assert counts(pictures.update()) == {"gone": 3}


def test_failures_are_recorded_and_retried_when_they_change(pictures: Album) -> None:
    good = (pictures.folder / "1.png").read_bytes()
    pictures.write("bad.png", good[:60])
    pictures.write("empty.jpg", b"")
    pictures.write("1.png", b"overwritten", age=10)
    assert counts(pictures.update()) == {"failed": 3}
    reasons = {failure.path: failure.reason for failure in pictures.store.failures()}
    assert set(reasons) == {b"bad.png", b"empty.jpg", b"1.png"}
    assert reasons[b"empty.jpg"] == "The file is empty."
    assert pictures.store.find(b"1.png") is None
    assert pictures.backbone.loads == 1  # to know the size of its input
    assert counts(pictures.update()) == {}
    pictures.write("bad.png", good, age=20)
    (pictures.folder / "empty.jpg").unlink()
    assert counts(pictures.update()) == {"added": 1}
    assert [failure.path for failure in pictures.store.failures()] == [b"1.png"]


def test_the_spec_lets_decoding_start_before_the_model(pictures: Album) -> None:
    pictures.write("bad.png", b"nothing")
    assert counts(pictures.update(spec=SPEC)) == {"failed": 1}
    assert pictures.backbone.loads == 0


def test_the_preset_is_the_manifests(tmp_path: Path) -> None:
    features = {}
    for preset in ("clip", "product"):
        with album(tmp_path / preset, preset) as made:
            made.write("a.png", with_orientation(3))
            made.update()
            features[preset] = made.feature("a.png")
    assert np.abs(features["clip"] - features["product"]).max() > 0.1


def test_progress(pictures: Album) -> None:
    progress = Told()
    pictures.put("new.png", 50)
    pictures.put("copy.png", 4)
    pictures.write("bad.png", b"bad")
    os.utime(pictures.folder / "3.png")
    pictures.update(progress=progress)
    assert progress.told[0] == f"looking for changes in {pictures.folder}"
    assert "reading pictures" in progress.told
    numbers = [item for item in progress.told if isinstance(item, int)]
    assert numbers[0] == 4 and sum(numbers) == 0


def test_reading_does_not_wait_until_every_file_is_recognised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a stop nearly every size is known, so every file is a suspect: 8 s of silence at 50,000 files."""
    from sightword.update import guard, recognise

    hashed: list[bytes] = []
    real = guard.hash_file
    monkeypatch.setattr(recognise, "_AT_ONCE", 4)
    monkeypatch.setattr(guard, "hash_file", lambda path: (hashed.append(path), real(path))[1])
    said: list[tuple[str, int]] = []

    class Told(Progress):
        def already(self, count: int) -> None:
            said.append(("already", count))

        def description(self, text: str) -> None:
            if text == "reading pictures":
                said.append(("hashed", len(hashed)))

    with album(tmp_path / "folder") as made:
        for number in range(20):
            made.write(f"{number:02}.bmp", encoded(noise(24, 18, number), "BMP"))
            if number == 1:
                made.update()
        monkeypatch.setattr(made.store, "by_hash", lambda _: pytest.fail("nothing has this content"))
        report = made.update(progress=Told())
        assert counts(report) == {"added": 18}
        assert len(made.paths()) == 20
    assert said == [("already", 2), ("hashed", 4)]
    assert len(hashed) == 18


def test_stop_commits_what_is_done(tmp_path: Path) -> None:
    stop = threading.Event()

    class Stopping(Progress):
        done = 0

        def advance(self, count: int = 1) -> None:
            self.done += count
            if self.done >= 8:
                stop.set()

    with album(tmp_path) as made:
        for number in range(60):
            made.put(f"{number:02}.png", number)
        report = made.update(stop=stop, batch=8, progress=Stopping())
        assert report.interrupted and 8 <= report.added < 60
        assert len(made.paths()) == report.added
        rest = made.update()
        assert not rest.interrupted and rest.added == 60 - report.added


def test_an_interrupted_update_marks_nothing_gone(pictures: Album) -> None:
    (pictures.folder / "3.png").rename(pictures.folder / "moved.png")
    pictures.put("new.png", 77)
    stop = threading.Event()
    stop.set()
    report = pictures.update(stop=stop)
    assert report.interrupted and counts(report) == {}
    assert b"3.png" in pictures.paths()


def test_errors_of_the_model_and_of_the_folder(pictures: Album) -> None:
    pictures.put("new.png", 77)

    def missing() -> None:
        raise SightwordError("no model here")

    pictures.backbone.load = missing  # type: ignore[assignment]
    with pytest.raises(SightwordError, match="no model here"):
        pictures.update()
    pictures.folder = pictures.folder / "missing"
    with pytest.raises(UsageError, match="No such file or directory"):
        pictures.update()


def test_a_useless_feature_is_a_failure(pictures: Album) -> None:
    pictures.put("new.png", 77)
    pictures.put("other.png", 78)
    encode = pictures.backbone.encode_images

    def sometimes_nan(pixels: np.ndarray) -> np.ndarray:
        features = encode(pixels)
        features[0] = np.nan
        return features

    pictures.backbone.encode_images = sometimes_nan  # type: ignore[method-assign]
    assert counts(pictures.update()) == {"added": 1, "failed": 1}
    assert "no usable feature" in pictures.store.failures()[0].reason
