"""Many pictures go through several inferences side by side, and come out as they would alone."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sightword.backbones import load_backbone
from sightword.backbones.openvino_runtime import OpenVINOBackbone
from sightword.backbones.streams import PORTION, StreamedTower, _keep, stream_count
from sightword.backbones.towers import find_graph
from sightword.errors import ModelUnavailable
from tiny import SIZE, D, image_reference


def pixels(count: int) -> np.ndarray:
    """Pixels [count, 3, S, S]."""
    return np.random.default_rng(count).normal(size=(count, 3, SIZE, SIZE)).astype(np.float32)


def opened(directory: Path) -> OpenVINOBackbone:
    backbone = load_backbone(str(directory), threads=2, precision="f32")
    assert isinstance(backbone, OpenVINOBackbone)
    return backbone


def test_streams_are_as_many_as_threads_up_to_four() -> None:
    assert [stream_count(threads) for threads in (1, 2, 3, 64)] == [1, 2, 3, 4]
    assert 1 <= stream_count(None) <= 4


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_every_picture_gets_its_own_answer(tiny_backbone_dir: Path, threads: int) -> None:
    tower = StreamedTower(find_graph(tiny_backbone_dir, "image"), D, threads, "f32", None)
    for count in (PORTION + 1, 5 * PORTION, 9 * PORTION + 3):
        many = pixels(count)
        np.testing.assert_allclose(tower(many), image_reference(many), atol=1e-5)


def test_callers_in_several_threads_get_their_own_answers(tiny_backbone_dir: Path) -> None:
    backbone = opened(tiny_backbone_dir)
    many = pixels(8 * PORTION)
    parts = [many[start : start + 2 * PORTION] for start in range(0, len(many), 2 * PORTION)] * 5
    with ThreadPoolExecutor(4) as pool:
        for part, found in zip(parts, pool.map(backbone.encode_images, parts)):
            np.testing.assert_allclose(found, image_reference(part), atol=1e-5)


def test_few_pictures_compile_no_streams_and_many_nothing_else(tiny_backbone_dir: Path) -> None:
    few, many = opened(tiny_backbone_dir), opened(tiny_backbone_dir)
    few.encode_images(pixels(PORTION))
    assert few._streams is None and set(few._towers) == {"image"}
    many.encode_images(pixels(PORTION + 1))
    many.encode_images(pixels(1))
    assert many._streams is not None and not many._towers


def test_a_graph_of_another_width_is_told(tiny_backbone_dir: Path) -> None:
    tower = StreamedTower(find_graph(tiny_backbone_dir, "image"), D + 1, 2, "f32", None)
    with pytest.raises(ModelUnavailable, match=f"not with {D + 1} columns"):
        tower(pixels(3 * PORTION))


def test_a_failing_inference_is_an_error_and_the_next_call_works(
    tiny_backbone_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tower = StreamedTower(find_graph(tiny_backbone_dir, "image"), D, 2, "f32", None)
    many = pixels(3 * PORTION)
    with pytest.raises((RuntimeError, ValueError)):
        tower(many[:, :1])  # a channel where there should be three
    np.testing.assert_allclose(tower(many), image_reference(many), atol=1e-5)


def test_an_interrupt_leaves_no_inference_running(
    tiny_backbone_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What still ran would read pixels, and write features, that nobody holds any longer."""
    tower = StreamedTower(find_graph(tiny_backbone_dir, "image"), D, 4, "f32", None)
    many, begin, started, kept = pixels(3 * PORTION), tower._queue.start_async, [], []

    def slowly(request: Any, place: Any) -> None:
        time.sleep(0.2)
        _keep(request, place)
        kept.append(place)

    def interrupted(*args: Any, **options: Any) -> None:
        if len(started) == 2:
            raise KeyboardInterrupt
        started.append(args)
        begin(*args, **options)

    with monkeypatch.context() as patch:
        tower._queue.set_callback(slowly)
        patch.setattr(tower._queue, "start_async", interrupted)
        with pytest.raises(KeyboardInterrupt):
            tower(many)
        assert len(kept) == len(started) == 2 and tower._queue.is_ready()
    tower._queue.set_callback(_keep)
    np.testing.assert_allclose(tower(many), image_reference(many), atol=1e-5)
