"""Requests that come together are encoded together, answered apart, and bounded."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from serving import TestClient, png
from sightword.prompts import Prompt
from sightword.serve.batching import Coalescer
from sightword.serve.encoding import SharedBackbone
from sightword.serve.gate import Bucket


def each(change: Callable[[int], int]) -> Callable[[list[list[int]]], list[list[int]]]:
    """Changes every item of every part."""
    return lambda parts: [[change(item) for item in part] for part in parts]


def test_one_caller_runs_at_once() -> None:
    sizes: list[int] = []
    double = Coalescer(each(lambda item: 2 * item), 4, sizes.append)
    assert double([1, 2]) == [2, 4]
    assert double([3]) == [6]
    assert sizes == [2, 1]


def test_what_one_caller_brings_is_handed_on_as_it_is() -> None:
    given: list[object] = []

    def run(parts: list[list[int]]) -> list[list[int]]:
        given.extend(parts)
        return parts

    items = [1, 2]
    assert Coalescer(run, 4)(items) is items and given[0] is items


def test_a_lone_picture_is_not_copied_on_its_way_to_the_encoder(tiny_backbone: Any) -> None:
    given: list[Any] = []

    class Watched:
        spec = tiny_backbone.spec

        def encode_images(self, pixels: Any) -> Any:
            given.append(pixels)
            return tiny_backbone.encode_images(pixels)

    side = tiny_backbone.spec.preprocess.size
    pixels = np.zeros((1, 3, side, side), np.float32)
    SharedBackbone(Watched()).encode_images(pixels)  # type: ignore[arg-type]
    assert np.shares_memory(given[0], pixels)


def test_callers_that_wait_share_a_batch() -> None:
    first, release, sizes = threading.Event(), threading.Event(), []

    def run(parts: list[list[int]]) -> list[list[int]]:
        sizes.append(sum(map(len, parts)))
        first.set()
        release.wait(10)
        return [[-item for item in part] for part in parts]

    negate = Coalescer(run, 4)
    with ThreadPoolExecutor(12) as pool:
        early = pool.submit(negate, [100])
        assert first.wait(10)
        late = [pool.submit(negate, [number]) for number in range(10)]
        while len(negate._waiting) < 10:
            time.sleep(0.001)
        release.set()
        assert early.result(10) == [-100]
        assert [each.result(10) for each in late] == [[-number] for number in range(10)]
    assert sizes == [1, 4, 4, 2]


def test_a_fault_hits_only_its_caller() -> None:
    started, release = threading.Event(), threading.Event()

    def run(parts: list[list[int]]) -> list[list[int]]:
        started.set()
        release.wait(10)
        if [13] in parts:
            raise ValueError("unlucky")
        return parts

    same = Coalescer(run, 8)
    with ThreadPoolExecutor(4) as pool:
        one = pool.submit(same, [1])
        assert started.wait(10)
        others = [pool.submit(same, [number]) for number in (2, 13, 3)]
        while len(same._waiting) < 3:
            time.sleep(0.001)
        release.set()
        assert one.result(10) == [1] and others[0].result(10) == [2] and others[2].result(10) == [3]
        with pytest.raises(ValueError, match="unlucky"):
            others[1].result(10)
    assert list(same([4])) == [4]


def test_many_threads_get_their_own_answers() -> None:
    square = Coalescer(each(lambda item: item * item), 16)
    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda n: square([n, n + 1]), range(600)))
    assert answers == [[n * n, (n + 1) ** 2] for n in range(600)]


def test_the_shared_backbone_answers_as_the_bare_one(tiny_backbone: Any) -> None:
    shared = SharedBackbone(tiny_backbone)
    side = tiny_backbone.spec.preprocess.size
    pixels = np.random.default_rng(0).normal(0, 1, (11, 3, side, side)).astype(np.float32)
    assert shared.encode_images(pixels[:7]) == pytest.approx(
        tiny_backbone.encode_images(pixels[:7]), abs=1e-6
    )
    assert shared.encode_images(pixels) == pytest.approx(tiny_backbone.encode_images(pixels), abs=1e-6)
    prompts = [Prompt(("red",)), Prompt(("a blue ball at night",))]
    assert shared.encode_prompts(prompts) == pytest.approx(tiny_backbone.encode_prompts(prompts), abs=1e-6)
    assert shared.encode_prompts([]).shape == (0, tiny_backbone.spec.dim)


def test_concurrent_requests_are_batched_and_right(serve: Callable[..., TestClient], folder: Path) -> None:
    client = serve(folder, workers=12)
    colours = ["red", "green", "blue", "yellow"] * 6

    def ask(place: int) -> str:
        colour = colours[place]
        files = [("image", png(colour, (50 + place, 50)))]
        answer = client.post("/v1/search", data={"text": colour, "k": "1"}, files=files)
        assert answer.status_code == 200, answer.text
        return Path(answer.json()["results"][0]["hits"][0]["path"]).stem

    with ThreadPoolExecutor(12) as pool:
        assert list(pool.map(ask, range(len(colours)))) == colours
    told = client.get("/metrics").text
    name = 'sightword_encode_batch_size_%s{kind="image"} '
    count, total = (
        float(re.findall(re.escape(name % part) + r"(\S+)", told)[0]) for part in ("count", "sum")
    )
    assert total == len(colours) and count <= total


def test_a_full_queue_says_when_to_come_again(
    serve: Callable[..., TestClient], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = serve(folder, workers=1, waiting=1)
    release, entered = threading.Event(), threading.Event()
    from sightword.serve import routes_ask

    def slow(*args: Any, **named: Any) -> Any:
        entered.set()
        release.wait(20)
        return whole(*args, **named)

    whole = routes_ask.answer
    monkeypatch.setattr(routes_ask, "answer", slow)
    with ThreadPoolExecutor(3) as pool:
        accepted = [pool.submit(client.post, "/v1/search", json={"text": "red"}) for _ in range(2)]
        assert entered.wait(10)
        deadline = time.monotonic() + 10
        while client.app.state.sightword.gate._taken < 2 and time.monotonic() < deadline:  # type: ignore[attr-defined]
            time.sleep(0.005)
        refused = client.post("/v1/search", json={"text": "red"})
        assert refused.status_code == 429 and refused.headers["retry-after"] == "1"
        assert client.get("/healthz").status_code == 200
        release.set()
        assert [each.result(20).status_code for each in accepted] == [200, 200]


def test_a_request_that_takes_too_long_is_given_up(
    serve: Callable[..., TestClient], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = serve(folder, timeout=0.1)
    release = threading.Event()
    from sightword.serve import routes_ask

    monkeypatch.setattr(routes_ask, "answer", lambda *args, **named: release.wait(20))
    answer = client.post("/v1/search", json={"text": "red"})
    release.set()
    assert answer.status_code == 503 and "within 0.1 seconds" in answer.json()["detail"]


def test_bucket() -> None:
    now = [0.0]
    bucket = Bucket(2.0, 3.0, clock=lambda: now[0])
    assert [bucket.take("a") for _ in range(3)] == [0, 0, 0]
    assert bucket.take("a") == pytest.approx(0.5)
    assert bucket.take("b") == 0
    now[0] = 0.5
    assert bucket.take("a") == 0 and bucket.take("a") > 0
    for number in range(10_000):
        bucket.take(str(number))
    assert len(bucket._left) <= 4096
