"""Servers in the test's own process, over small folders and the tiny backbone."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from starlette.testclient import TestClient

from gallery import COLOURS
from sightword.search import open as open_engine
from sightword.serve import Settings, create_app

HOME = "http://127.0.0.1:8765"


@contextmanager
def serving(
    backbone: Any,
    *folders: Path,
    base_url: str = HOME,
    origin: bool = True,
    refresh: bool = True,
    pictures: str | None = None,
    **settings: Any,
) -> Iterator[TestClient]:
    """A client of a server whose indexes are fresh; by default it says that it is the server's own page."""

    def engines(shared: Any) -> list[Any]:
        return [open_engine(item, backbone=shared, method="average", pictures=pictures) for item in folders]

    app = create_app(engines, backbone, Settings(**{"method": "average", **settings}), refresh=refresh)
    with TestClient(app, base_url=base_url, raise_server_exceptions=False) as client:
        if origin:
            client.headers["origin"] = base_url
        state = app.state.sightword
        assert state.ready.wait(30)
        for shelf in state.library.shelves.values():
            job = state.jobs.current(shelf)
            assert job is None or job.ended.wait(30)
        yield client


def id_of(client: TestClient, name: str) -> str:
    """The id of the picture whose path ends so."""
    answer = client.post("/v1/search", json={"text": "red", "k": 50, "fold": False}).json()
    return str(next(hit["id"] for hit in answer["results"][0]["hits"] if hit["path"].endswith(name)))


def png(colour: str, size: tuple[int, int] = (48, 40)) -> bytes:
    """A plain picture as bytes."""
    data = io.BytesIO()
    Image.new("RGB", size, COLOURS[colour]).save(data, "PNG")
    return data.getvalue()
