"""Decoding in worker processes: the same pixels, and a fault costs one file."""

from __future__ import annotations

import hashlib
import os
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from made_pictures import COLOURED, encoded, noise
from sightword.backbones.base import PreprocessSpec
from sightword.errors import PictureError, SightwordError
from sightword.pictures import decode, resize_uint8
from sightword.pictures.limits import Limits
from sightword.pictures.pool import DecodePool
from sightword.pictures.types import DecodedPicture, UnreadablePicture

SPEC = PreprocessSpec(size=16)
PNG = encoded(noise(40, 30), "PNG")

Result = DecodedPicture | UnreadablePicture


def fill(folder: Path, names: list[str]) -> list[tuple[bytes, bytes]]:
    """Write a small picture under each name."""
    for name in names:
        (folder / name).write_bytes(PNG)
    return [(name.encode(), os.fsencode(folder / name)) for name in names]


def read_all(files: list[tuple[bytes, bytes]], **options: object) -> dict[bytes, Result]:
    with DecodePool(SPEC, **options) as pool:  # type: ignore[arg-type]
        results = list(pool.run(files))
    assert len(results) == len(files)
    return {result.path: result for result in results}


def reason(result: Result) -> str:
    assert isinstance(result, UnreadablePicture)
    return result.reason


@pytest.mark.parametrize("preset", ["clip", "product"])
def test_the_same_as_in_process(preset: str, tmp_path: Path) -> None:
    files = []
    for name, make in COLOURED.items():
        (tmp_path / name).write_bytes(make())
        files.append((name.encode(), os.fsencode(tmp_path / name)))
    results = read_all(files, preset=preset)
    for name in COLOURED:
        result, path = results[name.encode()], tmp_path / name
        assert isinstance(result, DecodedPicture)
        wanted = resize_uint8(decode(path, preset=preset), SPEC, preset)  # type: ignore[arg-type]
        assert np.array_equal(result.pixels, wanted), name
        state = path.stat()
        assert (result.size, result.mtime_ns) == (state.st_size, state.st_mtime_ns)
        assert result.content_hash == hashlib.sha256(path.read_bytes()).digest()
        assert (result.width, result.height) == (64, 48)


def test_good_and_bad_together(tmp_path: Path) -> None:
    files = fill(tmp_path, [f"{n}.png" for n in range(30)])
    (tmp_path / "3.png").write_bytes(PNG[:100])
    (tmp_path / "4.png").write_bytes(b"")
    (tmp_path / "5.png").unlink()
    (tmp_path / "6.png").unlink()
    (tmp_path / "6.png").mkdir()
    results = read_all(files, workers=2)
    assert sum(isinstance(result, DecodedPicture) for result in results.values()) == 26
    assert reason(results[b"3.png"]) == "The picture is cut short."
    assert reason(results[b"4.png"]) == "The file is empty."
    vanished = results[b"5.png"]
    assert isinstance(vanished, UnreadablePicture) and vanished.vanished
    assert not results[b"6.png"].vanished  # type: ignore[union-attr]


@pytest.mark.skipif(sys.platform == "win32", reason="signals and limits of POSIX")
@pytest.mark.parametrize("workers", [1, 2])
def test_faults_cost_one_file_each(workers: int, tmp_path: Path) -> None:
    bad = ["hang.png", "kill.png", "abort.png", "once.png"]
    files = fill(tmp_path, ["a.png", *bad, *(f"{n}.png" for n in range(8)), "chatter.png", "z.png"])
    results = read_all(files, workers=workers, limits=Limits(seconds=1.0), program="faulty_worker")
    assert reason(results[b"hang.png"]) == "Reading the picture took longer than 1 s."
    assert reason(results[b"kill.png"]) == "Reading the picture crashed the process that did it (SIGKILL)."
    assert reason(results[b"abort.png"]) == "Reading the picture crashed the process that did it (SIGABRT)."
    state = (tmp_path / "kill.png").stat()
    assert (results[b"kill.png"].size, results[b"kill.png"].mtime_ns) == (state.st_size, state.st_mtime_ns)
    assert {name for name, result in results.items() if isinstance(result, UnreadablePicture)} == {
        b"hang.png",
        b"kill.png",
        b"abort.png",
    }


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is limited on Linux only")
def test_memory_is_limited(tmp_path: Path) -> None:
    files = fill(tmp_path, ["eat.png", "a.png"])
    results = read_all(files, limits=Limits(memory=200 << 20), program="faulty_worker")
    assert reason(results[b"eat.png"]) == "Reading the picture needs more memory than it may have."
    assert isinstance(results[b"a.png"], DecodedPicture)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is limited on Linux only")
