"""What concurrent requests want encoded is encoded together, also through the whole server."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from serving import TestClient, png, serving

COLOURS = ["red", "green", "blue", "yellow", "purple", "cyan", "white", "black"]


class Slow:
    """A backbone whose image tower takes long enough for others to gather behind it."""

    def __init__(self, inner: Any) -> None:
        self.inner, self.sizes = inner, list[int]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def encode_images(self, pixels: Any) -> Any:
        self.sizes.append(len(pixels))
        time.sleep(0.1)
        return self.inner.encode_images(pixels)


@pytest.fixture(params=[True, False], ids=["batching", "alone"])
def served(
    request: pytest.FixtureRequest, tiny_backbone: Any, folder: Path
) -> Iterator[tuple[TestClient, Slow, bool]]:
    slow = Slow(tiny_backbone)
    with serving(slow, folder, workers=8, batching=request.param) as client:
        client.post("/v1/search", files=[("image", png("red", (33, 33)))])  # decoders are running now
        slow.sizes.clear()
        yield client, slow, request.param


def test_requests_share_the_encoder(served: tuple[TestClient, Slow, bool]) -> None:
    client, slow, batching = served

    def ask(place: int) -> str:
        picture = png(COLOURS[place], (50 + place, 50))
        answer = client.post("/v1/search", files=[("image", picture)])
        assert answer.status_code == 200, answer.text
        return Path(answer.json()["results"][0]["hits"][0]["path"]).stem

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == COLOURS
    assert sum(slow.sizes) == 8
    assert (max(slow.sizes) > 1 and len(slow.sizes) < 8) if batching else slow.sizes == [1] * 8
    told = client.get("/metrics").text
    if batching:
        pattern = r'sightword_encode_batch_size_(count|sum)\{kind="image"\} (\S+)'
        seen = {name: float(value) for name, value in re.findall(pattern, told)}
        assert seen["count"] < seen["sum"]
