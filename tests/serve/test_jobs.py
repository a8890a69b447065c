"""Refreshing and watching while others search; health; metrics; the page's files."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gallery import make_gallery, paint
from serving import TestClient, id_of
from sightword.errors import IndexOfAnotherFolder, UsageError
from sightword.search import open as open_engine
from sightword.search.engine import Engine
from sightword.serve.library import Shelf


def ended(client: TestClient, job: Any, seconds: float = 30) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        told = client.get(f"/v1/jobs/{job['id']}").json()
        if told["state"] not in ("queued", "running"):
            return told
        time.sleep(0.02)
    raise AssertionError(told)


def test_a_finished_refresh_is_on_the_disk(
    serve: Callable[..., TestClient], folder: Path, tiny_backbone: Any
) -> None:
    client = serve(folder)
    make_gallery(folder / "new", ["red", "blue"])
    answer = client.post("/v1/indexes/pictures/refresh")
    assert answer.status_code == 202
    job = answer.json()
    assert answer.headers["location"] == f"/v1/jobs/{job['id']}"
    told = ended(client, job)
    assert told["state"] == "finished" and told["report"]["added"] == 2
    with open_engine(folder, backbone=tiny_backbone) as engine:  # another reader, from the disk
        assert engine.info()["pictures"] == 10
    assert client.get("/v1/indexes").json()[0]["pictures"] == 10


def test_refreshes_queue_and_the_waiting_one_is_shared(
    serve: Callable[..., TestClient], folder: Path
) -> None:
    client = serve(folder)
    jobs = [client.post("/v1/indexes/pictures/refresh").json() for _ in range(6)]
    assert len({job["id"] for job in jobs}) <= 6
    assert all(ended(client, job)["state"] == "finished" for job in jobs)
    assert client.get("/v1/jobs/" + "0" * 32).status_code == 404
    assert client.post("/v1/indexes/nowhere/refresh").status_code == 404


def test_a_refusal_names_no_places_off_this_machine(
    serve: Callable[..., TestClient], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_: object, **__: object) -> None:
        error = IndexOfAnotherFolder(
            f"8 of the 10 pictures of milvus://anna@db/x, filled from box:/home/anna, are not in {folder}."
        )
        error.public = "8 of the 10 pictures of the index are not in the folder."
        raise error

    monkeypatch.setattr(Engine, "update", refused)
    elsewhere = {"host": "0.0.0.0", "api_key": "correct horse battery", "allowed_hosts": ("photos.example",)}
    client = serve(folder, base_url="http://photos.example", origin=False, **elsewhere)
    client.headers["authorization"] = "Bearer correct horse battery"
    job = client.get("/v1/indexes").json()[0]["job"]
    assert (job["state"], job["error"]) == (
        "failed",
        "8 of the 10 pictures of the index are not in the folder.",
    )
    assert client.get(f"/v1/jobs/{job['id']}").json() == job
    assert "/home/anna" in serve(folder).get("/v1/indexes").json()[0]["job"]["error"]

    def lost(_: object, **__: object) -> None:
        raise UsageError(f"There is no folder '{folder}'.")

    monkeypatch.setattr(Engine, "update", lost)
    told = ended(client, client.post("/v1/indexes/pictures/refresh").json())
    assert told["error"] == "There is no folder 'pictures'."


def test_an_index_of_another_folder_gives_no_answers(
    serve: Callable[..., TestClient], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = serve(folder)
    hit = client.post("/v1/search", json={"text": "red"}).json()["results"][0]["hits"][0]["id"]

    def refused(_: object, **__: object) -> None:
        raise IndexOfAnotherFolder("8 of the 10 pictures of the index are not in pictures.")

    with monkeypatch.context() as patch:
        patch.setattr(Engine, "update", refused)
        ended(client, client.post("/v1/indexes/pictures/refresh").json())
    for answer in (
        client.post("/v1/search", json={"text": "red"}),
        client.get(f"/v1/images/{hit}"),
        client.get(f"/v1/images/{hit}/thumb"),
        client.get(f"/v1/images/{hit}/similar"),
    ):
        assert answer.status_code == 409
        assert answer.json()["detail"] == "8 of the 10 pictures of the index are not in pictures."
    assert client.get("/v1/indexes").json()[0]["error"]
    ended(client, client.post("/v1/indexes/pictures/refresh").json())
    assert client.get(f"/v1/images/{hit}").status_code == 200


def test_a_folder_is_refreshed_again_after_anything(
    serve: Callable[..., TestClient], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = serve(folder)

    def refused(_: object, **__: object) -> None:
        raise UsageError("No.")

    def broken(_: object) -> None:
        raise RuntimeError("the disk is gone")

    with monkeypatch.context() as patch:
        patch.setattr(Engine, "update", refused)
        patch.setattr(Shelf, "facts", broken)
        told = ended(client, client.post("/v1/indexes/pictures/refresh").json(), seconds=5)
        assert (told["state"], told["error"]) == ("failed", "No.")
    assert ended(client, client.post("/v1/indexes/pictures/refresh").json())["state"] == "finished"


def test_watching_follows_the_folder(serve: Callable[..., TestClient], tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    paint(tmp_path / "w" / "red.png", "red")
    client = serve(tmp_path / "w", watch=True)
    paint(tmp_path / "w" / "blue.png", "blue")
    deadline = time.monotonic() + 30
    while client.get("/v1/indexes").json()[0]["pictures"] < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert client.get("/v1/indexes").json()[0]["watched"]


def test_health_and_metrics(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready"}
    secret = "an unusual sentence about purple elephants"
    client.post(
        "/v1/search",
        json={"text": secret, "methods": ["weighted:0.3718281"], "images": [id_of(client, "red.png")]},
    )
    client.get("/v1/images/pictures.1/thumb")
    client.get("/nowhere/at/all")
    told = client.get("/metrics").text
    assert 'sightword_http_requests_total{method="POST",route="/v1/search",status="200"}' in told
    assert 'route="/v1/images/{image_id}/thumb"' in told and 'route="other"' in told
    assert "sightword_search_seconds_bucket" in told
    for private in ("elephants", "0.3718281", "red.png", "nowhere", "pictures.1"):
        assert private not in told


def test_labels_are_few_and_fixed(client: TestClient) -> None:
    """Whatever is asked, the values of labels are ours: they cannot carry a text or a path."""
    for index in range(3):
        client.post("/v1/search", json={"text": f"secret {index}", "where": f"path ~ 'private{index}/*'"})
        client.request("BREW", f"/secret{index}")
        client.get(f"/v1/images/secret{index}.1")
        client.get("/v1/indexes", headers={"host": f"secret{index}.example"})
    client.get("/v1/indexes")
    templates = {
        *client.get("/openapi.json").json()["paths"],
        "/",
        "/docs",
        "/openapi.json",
        "/assets/{name}",
    }
    allowed = {
        "method": {"GET", "HEAD", "POST", "DELETE", "other"},
        "route": templates | {"other"},
        "kind": {"image", "text"},
        "reason": {"host", "site", "origin", "rate", "key", "queue", "timeout", "slow", "size"},
        "state": {"finished", "stopped", "failed"},
        "index": {item["id"] for item in client.get("/v1/indexes").json()},
    }
    told = client.get("/metrics").text
    labels = re.findall(r'[{,]([a-z_]+)="((?:[^"\\]|\\.)*)"', told)
    assert {name for name, _ in labels} <= {*allowed, "status", "le"}
    for name, value in labels:
        assert value in allowed[name] if name in allowed else re.fullmatch(r"[0-9.]+|\+Inf", value), name
    assert "secret" not in told and "private" not in told


def test_ready_once_the_model_is_loaded(serve: Callable[..., TestClient], folder: Path) -> None:
    client = serve(folder)
    ready = client.app.state.sightword.ready  # type: ignore[attr-defined]
    ready.clear()
    answer = client.get("/readyz")
    assert answer.status_code == 503 and answer.headers["retry-after"] == "1"
    assert answer.json()["detail"] == "The model is being loaded."
    assert client.get("/healthz").status_code == 200
    ready.set()
    assert client.get("/readyz").status_code == 200


def test_sample_and_page(client: TestClient) -> None:
    pictures = client.get("/v1/indexes/pictures/sample?k=5&seed=3").json()["pictures"]
    assert 3 <= len({picture["id"] for picture in pictures}) <= 5
    assert client.get("/v1/indexes/pictures/sample?k=5&seed=3").json()["pictures"] == pictures
    page = client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    for name in re.findall(r'"(/assets/[^"]+)"', page.text + client.get("/docs").text):
        answer = client.get(name)
        assert answer.status_code == 200, name
        assert client.get(name, headers={"if-none-match": answer.headers["etag"]}).status_code == 304


def test_the_page_loads_nothing_from_elsewhere() -> None:
    from sightword.serve.routes_page import PAGE

    for path in PAGE.iterdir():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"""https?://|["'(]//""", text), path
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text
        ), path
        assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=\"|<style|\sstyle=\"", text), path
        assert len(text.splitlines()) <= 400, path