def test_a_picture_within_the_cap_fits_into_the_default_memory(tmp_path: Path) -> None:
    limits = Limits(max_pixels=4_000_000)
    big = encoded(
        noise(2000, 2000),
        "JPEG",
        progressive=True,
        exif=b"Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0",
    )
    (tmp_path / "big.jpg").write_bytes(big)
    with DecodePool(SPEC, "clip", limits=limits) as pool:
        assert pool.read(os.fsencode(tmp_path / "big.jpg")).width == 2000


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_worker_killed_from_outside_loses_nothing(tmp_path: Path) -> None:
    files = fill(tmp_path, [f"slow-{n}.png" for n in range(5)])
    with DecodePool(SPEC, workers=1, program="faulty_worker") as pool:
        results = []
        for result in pool.run(files):
            results.append(result)
            if len(results) == 2:
                worker = pool._workers[0]
                assert worker is not None
                worker.kill()
    assert len(results) == 5
    assert all(isinstance(result, DecodedPicture) for result in results)


def test_work_in_flight_is_bounded(tmp_path: Path) -> None:
    files = fill(tmp_path, [f"{n}.png" for n in range(40)])
    with DecodePool(SPEC, workers=2, ahead=3) as pool:
        results = []
        for result in pool.run(files):
            if not results:
                time.sleep(0.5)  # the workers run ahead of this slow consumer, but not far
                for _, path in files:
                    Path(os.fsdecode(path)).unlink()
            results.append(result)
    assert len(results) == 40
    # 1 taken, 3 in the queue, 2 in the threads' hands and 2 decoded ahead by each worker
    assert sum(isinstance(result, DecodedPicture) for result in results) <= 1 + 3 + 2 + 4


@pytest.mark.parametrize("way", ["close", "stop"])
def test_leaving_early_is_quick_and_the_pool_goes_on(way: str, tmp_path: Path) -> None:
    files = fill(tmp_path, ["a.png", "hang-1.png", "hang-2.png", *(f"{n}.png" for n in range(20))])
    stop = threading.Event()
    with DecodePool(SPEC, workers=2, program="faulty_worker") as pool:
        run = pool.run(files, stop)
        next(run)
        before = time.monotonic()
        if way == "close":
            run.close()
        else:
            stop.set()
            assert len(list(run)) < len(files)
        assert time.monotonic() - before < 5
        assert isinstance(pool.read(files[-1][1]), DecodedPicture)
    assert not [thread for thread in threading.enumerate() if "_serve" in thread.name]


def test_one_file_and_an_upload(tmp_path: Path) -> None:
    ((_, path),) = fill(tmp_path, ["a.png"])
    with DecodePool(SPEC) as pool:
        first = pool.read(path)
        upload = pool.read_bytes(PNG)
        assert np.array_equal(first.pixels, upload.pixels)
        assert first.content_hash == upload.content_hash
        assert (first.path, upload.path) == (path, b"")
        with pytest.raises(PictureError, match=r"^The file is empty\.$"):
            pool.read_bytes(b"")
        with pytest.raises(PictureError, match="cannot be read: No such file or directory"):
            pool.read(path + b"x")


def test_a_broken_installation_is_not_the_pictures_fault(tmp_path: Path) -> None:
    files = fill(tmp_path, ["a.png"])
    with (
        DecodePool(SPEC, program="no_such_module") as pool,
        pytest.raises(SightwordError, match="could not be started") as caught,
    ):
        list(pool.run(files))
    assert not isinstance(caught.value, PictureError)
    assert "SIGHTWORD_DEBUG" in str(caught.value)
