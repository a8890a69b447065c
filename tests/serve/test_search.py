"""POST /v1/search and its relatives."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gallery import make_gallery, paint
from serving import TestClient, id_of, png
from sightword.search import open as open_engine
from sightword.serve import routes_ask


def names(answer: Any, method: int = 0) -> list[str]:
    return [Path(hit["path"]).stem for hit in answer.json()["results"][method]["hits"]]


def test_words_find_their_colour(client: TestClient) -> None:
    answer = client.post("/v1/search", json={"text": "red", "k": 3})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert names(answer)[0] == "red"
    assert (body["index"], body["pictures"], body["complete"]) == ("pictures", 8, True)
    hit = body["results"][0]["hits"][0]
    assert (hit["rank"], hit["width"], hit["height"], hit["format"]) == (1, 48, 40, "png")
    assert 0 < hit["score"] <= 1 and hit["z"] > 1


def test_the_answer_is_the_engines(client: TestClient, shared_folder: Path, tiny_backbone: Any) -> None:
    from sightword.search import open as open_engine

    with open_engine(shared_folder, backbone=tiny_backbone, method="average") as engine:
        wanted = engine.search(images=shared_folder / "red.png", text="blue", k=5)
    body = {"images": [id_of(client, "red.png")], "text": "blue", "k": 5}
    hits = client.post("/v1/search", json=body).json()["results"][0]["hits"]
    assert [(hit["path"], hit["score"]) for hit in hits] == [
        (str(hit.relative), pytest.approx(hit.score, abs=2e-6)) for hit in wanted
    ]


def test_an_uploaded_picture_and_the_indexed_one_are_one_query(
    client: TestClient, shared_folder: Path
) -> None:
    files = {"image": ("x.png", (shared_folder / "red.png").read_bytes(), "image/png")}
    uploaded = client.post("/v1/search", data={"text": "blue", "k": "4"}, files=files)
    assert uploaded.status_code == 200, uploaded.text
    by_id = client.post("/v1/search", json={"images": [id_of(client, "red.png")], "text": "blue", "k": 4})
    assert names(uploaded) == names(by_id)
    assert "red" not in names(uploaded)
    assert uploaded.json()["references"] == [{"id": id_of(client, "red.png")}]


def test_a_new_picture_has_no_id(client: TestClient) -> None:
    answer = client.post("/v1/search", files=[("image", png("green", (70, 50)))])
    assert names(answer)[0] == "green"
    assert answer.json()["references"] == [{"id": None}]


def test_lists_in_a_form_are_repeated_fields(client: TestClient) -> None:
    form = {"text": "red", "without": ["dark", "blue"], "methods": ["text", "average"], "k": "2"}
    answer = client.post("/v1/search", data=form, files=[("without_image", png("blue", (30, 30)))])
    assert answer.status_code == 200, answer.text
    assert [result["asked"] for result in answer.json()["results"]] == ["text", "average"]


def test_methods_side_by_side(client: TestClient) -> None:
    body = {
        "images": [id_of(client, "red.png")],
        "text": "blue",
        "methods": ["image", "text", "weighted:0.3"],
    }
    results = client.post("/v1/search", json=body).json()["results"]
    assert [result["asked"] for result in results] == ["image", "text", "weighted:0.3"]
    assert [result["method"] for result in results] == ["image", "text", "weighted:0.3"]


def test_balance_has_two_ends_and_a_middle(client: TestClient) -> None:
    body: dict[str, Any] = {"images": [id_of(client, "red.png")], "text": "blue", "include_reference": True}

    def scores(**more: Any) -> dict[str, float]:
        hits = client.post("/v1/search", json=body | more).json()["results"][0]["hits"]
        return {hit["path"]: hit["score"] for hit in hits}

    assert scores(balance=0.5) == scores()
    picture = scores(balance=0)
    assert max(picture, key=picture.__getitem__) == "red.png"
    assert picture == pytest.approx(scores(methods=["image"]), abs=2e-6)
    assert scores(balance=1) == pytest.approx(scores(methods=["text"]), abs=2e-6)


def test_filters_thresholds_and_negatives(client: TestClient) -> None:
    assert len(names(client.post("/v1/search", json={"text": "red", "where": "path ~ 'deep/*'"}))) == 2
    assert names(client.post("/v1/search", json={"text": "red", "min_score": "1.2z"}))[0] == "red"
    assert not names(client.post("/v1/search", json={"text": "red", "min_score": "9z"}))
    without = client.post("/v1/search", json={"text": "purple", "without": ["blue"], "k": 8})
    assert names(without).index("blue") > names(
        client.post("/v1/search", json={"text": "purple", "k": 8})
    ).index("blue")


def test_explain_and_notes(client: TestClient) -> None:
    body = {"images": [id_of(client, "red.png")], "text": "blue", "explain": True}
    told = client.post("/v1/search", json=body).json()["results"][0]["explanation"]
    assert len(told["words"]) == 1 and told["words"][0]
    assert told["picture"]["cosine"] and told["text"]["cosine"]
    assert told["words"][0][0]["word"] == "red"
    noted = client.post("/v1/search", json={"text": "red", "methods": ["average"]}).json()["notes"]
    assert noted == ["The method average combines a picture with words; here is only words, so text answers."]


def test_what_is_explained_is_what_was_asked(client: TestClient) -> None:
    """The slider moves the query; how far each side pulled is told of the query that was moved."""
    body = {"images": [id_of(client, "red.png")], "text": "blue", "explain": True, "k": 4}

    def pulls(**more: Any) -> Any:
        return client.post("/v1/search", json=body | more).json()["results"][0]["explanation"]

    middle, picture, words = pulls(), pulls(balance=0.0), pulls(balance=1.0)
    assert picture["picture"]["cosine"] == pytest.approx(1, abs=1e-4)
    assert words["text"]["cosine"] == pytest.approx(1, abs=1e-4)
    assert picture["text"]["cosine"] < middle["text"]["cosine"] < words["text"]["cosine"]
    assert words["picture"]["cosine"] < middle["picture"]["cosine"] < picture["picture"]["cosine"]


def test_similar(client: TestClient) -> None:
    """The nearest pictures by the cosine of their features, best first, without the picture itself."""
    image = id_of(client, "red.png")
    answer = client.get(f"/v1/images/{image}/similar?k=3")
    hits = answer.json()["results"][0]["hits"]
    others = client.post("/v1/search", json={"text": "red", "k": 50, "fold": False}).json()["results"][0]
    ids = [image, *(hit["id"] for hit in others["hits"] if hit["id"] != image)]
    told = client.post("/v1/embed", json={"images": ids}).json()["embeddings"]
    vectors = np.array([item["vector"] for item in told])
    cosines = dict(zip(ids[1:], (vectors[1:] @ vectors[0]).tolist()))
    assert [hit["score"] for hit in hits] == pytest.approx(sorted(cosines.values())[:-4:-1], abs=2e-6)
    assert [cosines[hit["id"]] for hit in hits] == pytest.approx([hit["score"] for hit in hits], abs=2e-6)
    assert client.post("/v1/search", json={"images": [image], "k": 3}).json()["results"][0]["hits"] == hits


@pytest.mark.parametrize(
    ("address", "status"),
    [("pictures.999/similar", 404), ("nowhere.1/similar", 404), ("pictures.1/similar?k=0", 422),
     ("pictures.1/similar?k=1001", 422), ("pictures.1/similar?k=few", 422), ("pictures.999/thumb", 404)],
)  # fmt: skip
def test_similar_to_what_is_not_there(client: TestClient, address: str, status: int) -> None:
    answer = client.get(f"/v1/images/{address}")
    assert answer.status_code == status and answer.json()["detail"].endswith(".")


def test_two_folders(serve: Any, folder: Path, tmp_path: Path) -> None:
    other = make_gallery(tmp_path / "Other Pictures", ["red", "blue"])
    client = serve(folder, other)
    assert [item["id"] for item in client.get("/v1/indexes").json()] == ["pictures", "other-pictures"]
    answer = client.post("/v1/search", json={"index": "other-pictures", "text": "red"})
    assert len(names(answer)) == 2
    # A picture of one folder may be the question to the other.
    reference = answer.json()["results"][0]["hits"][0]["id"]
    crossed = client.post("/v1/search", json={"index": "pictures", "images": [reference]})
    assert crossed.status_code == 200, crossed.text
    assert crossed.json()["index"] == "pictures" and "red" not in names(crossed)


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        ({}, 422, "nothing to look for"),
        ({"text": "x", "k": 0}, 422, "k is 0"),
        ({"text": "x", "colour": 1}, 422, "colour"),
        ({"text": "x", "where": "width >"}, 422, "filter"),
        ({"text": "x", "min_score": "much"}, 422, "score"),
        ({"text": "x", "methods": ["nonsense"]}, 422, "nonsense"),
        ({"text": "x", "methods": ["../../etc"]}, 422, "methods"),
        ({"text": "x", "index": "elsewhere"}, 404, "elsewhere"),
        ({"images": ["pictures.999"]}, 404, "pictures.999"),
        ({"images": ["999"]}, 422, "images"),
    ],
)  # fmt: skip
def test_mistakes_are_problems(client: TestClient, body: dict[str, Any], status: int, word: str) -> None:
    answer = client.post("/v1/search", json=body)
    problem = answer.json()
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["status"] == status and problem["title"]
    assert word in problem["detail"] and problem["detail"].endswith(".")


def test_methods_are_named_not_loaded_from_paths(client: TestClient, tiny_phi_dir: Path) -> None:
    answer = client.post("/v1/search", json={"text": "x", "methods": [str(tiny_phi_dir)]})
    assert answer.status_code == 422


def test_strange_bodies(client: TestClient) -> None:
    for body in (b"", b"[1", b"null", b'{"text": "\\ud800"}', b"\xff\xfe", json.dumps([1]).encode()):
        answer = client.post("/v1/search", content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 422, (body, answer.text)
    assert client.post("/v1/search", content=b"x=1").status_code == 415
    broken = client.post("/v1/search", content=b"x", headers={"content-type": "multipart/form-data"})
    assert broken.status_code == 400, broken.text


def test_embed(client: TestClient, tiny_backbone: Any) -> None:
    body = {"texts": ["red", "blue"], "images": [id_of(client, "red.png")]}
    answer = client.post("/v1/embed", json=body).json()
    vectors = np.array([item["vector"] for item in answer["embeddings"]])
    assert vectors.shape == (3, tiny_backbone.spec.dim)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert vectors[2] @ vectors[0] > vectors[2] @ vectors[1]
    raw = client.post("/v1/embed", data={"normalise": "false"}, files=[("image", png("red"))])
    assert [item["kind"] for item in raw.json()["embeddings"]] == ["image"]
    assert client.post("/v1/embed", json={}).status_code == 422


def test_methods_and_documents(client: TestClient) -> None:
    methods = {item["name"]: item for item in client.get("/v1/methods").json()}
    assert methods["average"]["default"] and not methods["image"]["default"]
    assert sum(item["default"] for item in methods.values()) == 1
    described = client.get("/openapi.json").json()
    assert {"/v1/search", "/v1/embed", "/v1/indexes", "/v1/images/{image_id}"} <= set(described["paths"])
    assert described["components"]["schemas"]["SearchRequest"]["examples"]
    assert "multipart/form-data" in described["paths"]["/v1/search"]["post"]["requestBody"]["content"]


def test_the_default_is_among_the_methods_that_are_listed(shared_folder: Path) -> None:
    """With the shipped model it is the tuned head on top of an inversion; both tell what a picture became."""
    with open_engine(shared_folder, backbone="starter") as engine:
        shelves = {"pictures": SimpleNamespace(engine=engine)}
        state: Any = SimpleNamespace(backbone=engine.backbone, library=SimpleNamespace(shelves=shelves))
        listed = {item.name: item for item in routes_ask._methods(state)}
    assert [name for name, item in listed.items() if item.default] == ["tuned"]
    assert listed["tuned"].words and "tuned+pdv" not in listed
    assert listed["pic2word+pdv"].words and "directional" in listed["pic2word+pdv"].summary


def test_an_empty_folder_answers(serve: Any, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    client = serve(tmp_path / "empty")
    answer = client.post("/v1/search", json={"text": "red"}).json()
    assert answer["results"][0]["hits"] == [] and answer["pictures"] == 0
    paint(tmp_path / "empty" / "red.png", "red")
    job = client.post("/v1/indexes/empty/refresh").json()
    assert client.app.state.sightword.jobs.get(job["id"]).ended.wait(30)  # type: ignore[attr-defined]
    assert names(client.post("/v1/search", json={"text": "red"})) == ["red"]
